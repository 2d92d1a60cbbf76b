"""The streams of psi_ecdh: masked items and tags in both directions, several batches under way at a time.

Batches are computed by an engine while messages travel: a party takes what has arrived, keeps the engine's
queue filled, and waits for the peer only when there is nothing else to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import Message

from isthmus.errors import PointEncoding, PointInvalid
from isthmus.groups import group
from isthmus.protocol.batches import Batch, Stream, batch_rows, refer_to_set
from isthmus.protocol.machine import Progress, Receive, Send, Steps
from isthmus.protocol.matching import (
    BatchWork,
    Bytes2d,
    Engine,
    Items,
    Ledger,
    Pending,
    Reveal,
    RunRecord,
    progress,
)
from isthmus.protocol.suites import KEY_BYTES, PsiSuite
from isthmus.protocol.wire import psi_ecdh_pb2 as wire

WINDOW = 32
"""Batches that a party sends ahead of the answers: they keep processors busy, and bound the queues."""

PROTOCOL = "psi_ecdh/2"


@dataclass(frozen=True)
class Plan:
    """What both parties know of the run before its first batch."""

    record: RunRecord
    suite: PsiSuite
    learns: bool
    peer_learns: bool
    reveal: Reveal
    batch_items: int

    def batches(self, count: int) -> int:
        """Return in how many batches ``count`` items travel."""
        return -(-count // self.batch_items)

    @property
    def tag_bytes(self) -> int:
        """How long the tags are that cross."""
        return self.suite.tag_bytes(self.record.own_count, self.record.peer_count)

    def progress(self, passes: int) -> Progress:
        """Return how far this party is, after masking, masking again and taking back so many items."""
        own, peer = self.record.own_count, self.record.peer_count
        return progress(passes, own=own, peer=peer, learns=self.learns)


class Exchange:
    """One party's side of the streams, from where its ledger and the peer say that they are."""

    def __init__(self, items: Items, ledger: Ledger, engine: Engine, plan: Plan, peer: wire.Resume) -> None:
        record, size = plan.record, plan.batch_items
        self._items = items
        self._ledger = ledger
        self._engine = engine
        self._plan = plan
        self._element_bytes = group(plan.suite.group).element_bytes
        domain = PROTOCOL.encode() + record.run
        self._mask = BatchWork("mask", plan.suite.group, record.seed, domain)
        self._double = BatchWork("double", plan.suite.group, record.seed, domain)
        self._mine = Stream(record.own_count, size, peer.masked)
        self._theirs = Stream(record.peer_count, size, ledger.peer_batches)
        self._kept = Stream(record.peer_count, size, ledger.peer_batches)
        self._returned = Stream(record.own_count if plan.learns else 0, size, ledger.own_batches)
        self._answered = Stream(record.peer_count if plan.peer_learns else 0, size, peer.answered)
        self._under_way: deque[tuple[BatchWork, Batch, Pending]] = deque()
        self._sorted = _Rebatched(ledger, plan, peer.answered)

    def steps(self) -> Steps[None]:
        """Send, double and take back batches until all have crossed."""
        yield from self._repeat_answers()
        while not self._finished():
            room = len(self._under_way) < self._engine.depth
            if room and (message := (yield from self._take())) is not None:
                self._handle(message)
            elif room and self._may_mask():
                batch = self._mine.next()
                self._submit(self._mask, batch, self._items.digests(batch.start, batch.stop))
            elif self._under_way:
                yield from self._complete(*self._under_way.popleft())
            elif self._may_answer_sorted():
                yield Send(self._answer(next(self._sorted)))
            yield self._plan.progress(self._kept.done + self._mine.done + self._returned.done)

    def _finished(self) -> bool:
        streams = (self._mine, self._kept, self._returned, self._answered)
        return not self._under_way and all(stream.finished for stream in streams)

    def _repeat_answers(self) -> Steps[None]:
        """Send again what was answered before an interruption and did not arrive."""
        while self._plan.reveal == "rows" and self._answered.index < self._kept.index:
            if self._answered.finished:
                return
            tags = self._ledger.recent_tags(self._answered.index)
            assert tags is not None, "the positions were checked against the window"
            yield Send(self._answer(tags))

    def _take(self) -> Steps[Message | None]:
        """Take the peer's next message; wait for it only if there is nothing else to do."""
        types: list[type[Message]] = []
        if not self._theirs.finished:
            types.append(wire.Masked)
        if not self._returned.finished and self._may_be_answered():
            types.append(wire.DoubleMasked)
        if not types:
            return None
        busy = bool(self._under_way) or self._may_mask() or self._may_answer_sorted()
        message: Message | None = yield Receive(tuple(types), wait=not busy)
        return message

    def _may_be_answered(self) -> bool:
        if self._plan.reveal == "size":
            return self._mine.finished
        return self._returned.index < self._mine.index

    def _may_mask(self) -> bool:
        """Pace sending so that both parties compute at the same time.

        A party whose batches are answered one by one waits for the answers, another for the peer's items.
        Whoever waits has answered all that came before, so the two never wait for each other.
        """
        if self._mine.finished:
            return False
        one_by_one = self._plan.learns and self._plan.reveal == "rows"
        paced_by = self._returned if one_by_one else self._theirs
        return paced_by.finished or self._mine.index - paced_by.index < WINDOW

    def _may_answer_sorted(self) -> bool:
        return self._plan.reveal == "size" and self._kept.finished and not self._answered.finished

    def _handle(self, message: Any) -> None:
        if isinstance(message, wire.DoubleMasked):
            batch = self._returned.next(message.index)
            self._ledger.add_own(batch_rows(message.tags, batch, self._plan.tag_bytes))
        else:
            batch = self._theirs.next(message.index)
            self._submit(self._double, batch, batch_rows(message.points, batch, self._element_bytes))

    def _submit(self, work: BatchWork, batch: Batch, data: Bytes2d) -> None:
        self._under_way.append((work, batch, self._engine.submit(work, data)))

    def _complete(self, work: BatchWork, batch: Batch, pending: Pending) -> Steps[None]:
        try:
            elements = pending.result()
        except (PointInvalid, PointEncoding) as error:
            raise refer_to_set(error, batch, "a masked item") from None
        if work.kind == "mask":
            yield Send(wire.Masked(index=batch.index, points=elements.tobytes()))
            return
        self._kept.next(batch.index)
        offset = self._plan.suite.key_offset
        keys = np.ascontiguousarray(elements[:, offset : offset + KEY_BYTES])
        self._ledger.add_peer(keys)
        if self._plan.reveal == "rows" and self._plan.peer_learns:
            yield Send(self._answer(keys[:, : self._plan.tag_bytes]))

    def _answer(self, tags: Bytes2d) -> wire.DoubleMasked:
        return wire.DoubleMasked(index=self._answered.next().index, tags=tags.tobytes())


class _Rebatched(Iterator[Bytes2d]):
    """All tags of the peer's items in ascending order, in batches from the first that the peer lacks."""

    def __init__(self, ledger: Ledger, plan: Plan, answered: int) -> None:
        self._ledger = ledger
        self._size = plan.batch_items
        self._skip = answered * plan.batch_items
        self._parts: Iterator[Bytes2d] | None = None
        self._rest: Bytes2d = np.empty((0, plan.tag_bytes), dtype=np.uint8)

    def __next__(self) -> Bytes2d:
        if self._parts is None:
            self._parts = self._ledger.sorted_tags()
        while len(self._rest) < self._size and (part := next(self._parts, None)) is not None:
            skipped = min(self._skip, len(part))
            self._skip -= skipped
            self._rest = np.concatenate((self._rest, part[skipped:]))
        batch, self._rest = self._rest[: self._size], self._rest[self._size :]
        return batch
