"""Writes tables to disk, all or nothing."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus import errors
from isthmus.tables.paths import PathLike, file_format


class TableWriter(Protocol):
    """Takes tables of one schema, one after the other."""

    def write_table(self, table: pa.Table) -> None:
        """Append the rows."""

    def __enter__(self) -> TableWriter:
        """Start the file."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file."""


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
    file_format(target)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise errors.PathError(f"{target.name} exists and is not a regular file")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise errors.StorageError(f"{target.name} could not be written: the folder is missing or read-only")


def check_schema(schema: pa.Schema, path: PathLike) -> None:
    """Raise SchemaError if the format of ``path`` has no place for a column's type."""
    kind = file_format(Path(path)).kind
    for field in schema:
        alone = pa.schema([field])
        try:
            with _WRITERS[kind](pa.BufferOutputStream(), alone) as writer:
                writer.write_table(pa.Table.from_arrays([pa.nulls(1, field.type)], schema=alone))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise errors.SchemaError(
                f"{Path(path).name}: column {field.name} is {field.type}, which has no place in a {kind} file"
            ) from None


def write_table(table: pa.Table, path: PathLike) -> None:
    """Write CSV (also ``.csv.gz``), Parquet or Arrow by the suffix, all or nothing.

    In a CSV file, bytes stand as they are, whether or not they are text.

    The bytes go to a temporary file beside the target, which is flushed to disk and then renamed over it: a
    reader sees the old file or the new one. Files are created readable by their owner only. What a killed
    process left behind, the next one to write there replaces.

    Raises
    ------
    PathError
        Something that is not a regular file lies at ``path``.
    SchemaError
        The format has no place for a column's type.
    StorageError
        The file system refused, or another process is writing there; an earlier file is untouched.
    """
    with open_writer(path, table.schema) as writer:
        writer.write_table(table)


@contextlib.contextmanager
def open_writer(path: PathLike, schema: pa.Schema) -> Iterator[TableWriter]:
    """Like :func:`write_table`, for tables that come piece by piece; they count when the block ends well."""
    target = Path(path)
    check_writable(target)
    kind = file_format(target).kind
    try:
        with (
            _replacing(target) as sink,
            _compressing(sink, target) as stream,
            _WRITERS[kind](stream, schema) as writer,
        ):
            yield writer
    except OSError as cause:
        reason = cause.strerror or "the file system refused"
        raise errors.StorageError(f"{target.name} could not be written: {reason}") from cause
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # its message may quote values
        raise errors.SchemaError(f"{target.name}: a column's type has no place in a {kind} file") from None


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Give a file that takes the target's place when the block ends well, and vanishes when it does not."""
    temporary = target.with_name(f".{target.name}.partial")
    with _locked(temporary) as sink:
        try:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    _sync_folder(target.parent)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open an empty file for this process alone."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.StorageError(f"{path.name}: another process is writing this file") from None
        # Whoever held the lock may have renamed the file away since it was opened.
        if not path.exists() or not os.path.samestat(os.fstat(handle), path.stat()):
            raise errors.StorageError(f"{path.name}: another process wrote this file just now")
        _expect_own(handle, path)
        os.ftruncate(handle, 0)
        yield file


def _expect_own(handle: int, path: Path) -> None:
    """Refuse a file that was there before with another owner, a second name or other readers."""
    found = os.fstat(handle)
    if found.st_uid != os.geteuid() or found.st_nlink != 1 or found.st_mode & 0o077:
        raise errors.StorageError(
            f"{path.name} exists, and not for its owner only; look who made it, and remove it"
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _compressing(sink: BinaryIO, target: Path) -> Any:
    if file_format(target).compressed:
        return gzip.GzipFile(filename="", mode="wb", fileobj=sink, mtime=0)
    return contextlib.nullcontext(sink)


class _CsvWriter:
    """Writes binary columns as they are, whether or not they are text."""

    def __init__(self, sink: Any, schema: pa.Schema) -> None:
        fields = [field.with_type(_text_type(field.type)) for field in schema]
        self._schema = pa.schema(fields)
        self._writer = pa.csv.CSVWriter(sink, self._schema)

    def write_table(self, table: pa.Table) -> None:
        """Append the rows."""
        columns = [_as_text(column) for column in table.columns]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def __enter__(self) -> _CsvWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def _text_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_binary(kind):
        return pa.large_string()
    return pa.string() if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) else kind


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Call a binary column text, without a look at its bytes."""
    text = _text_type(column.type)
    if text == column.type:
        return column
    if pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
    return pa.chunked_array([chunk.view(text) for chunk in column.chunks], type=text)


_WRITERS: dict[str, Callable[[Any, pa.Schema], TableWriter]] = {
    "csv": _CsvWriter,
    "parquet": pa.parquet.ParquetWriter,
    "arrow": pa.ipc.new_file,
}
