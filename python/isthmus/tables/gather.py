"""Writes chosen rows of a large table in a chosen order, in bounded memory.

The table is read once, from start to end. The rows that are wanted are kept as they come; when they outgrow
the budget they are dealt out to unnamed temporary files, one for each range of positions in the result, and
these are put in order one after the other.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus import errors
from isthmus.tables.csv_files import NotText, WrongType
from isthmus.tables.paths import PathLike, file_format
from isthmus.tables.stream import TableStream, open_file, open_stream
from isthmus.tables.writing import check_schema, check_writable, open_writer

MEMORY_BYTES = 512 << 20
_MAX_HELD_BYTES = 1 << 30  # 32-bit offsets of text columns end at 2 GiB
_MAX_FILES = 64

# What a CSV column becomes when a value does not fit: as if that value had stood in its first block.
_WIDER = {pa.null(): pa.int64(), pa.int64(): pa.float64(), pa.string(): pa.binary()}

Rows = NDArray[np.int64]


def write_rows(
    data: Any,
    rows: Rows,
    path: PathLike,
    *,
    columns: Sequence[str] | None = None,
    text: Sequence[str] = (),
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write rows of a table to a CSV, Parquet or Arrow file, all or nothing, in memory of a fixed size.

    From one CSV file to another, values are copied as they are written there, byte for byte. In another
    format a CSV column of text that is not UTF-8 is one of bytes, unless it is in ``text``.

    Parameters
    ----------
    data, columns, text
        As in :func:`isthmus.tables.open_stream`. What can be read only once will do.
    rows
        Rows counted from 0, in the order in which they are to be written; a row may occur repeatedly.
    memory_bytes
        How much of the result to hold at once, beside 24 bytes for each row.
    on_progress
        Called with bytes read and bytes in all; with rows where the table is not a file.

    Raises
    ------
    InvalidArgument
        A row is not in the table.
    IsthmusError
        As :func:`isthmus.tables.open_stream` and :func:`isthmus.tables.write_table`.
    """
    check_writable(path)
    wanted = np.ascontiguousarray(rows, dtype=np.int64)
    if len(wanted) and wanted.min() < 0:
        raise errors.InvalidArgument("rows are counted from 0")
    if not isinstance(data, str | os.PathLike) or file_format(Path(data)).kind != "csv":
        _gather(open_stream(data, columns=columns, text=text), wanted, Path(path), memory_bytes, on_progress)
        return
    copied = open_stream(data, columns=columns).schema.names
    types: dict[str, pa.DataType] = {}
    if file_format(Path(path)).kind == "csv":
        types = dict.fromkeys(copied, pa.binary())
    else:
        copied = [name for name in copied if name not in text]
    while True:
        stream = open_file(data, columns, text, types, copied)
        try:
            return _gather(stream, wanted, Path(path), memory_bytes, on_progress)
        except (WrongType, NotText) as error:
            name = error.column
            if name is None or name not in copied:
                raise
            types[name] = _WIDER.get(stream.schema.field(name).type, pa.string())


def check_rows_writable(data: PathLike, path: PathLike) -> None:
    """Find out before a long run whether :func:`write_rows` could write rows of a file to ``path``.

    Raises as :func:`isthmus.tables.check_writable`, and SchemaError where the format of ``path`` has no place
    for a column's type.
    """
    check_writable(path)
    if file_format(Path(data)).kind != "csv":  # whose types have a place everywhere
        check_schema(open_stream(data).schema, path)


def _gather(
    stream: TableStream,
    rows: Rows,
    path: Path,
    memory_bytes: int,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    order = np.argsort(rows, kind="stable")
    ascending = rows[order]
    with open_writer(path, stream.schema) as writer:
        held = _Held(stream.schema, (0, len(rows)), memory_bytes, path.parent)
        for batch in stream:
            first = stream.rows - batch.num_rows
            start, stop = np.searchsorted(ascending, (first, stream.rows))
            if start < stop:
                held.add(batch.take(_as_arrow(ascending[start:stop] - first)), order[start:stop])
            if on_progress is not None:
                on_progress(*_progress(stream))
        if len(ascending) and ascending[-1] >= stream.rows:
            raise errors.InvalidArgument(f"a row beyond the table's {stream.rows} rows is asked for")
        for table in held.in_order():
            writer.write_table(table)


def _progress(stream: TableStream) -> tuple[int, int]:
    if stream.total_bytes:
        return stream.bytes_read, stream.total_bytes
    return stream.rows, max(stream.rows, stream.total_rows or 0)


class _Held:
    """Rows with their positions in the result: some in memory, and beyond the budget on disk."""

    def __init__(self, schema: pa.Schema, span: tuple[int, int], memory_bytes: int, folder: Path) -> None:
        self._schema = schema
        self._start, self._stop = span
        self._memory = memory_bytes
        # Putting rows in order copies them, so that half the budget may be held.
        self._limit = max(1, min(memory_bytes // 2, _MAX_HELD_BYTES))
        self._folder = folder
        self._pieces: list[pa.RecordBatch] = []
        self._positions: list[Rows] = []
        self._bytes = 0
        self._rows = 0
        self._parts: list[_Part] = []

    def add(self, batch: pa.RecordBatch, positions: Rows) -> None:
        """Keep the rows of a batch, whose places in the result are ``positions``."""
        self._pieces.append(batch)
        self._positions.append(positions)
        self._bytes += batch.nbytes + positions.nbytes
        self._rows += len(positions)
        if self._bytes > self._limit and self._stop - self._start > 1:
            self._spill()

    def in_order(self) -> Iterator[pa.Table]:
        """Return all rows in the order of their positions, and let go of them."""
        if not self._parts:
            table, _ = self._sorted()
            yield table
            return
        self._spill()
        for part in self._parts:
            inner = _Held(self._schema, part.span, self._memory, self._folder)
            for batch in part.read():
                rows = pa.RecordBatch.from_arrays(batch.columns[1:], schema=self._schema)
                inner.add(rows, batch.column(0).to_numpy())
            yield from inner.in_order()

    def _sorted(self) -> tuple[pa.Table, Rows]:
        table = pa.Table.from_batches(self._pieces, schema=self._schema)
        positions = np.concatenate(self._positions) if self._positions else np.empty(0, np.int64)
        self._pieces, self._positions, self._bytes, self._rows = [], [], 0, 0
        order = np.argsort(positions)
        return table.take(_as_arrow(order)), positions[order]

    def _spill(self) -> None:
        if not self._parts:
            self._open_parts()
        table, positions = self._sorted()
        ends = np.searchsorted(positions, [part.span[1] for part in self._parts])
        start = 0
        for part, end in zip(self._parts, ends.tolist(), strict=True):
            part.write(table.slice(start, end - start), positions[start:end])
            start = end

    def _open_parts(self) -> None:
        count = self._stop - self._start
        expected = self._bytes * count // self._rows
        files = min(max(2, 2 * expected // self._limit), _MAX_FILES, count)
        edges = np.linspace(self._start, self._stop, files + 1).astype(np.int64).tolist()
        self._parts = [_Part(self._schema, span, self._folder) for span in pairwise(edges)]


def _as_arrow(numbers: Rows) -> pa.Array:
    """Wrap numbers without copying; ``pa.array`` would import pandas where there is one, for 0.3 s."""
    whole = np.ascontiguousarray(numbers, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])


class _Part:
    """The rows of one range of positions, in a file that has no name and so cannot be left behind."""

    def __init__(self, schema: pa.Schema, span: tuple[int, int], folder: Path) -> None:
        self.span = span
        self._schema = schema.insert(0, pa.field("", pa.int64()))
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (closed by read(), or with the object)
        self._writer = pa.ipc.new_stream(self._file, self._schema)

    def write(self, table: pa.Table, positions: Rows) -> None:
        """Append rows."""
        if len(positions):
            self._writer.write_table(
                pa.Table.from_arrays([_as_arrow(positions), *table.columns], schema=self._schema)
            )

    def read(self) -> Iterator[pa.RecordBatch]:
        """Return everything written, once."""
        self._writer.close()
        self._file.seek(0)
        with self._file, pa.ipc.open_stream(self._file) as reader:
            yield from reader
