"""``isthmus psi star``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from isthmus.cli.psi_options import OWN, Input, Memory, Suite, job_option, min_result_option, suite_option

_ALL = "All parties give the same"


def star(
    *,
    party: Annotated[
        list[Path],
        typer.Option(help="This party's file; the hub repeats it, one for each other.", rich_help_panel=OWN),
    ],
    input: Input,
    id: Annotated[
        list[str],
        typer.Option(
            help="Column to match on; repeat it for a composite key, in the order of the others'.",
            rich_help_panel=OWN,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="At the hub, where its shared rows go: .csv, .csv.gz, .parquet or .arrow.",
            rich_help_panel=OWN,
        ),
    ] = None,
    duplicates: Annotated[
        Literal["error", "first"],
        typer.Option(help="A customer in several rows: refuse, or keep the first row.", rich_help_panel=OWN),
    ] = "error",
    normalize: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[COLUMN=]STEPS",
            help="Bring an id column to one form first; see `isthmus psi run --help`.",
            rich_help_panel=OWN,
        ),
    ] = None,
    job: Annotated[str, job_option(_ALL)],
    min_result: Annotated[int, min_result_option(_ALL)] = 1,
    suite: Annotated[Suite, suite_option(_ALL)] = "ristretto255",
    memory: Memory = "1G",
) -> None:
    """Find the customers that three or more parties have; one of them learns which.

    That party is the hub. The others, the spokes, trust only the hub, as in
    `isthmus psi --help`, and learn how many customers each party has and how
    many all share. The hub makes a party file for each spoke, with a port of
    its own, and writes its rows of the customers that all have:

    [cyan]bank$ isthmus party init --name bank --listen 0.0.0.0:7700
    bank$ isthmus party trust fund.crt --party bank.toml
    bank$ isthmus party trust shop.crt --party bank.toml \\
          --to bank-shop.toml --listen 0.0.0.0:7701
    bank$ isthmus psi star --party bank.toml --party bank-shop.toml \\
          --job june --input bank.csv --id customer_id --out shared.csv[/cyan]

    Each spoke, at about the same time:

    [cyan]fund$ isthmus psi star --party fund.toml \\
          --job june --input fund.parquet --id client
    shop$ isthmus psi star --party shop.toml \\
          --job june --input shop.csv --id number[/cyan]

    All must print the same code of the run: compare it by telephone. The
    spoke of the last --party could also count how many customers each group
    of parties has in common and, if it breaks the protocol, find which of its
    own the hub has: choose one that may. A run that is interrupted starts
    again.
    """
    from rich.console import Console

    from isthmus.cli import psi_files
    from isthmus.cli.meeting import meet_all
    from isthmus.cli.psi_files import say
    from isthmus.errors import InvalidArgument
    from isthmus.psi import star_intersect, star_join

    hub = len(party) > 1
    if hub != (out is not None):
        raise InvalidArgument("--out is for the hub, which gives a --party file for each of the others")
    memory_bytes = psi_files.read_memory(memory)
    options: dict[str, Any] = {
        "duplicates": duplicates,
        "min_result": min_result,
        "normalize": psi_files.read_rules(normalize or []),
        "suite": suite,
        "memory_bytes": memory_bytes,
        "work_dir": (out or party[0]).parent,
    }
    stream = psi_files.open_ids(input, id, options["normalize"], out, min_result=min_result)
    console = Console(stderr=True)
    with meet_all(party, job, console) as sessions:
        if hub:
            result = star_intersect(sessions, stream, **options)
        else:
            result = star_join(sessions[0], stream, **options)
    psi_files.say_counts(console, stream, result.size, result.duplicates)
    say(console, ", ".join(f"{name} has {count:,} customers" for name, count in result.counts.items()))
    say(console, f"code of this run, the same at all parties: {result.code}")
    if out is not None:
        psi_files.write_shared(console, stream, input, result.indices, out, memory_bytes=memory_bytes)
        say(console, f"wrote {out}")
