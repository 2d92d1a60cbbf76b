"""Whole tables from disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from isthmus.errors import EmptyInput
from isthmus.tables.paths import PathLike
from isthmus.tables.stream import open_stream


def read_table(path: PathLike, *, columns: Sequence[str] | None = None, text: Sequence[str] = ()) -> pa.Table:
    """Read a whole CSV, Parquet or Arrow file; the suffix says which.

    Takes the arguments and raises the errors of :func:`isthmus.tables.open_stream`, and EmptyInput for a
    file without rows.
    """
    stream = open_stream(path, columns=columns, text=text)
    table = pa.Table.from_batches(list(stream), schema=stream.schema)
    if not table.num_rows:
        raise EmptyInput(f"{Path(path).name} holds no rows")
    return table
