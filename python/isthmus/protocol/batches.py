"""Streams of items that travel in batches of equal size, the last one apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.errors import DecodeError, PointEncoding, PointInvalid, ProtocolCount
from isthmus.protocol.matching import Bytes2d


@dataclass(frozen=True)
class Batch:
    """The items at positions ``start`` to ``stop`` - 1 of a stream."""

    index: int
    start: int
    stop: int


class Stream:
    """How far one stream of ``count`` items has come, in batches."""

    def __init__(self, count: int, batch_items: int, index: int = 0) -> None:
        self.count = count
        self.index = index
        self._batch_items = batch_items

    @property
    def done(self) -> int:
        """Items of the batches so far."""
        return min(self.index * self._batch_items, self.count)

    @property
    def finished(self) -> bool:
        """Whether there are no more."""
        return self.done == self.count

    def next(self, index: int | None = None) -> Batch:
        """Step to the next batch, whose index must be ``index`` where the peer names one."""
        if index is not None and index != self.index:
            raise ProtocolCount(f"batch {self.index} was due and batch {index} came")
        start = self.done
        self.index += 1
        return Batch(self.index - 1, start, self.done)


def batch_rows(data: bytes, batch: Batch, width: int) -> Bytes2d:
    """Return a batch that came as one row per item; DecodeError or ProtocolCount for another length."""
    if len(data) % width:
        raise DecodeError(f"batch {batch.index} is not a whole number of {width}-byte elements")
    due = batch.stop - batch.start
    if len(data) != due * width:
        raise ProtocolCount(f"batch {batch.index} has {len(data) // width} elements instead of {due}")
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, width)


def refer_to_set(error: PointInvalid | PointEncoding, batch: Batch, due: str) -> PointInvalid | PointEncoding:
    """Return the error with its row counted from the first item of the peer's set."""
    row = None if error.row is None else batch.start + error.row
    return type(error)(f"the peer sent something else than {due}", row=row)
