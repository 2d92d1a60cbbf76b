"""One member's part in psi_star/2 once everyone knows everyone: the turns of the ring, and the outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError as ProtobufError

from isthmus.errors import DecodeError, PeerValue, PointEncoding, PointInvalid, ProtocolCount
from isthmus.items import SecretSeed
from isthmus.protocol.machine import Progress
from isthmus.protocol.matching import STAGE, BatchWork, Bytes2d, Engine, Pending
from isthmus.protocol.psi_star_plan import HUB, Crossing, Hop, Turn, Widths, crossings, turns
from isthmus.protocol.psi_star_steps import (
    PROTOCOL,
    From,
    Mask,
    Means,
    MemberStep,
    MemberSteps,
    Shuffle,
    StarMatch,
    Tags,
    To,
)
from isthmus.protocol.suites import PsiSuite
from isthmus.protocol.wire import psi_star_pb2 as wire

_Steps = Generator[MemberStep, Any, None]


class Ring:
    """The part of member ``index`` in the run that ``digest`` stands for."""

    def __init__(
        self,
        means: Means,
        roster: wire.Roster,
        *,
        index: int,
        digest: bytes,
        suite: PsiSuite,
        chunk_items: int,
    ) -> None:
        self._means = means
        self._index = index
        self._suite = suite
        self._chunk_items = chunk_items
        self._names = [each.name for each in roster.members]
        self._counts = [each.join.count for each in roster.members]
        self._code = digest[:16].hex()
        self._widths = Widths(suite, self._counts)
        domain, seed = PROTOCOL.encode() + digest, SecretSeed()
        self._mask = BatchWork("mask", suite.group, seed, domain)
        self._mask_again = BatchWork("double", suite.group, seed, domain)
        self._held: Shuffle | None = None  # what this member gives in the next turn
        self._of_hub: Shuffle | None = None  # which knows how this member shuffled the hub's items
        self._common: Tags | None = None  # at the filter, what the hub and all sets so far share
        self._done = 0

    def steps(self, min_result: int) -> MemberSteps:
        """Mask all sets; compare them at the filter; bring the result to the hub."""
        for turn in turns(len(self._counts), self._index):
            yield from self._turn(turn)
        return (yield from self._outcome(min_result))

    def _turn(self, turn: Turn) -> _Steps:
        given = self._outgoing(turn.gives)
        incoming, tags = self._incoming(turn.takes)
        for crossing in crossings(turn, self._counts, self._chunk_items):
            if crossing.takes:
                yield from self._take(crossing, incoming)
            else:
                yield from self._give(crossing, next(given))
        for masked in incoming.finish():
            yield self._progress(masked)
        if tags is not None and self._common is not None:
            for _ in self._common.keep_shared(tags):
                yield self._progress(0, "matching")

    # --- giving --------------------------------------------------------------------------------------------

    def _outgoing(self, hop: Hop | None) -> Iterator[Bytes2d]:
        if hop is None:
            return iter(())
        if hop.origin == self._index:
            return self._own_chunks()
        held, self._held = self._held, None
        assert held is not None, "a member gives what it took in the turn before"
        if hop.origin == HUB:
            self._of_hub = held
        chunks = held.chunks(self._chunk_items)
        return (chunk[:, self._widths.tag_part] for chunk in chunks) if hop.tags else chunks

    def _own_chunks(self) -> Iterator[Bytes2d]:
        """Mask this member's items, a few chunks ahead of what is asked for."""
        own, engine = self._means.own, self._means.engine
        ahead: deque[Pending] = deque()
        for start in range(0, own.count, self._chunk_items):
            digests = own.digests(start, min(start + self._chunk_items, own.count))
            ahead.append(engine.submit(self._mask, digests))
            if len(ahead) > engine.depth:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _give(self, crossing: Crossing, chunk: Bytes2d) -> _Steps:
        other = crossing.hop.other
        yield To(other, self._sealed(other, chunk.tobytes()))
        if crossing.hop.origin == self._index:
            yield self._progress(len(chunk))

    # --- taking --------------------------------------------------------------------------------------------

    def _incoming(self, hop: Hop | None) -> tuple[_Incoming, Tags | None]:
        """Return what takes a hop's set, and where it goes if it is tags to compare."""
        engine, sets = self._means.engine, self._means.sets
        if hop is None:
            return _Incoming(engine, None, lambda rows: None), None
        count, last = self._counts[hop.origin], len(self._counts) - 1
        if hop.tags:
            tags = sets.tags(count, self._widths.tag)
            return _Incoming(engine, None, tags.add), tags
        if hop.origin == HUB and self._index == last:
            common = self._common = sets.tags(count, self._widths.tag)
            tag_part = self._widths.tag_part
            return _Incoming(engine, self._mask_again, lambda rows: common.add(rows[:, tag_part])), None
        held = self._held = sets.shuffle(count, self._suite, traced=hop.origin == HUB)
        return _Incoming(engine, self._mask_again, held.add), None

    def _take(self, crossing: Crossing, incoming: _Incoming) -> _Steps:
        other = crossing.hop.other
        data = self._means.seals.open(other, (yield From(other, wire.Sealed)).box)
        count, width = crossing.stop - crossing.start, self._widths.of(crossing.hop)
        if len(data) != count * width:
            raise ProtocolCount(f"a chunk has {len(data)} bytes instead of {count} elements of {width}")
        for masked in incoming.take(np.frombuffer(data, dtype=np.uint8).reshape(count, width)):
            yield self._progress(masked)

    # --- the outcome ---------------------------------------------------------------------------------------

    def _outcome(self, min_result: int) -> MemberSteps:
        """Pass the result on towards the hub, undoing this member's shuffle of the hub's items."""
        if self._common is None:
            box = (yield From(self._index + 1, wire.Sealed)).box
            shared = self._read_outcome(self._means.seals.open(self._index + 1, box), min_result)
            if shared is not None and self._of_hub is not None:
                shared = self._of_hub.as_taken(shared)
        else:
            shared = self._common.left() if self._common.count >= min_result else None
        if self._index != HUB:
            yield To(self._index - 1, self._sealed(self._index - 1, _outcome(shared)))
        return StarMatch(
            positions=None if shared is None or self._index != HUB else np.flatnonzero(shared),
            size=None if shared is None else int(np.count_nonzero(shared)),
            counts=dict(zip(self._names, self._counts, strict=True)),
            released=shared is not None,
            code=self._code,
        )

    def _read_outcome(self, content: bytes, min_result: int) -> Mask | None:
        """Return which of the hub's items all have, or None if that is not released."""
        outcome = wire.Outcome()
        try:
            outcome.ParseFromString(content)
        except ProtobufError as error:
            raise DecodeError("an outcome does not parse") from error
        count = self._counts[HUB]
        if len(outcome.shared) != (-(-count // 8) if outcome.released else 0):
            raise ProtocolCount("an outcome does not have one bit for each of the hub's items")
        if not outcome.released:
            return None
        bits = np.unpackbits(np.frombuffer(outcome.shared, dtype=np.uint8), bitorder="little").view(np.bool_)
        if bits[count:].any():
            raise PeerValue("an outcome names items that the hub does not have")
        found = np.count_nonzero(bits)
        if found > min(self._counts):
            raise ProtocolCount("more items are said to be shared than can be")
        if found < min_result:
            raise PeerValue("a result below the agreed minimum was released")
        return bits[:count]

    def _sealed(self, to: int, content: bytes) -> wire.Sealed:
        return wire.Sealed(box=self._means.seals.seal(to, content))

    def _progress(self, items_done: int, detail: str = "") -> Progress:
        self._done += items_done
        return Progress(STAGE, self._done, sum(self._counts), detail)


def _outcome(shared: Mask | None) -> bytes:
    if shared is None:
        return wire.Outcome(released=False).SerializeToString()
    bits = np.packbits(shared, bitorder="little").tobytes()
    return wire.Outcome(released=True, shared=bits).SerializeToString()


class _Incoming:
    """A set that comes in chunks: masked while messages travel, and kept in the order in which it came."""

    def __init__(self, engine: Engine, work: BatchWork | None, keep: Callable[[Bytes2d], None]) -> None:
        self._engine = engine
        self._work = work
        self._keep = keep
        self._taken = 0
        self._under_way: deque[tuple[int, Pending]] = deque()

    def take(self, rows: Bytes2d) -> Iterator[int]:
        """Take the next chunk, and say of earlier ones how many items were masked."""
        if self._work is None:
            self._keep(rows)
            return
        self._under_way.append((self._taken, self._engine.submit(self._work, rows)))
        self._taken += len(rows)
        while len(self._under_way) > self._engine.depth:
            yield self._complete()

    def finish(self) -> Iterator[int]:
        """Wait for what is still being masked."""
        while self._under_way:
            yield self._complete()

    def _complete(self) -> int:
        first, pending = self._under_way.popleft()
        try:
            masked = pending.result()
        except (PointInvalid, PointEncoding) as error:
            row = None if error.row is None else first + error.row
            raise type(error)("another member passed on something else than a masked item", row=row) from None
        self._keep(masked)
        return len(masked)
