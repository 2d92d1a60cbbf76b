"""Records by partition: taken in any order, given back a few partitions at a time.

Records arrive in small batches; every few hundred thousand are split into their partitions and put away
together. Reading partitions gathers their part of each such block. Only a block, or what is read together, is
in hand at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from isthmus import errors
from isthmus._core import records as native
from isthmus.psi.workspace import Shelf

Records = NDArray[np.uint64]

_BLOCK_RECORDS = 1 << 18
# Partitions of small sets are read together, up to about so many records: a partition has its own costs.
_TOGETHER = 1 << 14
# An honest partition of n records has about n/128 at most; this many more are a peer's doing.
_SHARE, _SLACK = 16, 1 << 16


def spans(count: int) -> Iterator[tuple[int, int]]:
    """Return which partitions of ``count`` records to read at a time, from the first to before the last."""
    step = min(native.PARTITIONS, max(1, native.PARTITIONS * _TOGETHER // max(1, count)))
    for first in range(0, native.PARTITIONS, step):
        yield first, min(first + step, native.PARTITIONS)


class Segments:
    """Records of ``words`` words each, on ``shelf``.

    ``even`` says that they are spread evenly unless a peer has made them otherwise, and that this is refused.
    """

    def __init__(self, words: int, shelf: Shelf, *, even: bool) -> None:
        self.count = 0
        self._even = even
        self._shelf = shelf
        self._blocks: list[tuple[int, NDArray[np.uint64]]] = []
        self._open: list[Records] = []
        self._open_count = 0
        self._words = words

    @property
    def memory_bytes(self) -> int:
        """Bytes of the records in memory."""
        return self._shelf.memory_bytes + self._open_count * self._words * 8

    def add(self, records: Records) -> None:
        """Take records; they may still be in use by the caller, who must not change them."""
        self._open.append(records)
        self._open_count += len(records)
        self.count += len(records)
        if self._open_count >= _BLOCK_RECORDS:
            self._close_block()

    def move(self, shelf: Shelf) -> None:
        """Put everything on another shelf."""
        old, self._shelf = self._shelf, shelf
        blocks, self._blocks = self._blocks, []
        for number, starts in blocks:
            size = int(starts[-1])
            self._blocks.append((shelf.put(old.get(number, 0, size)), starts))
            old.drop(number, 0, size)

    def read(self, first: int, last: int, *, drop: bool = False) -> Records:
        """Return the records of partitions ``first`` to before ``last``, unsorted; ``drop`` removes them.

        Raises PeerValue when they are far more than evenly spread records can be: what a partition needs in
        memory is thus bounded.
        """
        if self._open:
            self._close_block()
        parts, total = [], 0
        for number, starts in self._blocks:
            start, stop = int(starts[first]), int(starts[last])
            total += stop - start
            if self._even and total > self.count * (last - first) // _SHARE + _SLACK:
                raise errors.PeerValue("the peer's elements are not spread as masked items are")
            if stop > start:
                parts.append(np.array(self._shelf.get(number, start, stop)))
                if drop:
                    self._shelf.drop(number, start, stop)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, self._words), dtype=np.uint64)

    def _close_block(self) -> None:
        records = self._open[0] if len(self._open) == 1 else np.concatenate(self._open)
        self._open, self._open_count = [], 0
        parted, starts = native.partition(np.ascontiguousarray(records))
        self._blocks.append((self._shelf.put(parted), starts))
