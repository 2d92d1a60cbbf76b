"""``isthmus psi run``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from isthmus.cli.psi_options import (
    MACHINE,
    OWN,
    Input,
    Memory,
    Suite,
    job_option,
    min_result_option,
    suite_option,
)

if TYPE_CHECKING:
    from rich.console import Console

    from isthmus.cli.pending import Pending
    from isthmus.tables import TableStream

HELP = """Find the customers that two parties share; neither sees the other's others.

Once, each party makes its identity and trusts the other's:

[cyan]bank$ isthmus party init --name bank --listen 0.0.0.0:7700
fund$ isthmus party init --name fund[/cyan]

They send each other bank.crt and fund.crt, and compare the fingerprints
that were printed by telephone.

[cyan]bank$ isthmus party trust fund.crt --party bank.toml
fund$ isthmus party trust bank.crt --party fund.toml \\
      --address bank.example:7700[/cyan]

Then both run the same job, each on its own file, and within a minute of each
other (or of limits.connect_seconds in the party files):

[cyan]bank$ isthmus psi run --party bank.toml --job june \\
      --input bank.csv --id customer_id --out aligned.csv
fund$ isthmus psi run --party fund.toml --job june \\
      --input fund.parquet --id client --out aligned.parquet[/cyan]

Row k of either output is the same customer. For three or more parties, see
`isthmus psi star --help`.
"""

_AGREED = "Both parties give the same"


def run(
    *,
    party: Annotated[
        Path, typer.Option(help="This party's file, from `isthmus party init`.", rich_help_panel=OWN)
    ],
    input: Input,
    id: Annotated[
        list[str],
        typer.Option(
            help="Column to match on; repeat it for a composite key, in the order of the peer's.",
            rich_help_panel=OWN,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the shared rows go: .csv, .csv.gz, .parquet or .arrow. Not for a sender or a count.",
            rich_help_panel=OWN,
        ),
    ] = None,
    role: Annotated[
        Literal["both", "receiver", "sender"],
        typer.Option(
            help="Who learns: both parties, or the receiver alone from a sender.", rich_help_panel=OWN
        ),
    ] = "both",
    duplicates: Annotated[
        Literal["error", "first", "all"],
        typer.Option(
            help="A customer in several rows: refuse, keep the first row, or write all of them (row k of the "
            "outputs is then no longer the same customer). The peer does not learn of it.",
            rich_help_panel=OWN,
        ),
    ] = "error",
    normalize: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[COLUMN=]STEPS",
            help="Bring an id column to one form first: nfkc, casefold (or lower), trim, digits, digits:CC, "
            "as in customer_id=trim,lower. Both parties' columns need the same steps.",
            rich_help_panel=OWN,
        ),
    ] = None,
    job: Annotated[str, job_option(_AGREED)],
    protocol: Annotated[
        Literal["ecdh", "voprf"],
        typer.Option(
            help="With voprf, a sender proves to a receiver that it answered all under one key; "
            "without --state.",
            rich_help_panel=_AGREED,
        ),
    ] = "ecdh",
    count_only: Annotated[
        bool,
        typer.Option(
            "--count-only",
            help="Learn how many are shared (a dishonest learner: which).",
            rich_help_panel=_AGREED,
        ),
    ] = False,
    min_result: Annotated[int, min_result_option(_AGREED)] = 1,
    suite: Annotated[Suite, suite_option(_AGREED)] = "ristretto255",
    memory: Memory = "1G",
    state: Annotated[
        Path | None,
        typer.Option(
            help="A folder of this run's own: after a crash or a lost connection, the same command goes on "
            "where it stopped, if the peer gave a folder too. Lists go there, not beside --out.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Compute here, or on this party's Ray cluster.", rich_help_panel=MACHINE),
    ] = "local",
) -> None:
    """Find the customers that both parties have, and write this party's rows.

    Both parties run it, each with its own file. At the bank, which waits:

    [cyan]isthmus psi run --party bank.toml --job june \\
    --input bank.csv --id customer_id --out aligned.csv[/cyan]

    At the fund, which dials (its party file has the bank's address):

    [cyan]isthmus psi run --party fund.toml --job june \\
    --input fund.parquet --id client --out aligned.parquet[/cyan]

    The outputs hold all columns of their inputs; row k of either is the same
    customer. With --role receiver at one party and --role sender at the
    other, only the receiver learns and writes. `isthmus psi --help` shows
    how the party files are made.
    """
    from rich.console import Console

    from isthmus.cli import psi_files
    from isthmus.cli.pending import Pending
    from isthmus.errors import InvalidArgument
    from isthmus.party.party_file import load_party_file
    from isthmus.protocol.registry import psi_protocol
    from isthmus.psi.ray_engine import import_ray

    if (out is not None) != (role != "sender" and not count_only):
        raise InvalidArgument("--out is needed, except by a sender or for a count, where there are no rows")
    psi_protocol(protocol).check(
        role=role,
        reveal="size" if count_only else "rows",
        suite=suite,
        engine=engine,
        keeps_state=state is not None,
    )
    options: dict[str, Any] = {
        "role": role,
        "protocol": protocol,
        "duplicates": duplicates,
        "min_result": min_result,
        "normalize": psi_files.read_rules(normalize or []),
        "suite": suite,
    }
    memory_bytes = psi_files.read_memory(memory)
    limits = {
        "memory_bytes": memory_bytes,
        "work_dir": state or (out or party).parent,
        "state_dir": state,
        "engine": engine,
    }
    stream = psi_files.open_ids(input, id, options["normalize"], out, state, min_result=min_result)
    if engine == "ray":
        import_ray()
    console = Console(stderr=True)
    match = functools.partial(_match, console, party, job, stream, count_only, **options, **limits)
    if out is None:
        match()
        return
    pending = None
    if state is not None:
        pending = Pending(state, load_party_file(party).identity, {"job": job, "id": id, **options})
    rows = match() if pending is None else _kept_or_new(pending, stream, options["normalize"], match)
    psi_files.write_shared(console, stream, input, rows, out, memory_bytes=memory_bytes)
    if pending is not None:
        pending.discard()
    psi_files.say(console, f"wrote {out}")


def _kept_or_new(
    pending: Pending, stream: TableStream, normalize: str | dict[str, str], match: Callable[..., Any]
) -> Any:
    """Return the rows that an earlier run of the command kept, or keep and return those of a new match."""
    from isthmus.psi.ingest import IdSource

    rows = pending.load(IdSource(stream, normalize))
    return match(on_result=pending.save) if rows is None else rows


def _match(
    console: Console, party: Path, job: str, stream: TableStream, count_only: bool, **options: Any
) -> Any:
    """Meet the peer, run the protocol, say what came of it, and return this party's rows if it learns any."""
    from isthmus.cli.meeting import meet
    from isthmus.cli.psi_files import say, say_counts
    from isthmus.psi import PsiResult, intersect, intersection_size

    with meet(party, job, console) as session:
        result = (intersection_size if count_only else intersect)(session, stream, **options)
    say_counts(console, stream, result.size, result.duplicates)
    say(console, f"{session.peer} has {result.peer_size:,} customers")
    return result.indices if isinstance(result, PsiResult) else None
