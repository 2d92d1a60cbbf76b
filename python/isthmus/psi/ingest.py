"""From a user's identifiers, in memory or as a stream, to this party's items."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus import errors, items
from isthmus.psi.canonical import Normalize, canonical_batches, parse_rules
from isthmus.psi.own_items import ItemCollector, OwnItems
from isthmus.psi.workspace import Workspace
from isthmus.tables import TableStream, key_batches, key_schema, open_stream

Duplicates = Literal["error", "first", "all"]


class IdSource:
    """The key columns of ``ids`` in their canonical form, batch by batch.

    ``ids`` is a :class:`isthmus.tables.TableStream`, or a table or column in memory that
    :func:`isthmus.tables.open_stream` takes.
    """

    def __init__(self, ids: Any, normalize: Normalize = "") -> None:
        if isinstance(ids, str | bytes | os.PathLike):
            raise errors.SchemaError("text is not a column; open a file with isthmus.tables.open_stream")
        self._stream = ids if isinstance(ids, TableStream) else open_stream(ids)
        schema = key_schema(self._stream)
        self.rules = parse_rules(normalize, schema)
        self.kinds = [_kind(kind) for kind in schema.types]

    @property
    def total_rows(self) -> int | None:
        """Number of rows, or a guess at it; None while there is nothing to tell from."""
        return self._stream.expected_rows

    @property
    def first_row(self) -> int:
        """What the first row is called in errors: 2 in a CSV file, whose header is row 1; else 0."""
        return self._stream.row_in_source(0)

    def batches(self) -> Iterator[list[pa.Array]]:
        """Return the columns, a limited number of rows at a time."""
        for batch in canonical_batches(key_batches(self._stream), self.rules, self.first_row):
            yield batch.columns


@dataclass(frozen=True)
class IdMark:
    """Tells whether a table has the identifiers that another had, row by row; its other columns may differ.

    ``fingerprint`` is that of the ``rows`` rows under the ``seed``.
    """

    seed: items.SecretSeed
    rows: int
    fingerprint: int

    @classmethod
    def of(cls, source: IdSource, seed: items.SecretSeed) -> IdMark:
        """Read all rows; raises as :func:`read_items`."""
        rows = fingerprint = 0
        for columns in source.batches():
            records, part = _records(columns, seed, rows, source.first_row)
            rows, fingerprint = rows + len(records), (fingerprint + part) % (1 << 64)
        return cls(seed, rows, fingerprint)

    def fits(self, source: IdSource) -> bool:
        """Whether the source has the same identifiers, in the same order."""
        found = IdMark.of(source, self.seed)
        return (found.rows, found.fingerprint) == (self.rows, self.fingerprint)


def read_items(
    source: IdSource, seed: items.SecretSeed, workspace: Workspace, on_rows: Callable[[int], None]
) -> OwnItems:
    """Read all rows; ``on_rows`` is told how many were read so far.

    Raises IdEncoding with the row of an identifier that cannot be compared.
    """
    collector = ItemCollector(workspace)
    for columns in source.batches():
        collector.add(*_records(columns, seed, collector.rows, source.first_row))
        on_rows(collector.rows)
    return collector.sort()


def _records(
    columns: list[pa.Array], seed: items.SecretSeed, rows: int, first_row: int
) -> tuple[NDArray[np.uint64], int]:
    """Return the records and the fingerprint of a batch that ``rows`` rows came before."""
    try:
        return items.item_records(columns, seed, first_row=rows)
    except errors.IdEncoding as error:
        row = None if error.row is None else error.row + first_row
        raise errors.IdEncoding(error.args[0], row=row) from None


def check_items(own: OwnItems, duplicates: Duplicates, min_result: int, first_row: int) -> None:
    """Refuse what the caller did not allow: no rows, or repeated ones."""
    if own.summary.total_rows == 0 and min_result > 0:
        raise errors.EmptyInput("there are no identifiers")
    if duplicates == "error" and own.summary.first_repeat is not None:
        row = own.summary.first_repeat + first_row
        raise errors.DuplicateId("an identifier occurs more than once", row=row)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "integer"
    return "text" if str(kind) in ("string", "large_string") else "bytes"
