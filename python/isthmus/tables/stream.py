"""Tables as streams of record batches, in memory that does not grow with the table."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from isthmus import errors
from isthmus.tables.columns import as_column, as_table, is_table, key_column, plain
from isthmus.tables.csv_files import CsvFile
from isthmus.tables.paths import PathLike, decoding, file_format, regular_file, select_columns

BATCH_ROWS = 1 << 16
_READ_BYTES = 1 << 20


class Source(Protocol):
    """Where batches come from; each call of :meth:`batches` reads once from the start.

    ``first_row`` is what the source itself calls its first row, ``total_rows`` their number if that is known
    before they are read, and ``position`` how many bytes of a file the latest pass has read.
    """

    first_row: int
    total_rows: int | None
    position: int

    def schema(self) -> pa.Schema:
        """Return the columns' names and types."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return the rows, in order."""


class TableStream:
    """The chosen columns of a table, batch by batch; get one from :func:`open_stream`.

    Iterate it as often as needed: each pass starts at the first row. What can be read only once, such as a
    ``RecordBatchReader``, refuses a second pass with InvalidArgument.

    Attributes
    ----------
    schema
        Names and types of the columns.
    rows
        Rows that the latest pass has given so far.
    total_rows
        Rows in all, or None while that is not known.
    total_bytes
        Size of the file; 0 for a table in memory.
    """

    def __init__(self, source: Source, text: Sequence[str], path: Path | None = None) -> None:
        self._source = source
        self._text = frozenset(text)
        self._path = path
        self._seen = None if path is None else _identity(path)
        self.schema = _plain(_empty(source.schema()), self._text).schema
        self.rows = 0
        self.total_rows = source.total_rows
        self.total_bytes = 0 if path is None else path.stat().st_size

    @property
    def bytes_read(self) -> int:
        """How far the latest pass is in the file: at most ``total_bytes``."""
        if self.total_rows:
            return self.total_bytes * self.rows // self.total_rows
        return min(self._source.position, self.total_bytes)

    @property
    def expected_rows(self) -> int | None:
        """``total_rows``, or a guess at it by how much of the file the rows so far took."""
        if self.total_rows is None and self.bytes_read:
            return self.rows * self.total_bytes // self.bytes_read
        return self.total_rows

    def row_in_source(self, row: int) -> int:
        """Return what the source calls row ``row``: in a CSV file, the header is row 1."""
        return self._source.first_row + row

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self.rows = 0
        self.check_unchanged()
        for batch in self._source.batches():
            for start in range(0, batch.num_rows, BATCH_ROWS):
                part = _plain(batch.slice(start, BATCH_ROWS), self._text)
                self.rows += part.num_rows
                yield part
        self.check_unchanged()
        self.total_rows = self.rows

    def check_unchanged(self) -> None:
        """Raise StorageError if the file was written to or replaced since it was opened."""
        if self._path is not None and _identity(self._path) != self._seen:
            raise errors.StorageError(f"{self._path.name} changed while it was in use")


def open_stream(data: Any, *, columns: Sequence[str] | None = None, text: Sequence[str] = ()) -> TableStream:
    """Open a table for reading in batches of at most 65,536 rows.

    Parameters
    ----------
    data
        The path of a CSV (also ``.csv.gz``), Parquet or Arrow file; or anything that
        :func:`isthmus.tables.as_table` takes; or anything else that exports an Arrow stream, which is then
        pulled batch by batch; or one column, which gets the name ``id``.
    columns
        Read only these, in this order; SchemaError lists the ones the table lacks.
    text
        Columns to read as text. Name identifiers here: a CSV file's ``00123`` would otherwise be the number
        123, and a Parquet file's number 123 would not match another party's text.

    Raises
    ------
    PathError
        The path is not a regular file.
    EmptyInput
        The file has no bytes. A table without rows is one.
    CsvError, IdEncoding
        While reading; ``row`` counts from 1, the header included.
    SchemaError, DecodeError, StorageError
        Columns are missing; the data are not what they seem; they cannot be read, or changed meanwhile.
    """
    if isinstance(data, str | os.PathLike):
        return open_file(data, columns, text, {})
    return TableStream(_Memory(data, columns, text), text)


def open_file(
    path: PathLike,
    columns: Sequence[str] | None,
    text: Sequence[str],
    types: Mapping[str, pa.DataType],
    copied: Collection[str] = (),
) -> TableStream:
    """Open a file; ``types`` names the types of further CSV columns, and ``copied`` what need not be text."""
    path = regular_file(path)
    kind = file_format(path).kind
    if kind == "csv":
        named = {**dict.fromkeys(text, pa.string()), **types}
        return TableStream(CsvFile(path, columns, named, copied), (), path)
    return TableStream((_ParquetFile if kind == "parquet" else _ArrowFile)(path, columns, text), text, path)


def key_batches(stream: TableStream) -> Iterator[pa.RecordBatch]:
    """Read identifier columns: text, bytes or integers, nothing missing, in layouts that the core reads.

    Raises SchemaError for another type, IdEncoding with the row, as the source counts, for a missing
    identifier, and what reading the stream raises.
    """
    for batch in stream:
        yield _keys(batch, stream.row_in_source(stream.rows - batch.num_rows))


def key_schema(stream: TableStream) -> pa.Schema:
    """Return names and types of what :func:`key_batches` gives, without reading any rows."""
    if not stream.schema.names:
        raise errors.SchemaError("there is no identifier column")
    return _keys(_empty(stream.schema), 0).schema


def _keys(batch: pa.RecordBatch, first_row: int) -> pa.RecordBatch:
    columns = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            checked = key_column(name, pa.chunked_array([column]))
        except errors.IdEncoding as error:
            row = None if error.row is None else first_row + error.row
            raise errors.IdEncoding(error.args[0], row=row) from None
        columns[name] = checked.combine_chunks()
    return pa.record_batch(columns)


def _plain(batch: pa.RecordBatch, text: frozenset[str]) -> pa.RecordBatch:
    """Return the batch without dictionaries and views, and with integers in ``text`` as decimal digits.

    Dictionaries differ from batch to batch, and not every format has a place for them.
    """
    for at, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        found = plain(pa.chunked_array([column])).combine_chunks()
        if name in text and pa.types.is_integer(found.type):
            found = pc.cast(found, pa.string())
        if found.type != column.type:
            batch = batch.set_column(at, name, found)
    return batch


def _chosen(schema: pa.Schema, columns: Sequence[str] | None, text: Sequence[str], name: str) -> pa.Schema:
    """Return the part of the schema that is read; SchemaError lists the columns that are not there."""
    names = select_columns(schema.names, columns, name)
    select_columns(schema.names, text, name)
    return pa.schema([schema.field(column) for column in names])


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.nulls(0, kind) for kind in schema.types], schema=schema)


def _identity(path: Path) -> tuple[int, ...]:
    """Return what changes when a file is written to or replaced."""
    status = regular_file(path).stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


# --- sources -----------------------------------------------------------------------------------------------


class _ParquetFile:
    first_row = 0

    def __init__(self, path: Path, columns: Sequence[str] | None, text: Sequence[str]) -> None:
        self._path = path
        self.position = 0
        with self._open() as file:
            self._schema = _chosen(file.schema_arrow, columns, text, path.name)
            self.total_rows: int | None = file.metadata.num_rows

    def schema(self) -> pa.Schema:
        return self._schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        with decoding(self._path), self._open() as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=self._schema.names):
                # The reader gives columns in the order of the file.
                yield batch.select(self._schema.names)

    def _open(self) -> Any:
        # Buffered, so that a page is read at a time and not a whole column of a row group.
        with decoding(self._path):
            return pa.parquet.ParquetFile(self._path, buffer_size=_READ_BYTES, pre_buffer=False)


class _ArrowFile:
    """Arrow's file format, or its stream format under the same suffix; mapped, not copied."""

    first_row = 0

    def __init__(self, path: Path, columns: Sequence[str] | None, text: Sequence[str]) -> None:
        self._path = path
        self.position = 0
        self.total_rows: int | None = None
        with decoding(path), path.open("rb") as file:
            self._is_file = file.read(6) == b"ARROW1"
        with decoding(path), pa.memory_map(str(path)) as mapped, self._reader(mapped) as reader:
            self._schema = _chosen(reader.schema, columns, text, path.name)

    def schema(self) -> pa.Schema:
        return self._schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        with decoding(self._path), pa.memory_map(str(self._path)) as mapped, self._reader(mapped) as reader:
            if not self._is_file:
                for batch in reader:
                    self.position = mapped.tell()
                    yield batch.select(self._schema.names)
                return
            for index in range(reader.num_record_batches):
                self.position = self._path.stat().st_size * index // reader.num_record_batches
                yield reader.get_batch(index).select(self._schema.names)

    def _reader(self, mapped: Any) -> Any:
        return pa.ipc.open_file(mapped) if self._is_file else pa.ipc.open_stream(mapped)


class _Memory:
    """A table, a column, or an exporter of a stream."""

    first_row = 0
    position = 0

    def __init__(self, data: Any, columns: Sequence[str] | None, text: Sequence[str]) -> None:
        self.total_rows: int | None = None
        self._reopen: Callable[[], pa.RecordBatchReader] | None = None
        if isinstance(data, pa.RecordBatchReader):
            self._reader = data
        else:
            if not is_table(data):
                data = pa.table({"id": as_column(data)})
            elif not hasattr(data, "__arrow_c_stream__"):
                data = as_table(data)
            self._reopen, self._reader = _opened_stream(data)
            self.total_rows = data.num_rows if isinstance(data, pa.Table) else None
        self._schema = _chosen(self._reader.schema, columns, text, "the table")

    def schema(self) -> pa.Schema:
        return self._schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        # The reader that told the schema serves the first pass: opening it may have run a query.
        reader, self._reader = self._reader, None
        if reader is None and self._reopen is not None:
            reader = self._reopen()
        if reader is None:
            raise errors.InvalidArgument("a record batch reader can be read once; give a table or a file")
        try:
            for batch in reader:
                yield batch.select(self._schema.names)
        except (pa.ArrowException, OSError):  # the message may quote values
            raise errors.DecodeError("the source of the table failed while it was read") from None


def _opened_stream(data: Any) -> tuple[Callable[[], pa.RecordBatchReader], pa.RecordBatchReader]:
    """Return what opens an exported stream, and the stream open; one of a single column is read whole."""
    try:
        return lambda: pa.RecordBatchReader.from_stream(data), pa.RecordBatchReader.from_stream(data)
    except pa.ArrowInvalid:  # no rows of fields
        table = pa.table({"id": as_column(data)})
        return table.to_reader, table.to_reader()
