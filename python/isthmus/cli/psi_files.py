"""What the commands of ``isthmus psi`` read and write: this party's table, and its shared rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.errors import EmptyInput, InvalidArgument

if TYPE_CHECKING:
    from rich.console import Console

    from isthmus.tables import TableStream

_MEMORY = re.compile(r"([0-9]+)([KMGT]?)i?B?", re.IGNORECASE)
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def open_ids(
    input: Path,
    id: list[str],
    rules: str | dict[str, str],
    out: Path | None,
    state: Path | None = None,
    *,
    min_result: int = 1,
) -> TableStream:
    """Open the id columns, and refuse before the peer is met what would be refused after."""
    from isthmus.psi.ingest import IdSource
    from isthmus.psi.state_files import Folder
    from isthmus.tables import check_rows_writable, open_stream

    if out is not None:
        check_rows_writable(input, out)
    stream = open_stream(input, columns=id, text=id)
    if out is not None and out.exists() and out.samefile(input):
        raise InvalidArgument("--out is the input itself; give another file")
    IdSource(stream, rules)
    if min_result > 0 and not any(batch.num_rows for batch in stream):
        raise EmptyInput(f"{input.name} holds no rows")
    if state is not None:
        Folder(state).release()  # which leaves a folder that holds a run as it is
    return stream


def read_rules(given: list[str]) -> str | dict[str, str]:
    """Read ``--normalize``: one rule for all columns, or one for each named."""
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    rules = {}
    for text in given:
        column, separator, steps = text.rpartition("=")
        if not separator or column in rules:
            raise InvalidArgument("--normalize: give STEPS once, or COLUMN=STEPS once for each column")
        rules[column] = steps
    return rules


def read_memory(text: str) -> int:
    """Read ``--memory``."""
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise InvalidArgument("--memory: give bytes, or a number with K, M, G or T, such as 512M")
    return int(match[1]) << _UNITS[match[2].upper()]


def write_shared(
    console: Console, stream: TableStream, input: Path, rows: Any, out: Path, **options: Any
) -> None:
    """Write the shared rows, all columns of them, unless the input changed since it was read.

    Columns keep their types; in a CSV file, where identifiers have none, they are text.
    """
    from isthmus.cli.progress import watch
    from isthmus.party.stages import Pace
    from isthmus.protocol.machine import Progress
    from isthmus.tables import write_rows
    from isthmus.tables.paths import file_format

    stream.check_unchanged()
    pace = Pace()
    text = stream.schema.names if file_format(input).kind == "csv" else []
    with watch(console) as show:

        def on_progress(done: int, total: int) -> None:
            show(pace.judge(Progress("write", done >> 20, total >> 20, "MiB read")))

        write_rows(input, rows, out, text=text, on_progress=on_progress, **options)


def say_counts(console: Console, stream: TableStream, size: int | None, duplicates: int) -> None:
    """Say how many customers are shared, if this party learned it, and how many rows were left out."""
    if size is not None:
        rows = stream.total_rows or 0
        say(console, f"{size:,} customers are shared; this party's file has {rows:,} rows")
    if duplicates:
        were = "repeated row was" if duplicates == 1 else "repeated rows were"
        say(console, f"{duplicates:,} {were} left out")


def say(console: Console, line: str) -> None:
    """Print a line as it is, however long."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)
