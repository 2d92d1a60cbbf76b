"""Reads and writes tables on disk: CSV, Parquet, Arrow.

A quoted CSV value may not hold a line break: with that rule an unclosed quote is always found, where it
would otherwise swallow the rows after it. Line ends may be LF, CRLF or mixed, and a UTF-8 byte order mark is
dropped.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from isthmus import errors

PathLike = str | os.PathLike[str]

_BLOCK_BYTES = 8 << 20
_ROW = re.compile(r"Row #(\d+)")
_COLUMN = re.compile(r"CSV column #(\d+)")


def read_table(path: PathLike, *, columns: Sequence[str] | None = None, text: Sequence[str] = ()) -> pa.Table:
    """Read a whole CSV, Parquet or Arrow file; the suffix says which.

    Parameters
    ----------
    columns
        Read only these, in this order; SchemaError lists the ones the file lacks.
    text
        CSV columns to keep as text whatever they look like. Name identifiers here: otherwise ``00123`` is
        read as the number 123.

    Raises
    ------
    PathError
        The path is not a regular file.
    EmptyInput
        The file has no bytes, or no rows.
    CsvError, IdEncoding
        With ``row``, the row of the file counted from 1, its header included.
    SchemaError, DecodeError, StorageError
        Columns are missing; the file is not what its suffix says; it cannot be read.
    """
    path = _regular_file(path)
    kind = _format(path)
    if kind == "csv":
        table = _read_csv(path, columns, text)
    else:
        with _decoding(path):
            if kind == "parquet":
                names = _select(pa.parquet.read_schema(path).names, columns, path)
                table = pa.parquet.read_table(path, columns=names, partitioning=None)
            else:
                with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                    table = reader.read_all()
                table = table.select(_select(table.schema.names, columns, path))
    if table.num_rows == 0:
        raise errors.EmptyInput(f"{path.name} holds no rows")
    return table


def iter_batches(
    path: PathLike, *, columns: Sequence[str] | None = None, text: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """Read a file as a stream of record batches, in memory that does not grow with the file.

    Takes the arguments and raises the errors of :func:`read_table`; a CSV column has the type of its first
    block.
    """
    path = _regular_file(path)
    rows = 0
    for batch in _BATCHES[_format(path)](path, columns, text):
        rows += batch.num_rows
        if batch.num_rows:
            yield batch
    if rows == 0:
        raise errors.EmptyInput(f"{path.name} holds no rows")


def check_writable(path: PathLike) -> None:
    """Find out before a long run whether :func:`write_table` could write there.

    Raises
    ------
    PathError
        The suffix names no format, or something that is not a regular file lies at ``path``.
    StorageError
        The folder is missing or not writable.
    """
    target = Path(path)
    _format(target)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise errors.PathError(f"{target.name} exists and is not a regular file")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise errors.StorageError(f"{target.name} could not be written: the folder is missing or read-only")


def write_table(table: pa.Table, path: PathLike) -> None:
    """Write CSV, Parquet or Arrow by the suffix, all or nothing.

    The bytes go to a temporary file beside the target, which is flushed to disk and then renamed over it: a
    reader sees the old file or the new one. Files are created readable by their owner only.

    Raises
    ------
    PathError
        Something that is not a regular file lies at ``path``.
    SchemaError
        The format has no place for a column's type.
    StorageError
        The file system refused; an earlier file at ``path`` is untouched.
    """
    target = Path(path)
    check_writable(target)
    kind = _format(target)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as sink:
            _WRITERS[kind](table, sink)
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as cause:
        raise errors.StorageError(f"{target.name} could not be written: {cause.strerror}") from cause
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as cause:
        raise errors.SchemaError(f"{target.name}: a column's type has no place in a {kind} file") from cause
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_arrow(table: pa.Table, sink: BinaryIO) -> None:
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


_WRITERS: dict[str, Callable[[pa.Table, BinaryIO], None]] = {
    "csv": pa.csv.write_csv,
    "parquet": pa.parquet.write_table,
    "arrow": _write_arrow,
}
_SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow"}


def _format(path: Path) -> str:
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise errors.PathError(f"{path.name}: the name must end in one of {', '.join(_SUFFIXES)}")
    return kind


def _regular_file(path: PathLike) -> Path:
    path = Path(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise errors.PathError(f"{path.name} does not exist") from None
    except (OSError, ValueError) as cause:
        raise errors.StorageError(f"{path.name} cannot be read") from cause
    if not stat.S_ISREG(status.st_mode):
        raise errors.PathError(f"{path.name} is not a regular file")
    if status.st_size == 0:
        raise errors.EmptyInput(f"{path.name} holds no bytes")
    return path


def _select(present: Sequence[str], wanted: Sequence[str] | None, path: Path) -> list[str]:
    """Return the columns to read, or raise a SchemaError that lists what is wrong with them."""
    repeated = sorted(name for name, times in Counter(present).items() if times > 1)
    if repeated:
        raise errors.SchemaError(f"{path.name} has columns with the same name: {', '.join(repeated)}")
    missing = [name for name in wanted or () if name not in present]
    if missing:
        raise errors.SchemaError(
            f"{path.name} lacks the columns {', '.join(missing)}; it has {', '.join(present)}"
        )
    return list(present if wanted is None else wanted)


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn pyarrow's errors into ours, without the excerpts of data that its messages quote."""
    try:
        yield
    except pa.ArrowInvalid as cause:
        raise errors.DecodeError(f"{path.name} is damaged or not a {_format(path)} file") from cause
    except OSError as cause:
        raise errors.StorageError(f"{path.name} cannot be read") from cause


# --- CSV ---------------------------------------------------------------------------------------------------


def _read_csv(path: Path, columns: Sequence[str] | None, text: Sequence[str]) -> pa.Table:
    convert, _ = _csv_columns(path, columns, text)
    try:
        table = pa.csv.read_csv(
            path, read_options=pa.csv.ReadOptions(block_size=_BLOCK_BYTES), convert_options=convert
        )
        _refuse_line_breaks(table, path, 2)
        return table
    except (pa.ArrowInvalid, pa.ArrowKeyError, errors.CsvError):
        # Only a single-threaded pass counts rows, so a file that fails is read again to find where.
        for _ in _csv_batches(path, columns, text):
            pass
        raise errors.CsvError(f"{path.name}: a column changes its type on the way") from None
    except OSError as cause:
        raise errors.StorageError(f"{path.name} cannot be read") from cause


def _csv_batches(path: Path, columns: Sequence[str] | None, text: Sequence[str]) -> Iterator[pa.RecordBatch]:
    convert, names = _csv_columns(path, columns, text)
    options = pa.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    row = 2
    try:
        with pa.csv.open_csv(path, read_options=options, convert_options=convert) as reader:
            for batch in reader:
                _refuse_line_breaks(batch, path, row)
                row += batch.num_rows
                yield batch
    except (pa.ArrowInvalid, pa.ArrowKeyError) as cause:
        raise _csv_error(str(cause), path, names) from None
    except OSError as cause:
        raise errors.StorageError(f"{path.name} cannot be read") from cause


def _csv_columns(path: Path, columns: Sequence[str] | None, text: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the conversion options and the names in the file's header."""
    header = _csv_header(path)
    names = _select(header, columns, path)
    _select(header, text, path)
    # The reader makes binary of text that is not UTF-8; naming the type makes it an error with a row instead.
    types = {name: pa.string() for name in text}
    return pa.csv.ConvertOptions(column_types=types, include_columns=names, strings_can_be_null=False), header


def _csv_header(path: Path) -> list[str]:
    try:
        with path.open("rb") as source:
            line = source.readline(1 << 20)
            rows_follow = bool(source.read(1))
    except OSError as cause:
        raise errors.StorageError(f"{path.name} cannot be read") from cause
    if not rows_follow and len(line.splitlines()) == 1:
        raise errors.EmptyInput(f"{path.name} holds no rows")
    first = line.splitlines()[0] + b"\n"
    try:
        return list(pa.csv.read_csv(pa.BufferReader(first)).schema.names)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise errors.CsvError(f"{path.name}: the header is not a row of UTF-8 names", row=1) from None


def _csv_error(message: str, path: Path, names: Sequence[str]) -> errors.IsthmusError:
    """Classify pyarrow's message; only its numbers are kept, since it quotes the row's content."""
    found = _ROW.search(message)
    row = int(found.group(1)) if found else None
    column = _COLUMN.search(message)
    name = names[int(column.group(1))] if column and int(column.group(1)) < len(names) else None
    if "UTF8" in message:
        return errors.IdEncoding(f"{path.name}: column {name} is not UTF-8 text", row=row)
    if name is not None:
        return errors.CsvError(f"{path.name}: column {name} holds a value of another type", row=row)
    if "Expected" in message:
        return errors.CsvError(f"{path.name}: a row has another number of values than the header", row=row)
    return errors.CsvError(f"{path.name} is not a well-formed CSV file", row=row)


def _refuse_line_breaks(table: pa.Table | pa.RecordBatch, path: Path, first_row: int) -> None:
    for name, column in zip(table.schema.names, table.columns, strict=True):
        if pa.types.is_string(column.type):
            found = pc.index(pc.match_substring_regex(column, "[\r\n]"), True).as_py()
        elif pa.types.is_binary(column.type):
            raise errors.IdEncoding(f"{path.name}: column {name} is not UTF-8 text")
        else:
            continue
        if found >= 0:
            raise errors.CsvError(
                f"{path.name}: a quote is not closed on its line in column {name}", row=first_row + found
            )


def _parquet_batches(path: Path, columns: Sequence[str] | None, _: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with _decoding(path), pa.parquet.ParquetFile(path) as file:
        names = _select(file.schema_arrow.names, columns, path)
        yield from file.iter_batches(columns=names)


def _arrow_batches(path: Path, columns: Sequence[str] | None, _: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with _decoding(path), pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        names = _select(reader.schema.names, columns, path)
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index).select(names)


_BATCHES = {"csv": _csv_batches, "parquet": _parquet_batches, "arrow": _arrow_batches}
