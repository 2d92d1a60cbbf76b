"""``isthmus psi``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def psi(
    *,
    party: Annotated[Path, typer.Option(help="This party's file, from `isthmus party init`.")],
    input: Annotated[Path, typer.Option(help="CSV, Parquet or Arrow file of this party.")],
    id: Annotated[list[str], typer.Option(help="Column to match on; repeat it for a composite key.")],
    job: Annotated[str, typer.Option(help="Name of this run; the peer gives the same.")],
    out: Annotated[Path | None, typer.Option(help="Where the shared rows go. A sender has none.")] = None,
    role: Annotated[
        Literal["both", "receiver", "sender"],
        typer.Option(help="Who learns the shared customers: both parties, or the receiver only."),
    ] = "both",
    duplicates: Annotated[
        Literal["error", "first"],
        typer.Option(help="A customer that occurs twice: refuse, or keep the first row."),
    ] = "error",
    min_result: Annotated[
        int,
        typer.Option(min=0, help="Release nothing if fewer customers are shared; both parties agree on it."),
    ] = 1,
) -> None:
    """Find the customers that both parties have, and write this party's rows.

    Both parties run the command, each on its own file. With role both, row k
    of either output is the same customer.

    Example, at the bank:

    [cyan]isthmus psi --party bank.toml --job june --input bank.csv
    --id customer_id --out aligned.parquet[/cyan]
    """
    from rich.console import Console

    from isthmus.cli.meeting import meet
    from isthmus.errors import InvalidArgument
    from isthmus.psi import intersect
    from isthmus.tables import check_writable, read_table, write_table

    if (out is None) != (role == "sender"):
        raise InvalidArgument("--out is needed, except by the sender, who learns nothing to write")
    if out is not None:
        check_writable(out)
    table = read_table(input, text=id)
    console = Console(stderr=True)
    with meet(party, job, console) as session:
        ids = table.select(id)
        match = intersect(session, ids, role=role, duplicates=duplicates, min_result=min_result)
    if out is not None:
        write_table(table.take(match.indices), out)
        console.print(
            f"{match.size:,} of {table.num_rows:,} customers are shared; wrote {out}", highlight=False
        )
    if match.duplicates:
        console.print(f"{match.duplicates:,} repeated rows were left out", highlight=False)
    console.print(f"{session.peer} has {match.peer_size:,} customers", highlight=False)
