"""From a user's identifiers, in memory or as a stream, to this party's items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa

from isthmus import errors, items
from isthmus.psi.own_items import ItemCollector, OwnItems
from isthmus.psi.workspace import Workspace
from isthmus.tables import id_columns

Duplicates = Literal["error", "first", "all"]
Columns = list[pa.ChunkedArray]

_BATCH_ROWS = 1 << 17


class IdSource:
    """The key columns of ``ids``, batch by batch.

    ``ids`` is anything that :func:`isthmus.tables.id_columns` takes, or a stream: something with an Arrow
    ``schema`` that gives record batches when iterated, such as a ``pyarrow.RecordBatchReader``.
    """

    def __init__(self, ids: Any) -> None:
        self._stream: Iterable[pa.RecordBatch] | None = ids if _is_stream(ids) else None
        self._columns = id_columns(ids.schema.empty_table() if _is_stream(ids) else ids)
        self.kinds = [_kind(column) for column in self._columns]
        self.total_rows: int | None = None if self._stream is not None else len(self._columns[0])

    def batches(self) -> Iterator[Columns]:
        """Return the columns, a limited number of rows at a time."""
        if self._stream is None:
            for start in range(0, len(self._columns[0]), _BATCH_ROWS):
                yield [column.slice(start, _BATCH_ROWS) for column in self._columns]
            return
        row = 0
        for batch in self._stream:
            with _rows_from(row):
                columns = id_columns(batch)
            if [_kind(column) for column in columns] != self.kinds:
                raise errors.SchemaError("the key columns change their type within the stream")
            yield columns
            row += batch.num_rows


def read_items(
    source: IdSource, seed: items.SecretSeed, workspace: Workspace, on_rows: Callable[[int], None]
) -> OwnItems:
    """Read all rows; ``on_rows`` is told how many were read so far.

    Raises IdEncoding with the row of an identifier that cannot be compared.
    """
    collector = ItemCollector(workspace)
    for columns in source.batches():
        records, fingerprint = items.item_records(columns, seed, first_row=collector.rows)
        collector.add(records, fingerprint)
        on_rows(collector.rows)
    return collector.sort()


def check_items(own: OwnItems, duplicates: Duplicates, min_result: int) -> None:
    """Refuse what the caller did not allow: no rows, or repeated ones."""
    if own.summary.total_rows == 0 and min_result > 0:
        raise errors.EmptyInput("there are no identifiers")
    if duplicates == "error" and own.summary.first_repeat is not None:
        raise errors.DuplicateId("an identifier occurs more than once", row=own.summary.first_repeat)


def _is_stream(ids: Any) -> bool:
    """Tell a stream from a table: neither its length nor its columns can be had without reading it."""
    has_schema = isinstance(getattr(ids, "schema", None), pa.Schema)
    return has_schema and hasattr(ids, "__iter__") and not hasattr(ids, "num_rows")


def _kind(column: pa.ChunkedArray) -> str:
    if pa.types.is_integer(column.type):
        return "integer"
    return "text" if str(column.type) in ("string", "large_string") else "bytes"


@contextmanager
def _rows_from(first: int) -> Iterator[None]:
    """Count the row of an error from the start of the stream."""
    try:
        yield
    except errors.IdEncoding as error:
        row = None if error.row is None else error.row + first
        raise errors.IdEncoding(error.args[0], row=row) from None
