"""This party's items: every row read once, each item kept once, in an order that only this party knows.

A row becomes a record: the digest of its item, its number, and its place in the order, a keyed hash of the
digest. Sorted by that place, equal items are neighbours, and the order of the items is as good as random for
whoever lacks the key. So one sort both finds repeated items and shuffles, partition by partition, in bounded
memory.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus._core import records as native
from isthmus.items import SecretSeed
from isthmus.psi.segments import Records, Segments, spans
from isthmus.psi.workspace import Shelf, Workspace

_ITEM_WORDS = 6
_SORTED_BYTES = 40  # of an item and a row number, once sorted
_REPEATED = np.uint64(native.REPEATED)


@dataclass(frozen=True)
class _Part:
    """Sorted partitions: their first item's position, and where their digests and rows lie."""

    first: int
    items: int
    rows: int
    digests_number: int
    rows_number: int


@dataclass(frozen=True)
class Summary:
    """What is known of all rows together.

    Attributes
    ----------
    count
        Number of different items.
    total_rows
        Number of rows that they came from.
    first_repeat
        The first row whose item an earlier row has, or None.
    fingerprint
        The same for the same rows and key, whatever batches they were read in.
    """

    count: int
    total_rows: int
    first_repeat: int | None
    fingerprint: int


class ItemCollector:
    """Takes the records of all rows, and turns them into :class:`OwnItems`."""

    def __init__(self, workspace: Workspace) -> None:
        self.fingerprint = 0
        self._workspace = workspace
        self._segments = Segments(_ITEM_WORDS, workspace.memory(), even=False)
        self._on_disk = False

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return self._segments.count

    def add(self, records: Records, fingerprint: int) -> None:
        """Take the records of more rows; on disk from the moment that they exceed half the budget."""
        self.fingerprint = (self.fingerprint + fingerprint) % (1 << 64)
        self._segments.add(records)
        if not self._on_disk and self._segments.memory_bytes > self._workspace.memory_bytes // 2:
            self._on_disk = True
            self._segments.move(self._workspace.disk())

    def sort(self) -> OwnItems:
        """Sort a few partitions at a time; the unsorted records are given back on the way."""
        shelf = self._workspace.disk() if self._on_disk else self._workspace.memory()
        parts: list[_Part] = []
        items, first_repeat = 0, None
        for span in spans(self._segments.count):
            records = self._segments.read(*span, drop=True)
            if not len(records):
                continue
            digests, rows = native.split(native.sort(records))
            again = rows[rows >= _REPEATED]
            if len(again):
                lowest = int(again.min() - _REPEATED)
                first_repeat = lowest if first_repeat is None else min(first_repeat, lowest)
            parts.append(_Part(items, len(digests), len(rows), shelf.put(digests), shelf.put(rows)))
            items += len(digests)
        summary = Summary(items, self.rows, first_repeat, self.fingerprint)
        return OwnItems(parts, shelf, summary, self._workspace)


class OwnItems:
    """The items at positions 0 to ``count`` - 1; ``summary`` says what they came from."""

    def __init__(self, parts: list[_Part], shelf: Shelf, summary: Summary, workspace: Workspace) -> None:
        self._workspace = workspace
        self._place(parts, shelf, summary)

    def _place(self, parts: list[_Part], shelf: Shelf, summary: Summary) -> None:
        self.summary = summary
        self._parts = parts
        self._firsts = [part.first for part in parts]
        self._shelf = shelf

    @property
    def count(self) -> int:
        """Number of items."""
        return self.summary.count

    @property
    def memory_bytes(self) -> int:
        """What the items occupy in memory."""
        return self._shelf.memory_bytes

    def reorder(self, seed: SecretSeed) -> None:
        """Put the items in the order that they would have, had they been read under this seed."""
        collector = ItemCollector(self._workspace)
        for part in self._parts:
            digests = self._shelf.get(part.digests_number, 0, part.items)
            rows = self._shelf.get(part.rows_number, 0, part.rows)
            of_rows = digests[np.cumsum(rows < _REPEATED) - 1]
            collector.add(*native.reorder(of_rows, rows & ~_REPEATED, seed))
        other = collector.sort()
        self._place(other._parts, other._shelf, other.summary)

    def digests(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return the SHA-256 digests of the items at these positions, shape (n, 32)."""
        found = []
        index = bisect_right(self._firsts, start) - 1
        while start < stop:
            part = self._parts[index]
            end = min(stop, part.first + part.items)
            found.append(self._shelf.get(part.digests_number, start - part.first, end - part.first))
            start, index = end, index + 1
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty((0, 32), dtype=np.uint8)

    def rows(self, positions: NDArray[np.uint64], *, every: bool = False) -> NDArray[np.int64]:
        """Return, in the order of ``positions``, the first row of each item, or every row that holds it.

        Takes 16 bytes per position beside the result (``every``: 24), and what one part needs.
        """
        order = np.argsort(positions, kind="stable")
        edges = np.array([*self._firsts, self.count], dtype=np.uint64)
        bounds = np.searchsorted(positions, edges, sorter=order)
        parts = [
            (part, order[start:stop])
            for part, start, stop in zip(self._parts, bounds, bounds[1:], strict=False)
            if stop > start
        ]
        if every:
            return self._every_row(parts, positions)
        found = np.empty(len(positions), dtype=np.int64)
        for part, places in parts:
            rows, firsts = self._rows_of(part)
            found[places] = rows[firsts[positions[places] - np.uint64(part.first)]]
        return found

    def _every_row(
        self, parts: list[tuple[_Part, NDArray[np.int64]]], positions: NDArray[np.uint64]
    ) -> NDArray[np.int64]:
        """Count first, for where the rows of each item go; then put them there."""
        ends = np.empty(len(positions), dtype=np.int64)
        for part, places in parts:
            ends[places] = self._groups(part, positions[places])[2]
        np.cumsum(ends, out=ends)
        found = np.empty(ends[-1] if len(ends) else 0, dtype=np.int64)
        for part, places in parts:
            rows, begin, counts = self._groups(part, positions[places])
            found[_ranges(ends[places] - counts, counts)] = rows[_ranges(begin, counts)]
        return found

    def _groups(
        self, part: _Part, positions: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of a part, and where those of each item begin and how many they are."""
        rows, firsts = self._rows_of(part)
        within = positions - np.uint64(part.first)
        return rows, firsts[within], np.diff(np.append(firsts, part.rows))[within]

    def _rows_of(self, part: _Part) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of a part, and where each item's first one is."""
        rows = self._shelf.get(part.rows_number, 0, part.rows)
        return (rows & ~_REPEATED).astype(np.int64), np.flatnonzero(rows < _REPEATED)


def _ranges(begin: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return begin[0], begin[0] + 1, ..., counts[0] of them; then begin[1]..."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    ranges: NDArray[np.int64] = np.arange(total) + np.repeat(begin - (ends - counts), counts)
    return ranges
