"""CSV files as streams of record batches.

Values that are read may not hold a line break: with that rule an unclosed quote is always found, where it
would otherwise swallow the rows after it. Values that are not read, or only copied, may hold line breaks in
quotes, under the stricter rule of :mod:`isthmus.tables.csv_lines`. Line ends may be LF, CRLF or mixed, and a
UTF-8 byte order mark is dropped. Rows are counted from 1, the header included, as an editor does.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from isthmus import errors
from isthmus.tables.csv_lines import LineCounter
from isthmus.tables.paths import decoding, file_format, select_columns

BLOCK_BYTES = 2 << 20
FIRST_ROW = 2
_HEADER_BYTES = 1 << 20
_ROW = re.compile(r"Row #(\d+)")
_COLUMN = re.compile(r"CSV column #(\d+)")


class WrongType(errors.CsvError):
    """A value does not fit the type that its column had so far; ``column`` says which."""

    def __init__(self, message: str, *, row: int | None, column: str) -> None:
        super().__init__(message, row=row)
        self.column = column


class NotText(errors.IdEncoding):
    """Bytes of a text column are not UTF-8; ``column`` says which."""

    def __init__(self, message: str, *, row: int | None, column: str | None) -> None:
        super().__init__(message, row=row)
        self.column = column


class CsvFile:
    """The chosen columns of one CSV file.

    ``types`` names the types of some columns; the others have the type that their first block looks like.
    Columns in ``copied`` may hold line breaks, and be binary; NotText tells that one must be. ``position`` is
    the number of bytes of the file that the latest pass has read.
    """

    first_row = FIRST_ROW
    total_rows: int | None = None

    def __init__(
        self,
        path: Path,
        columns: Sequence[str] | None,
        types: Mapping[str, pa.DataType],
        copied: Collection[str] = (),
    ) -> None:
        self.path = path
        self._copied = frozenset(copied)
        self.position = 0
        self._header = _read_header(path)
        names = select_columns(self._header, columns, path.name)
        select_columns(self._header, list(types), path.name)
        # The reader makes binary of text that is not UTF-8; naming the type makes that an error with a row.
        self._convert = pa.csv.ConvertOptions(
            column_types=dict(types), include_columns=names, strings_can_be_null=False
        )

    def schema(self) -> pa.Schema:
        """Return the columns' names and types, reading no more than the first block."""
        with self._open() as (_, _, reader):
            return reader.schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the file once, from its start."""
        row = FIRST_ROW
        with self._open() as (raw, lines, reader):
            for batch in reader:
                self._refuse_line_breaks(batch, row)
                row += batch.num_rows
                self.position = raw.tell()
                yield batch
            unclosed = lines.unclosed(row - 1)
            if unclosed is not None:
                raise errors.CsvError(
                    f"{self.path.name}: a quote is not closed, or stands within a value, in a file with line "
                    "breaks in its values",
                    row=unclosed,
                )

    @contextlib.contextmanager
    def _open(self) -> Iterator[tuple[Any, LineCounter, Any]]:
        # Only a single-threaded pass says in which row something is wrong.
        options = pa.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES)
        parsing = pa.csv.ParseOptions(newlines_in_values=True)
        with decoding(self.path), _opened(self.path) as (raw, source):
            lines = LineCounter(source)
            try:
                with pa.csv.open_csv(lines, options, parsing, self._convert) as reader:
                    yield raw, lines, reader
            except (pa.ArrowInvalid, pa.ArrowKeyError) as cause:
                raise _csv_error(str(cause), self.path, self._header, lines) from None

    def _refuse_line_breaks(self, batch: pa.RecordBatch, first_row: int) -> None:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in self._copied:
                continue
            if pa.types.is_binary(column.type):
                raise errors.IdEncoding(f"{self.path.name}: column {name} is not UTF-8 text")
            if not pa.types.is_string(column.type) or not _holds_line_break(column):
                continue
            found = pc.index(pc.match_substring_regex(column, "[\r\n]"), True).as_py()
            raise errors.CsvError(
                f"{self.path.name}: a quote is not closed on its line in column {name}", row=first_row + found
            )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open the file; give its bytes as they lie on disk, and as text."""
    with pa.OSFile(str(path)) as raw:
        if file_format(path).compressed:
            with pa.CompressedInputStream(raw, "gzip") as text:
                yield raw, text
        else:
            yield raw, raw


def _read_header(path: Path) -> list[str]:
    with decoding(path), _opened(path) as (_, text):
        start = text.read(_HEADER_BYTES)
    lines = start.splitlines(keepends=True)
    if not lines:
        raise errors.EmptyInput(f"{path.name} holds no bytes")
    try:
        return list(pa.csv.read_csv(pa.BufferReader(lines[0].rstrip(b"\r\n") + b"\n")).schema.names)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise errors.CsvError(f"{path.name}: the header is not a row of UTF-8 names", row=1) from None


def _csv_error(message: str, path: Path, names: Sequence[str], lines: LineCounter) -> errors.IsthmusError:
    """Classify pyarrow's message; only its numbers are kept, since it quotes the row's content."""
    found = _ROW.search(message)
    row = int(found.group(1)) if found else None
    column = _COLUMN.search(message)
    name = names[int(column.group(1))] if column and int(column.group(1)) < len(names) else None
    if "UTF8" in message:
        return NotText(f"{path.name}: column {name} is not UTF-8 text", row=row, column=name)
    if name is not None:
        return WrongType(f"{path.name}: column {name} holds a value of another type", row=row, column=name)
    if "Expected" in message:
        return errors.CsvError(f"{path.name}: a row has another number of values than the header", row=row)
    if row is None and (row := lines.unclosed()) is not None:
        return errors.CsvError(f"{path.name}: a quote is not closed", row=row)
    if "straddl" in message:
        return errors.CsvError(f"{path.name}: a row is longer than {BLOCK_BYTES >> 20} MiB", row=row)
    return errors.CsvError(f"{path.name} is not a well-formed CSV file", row=row)


def _holds_line_break(column: pa.StringArray) -> bool:
    """Look at all of a column's text at once, which is many times faster than value by value."""
    _, offsets, content = column.buffers()
    if content is None or not len(column):
        return False
    ends = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    text = np.frombuffer(content, dtype=np.uint8)[ends[0] : ends[-1]]
    return bool(np.any(text == ord("\n")) or np.any(text == ord("\r")))
