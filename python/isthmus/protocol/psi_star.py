"""psi_star/1: the items that three or more parties share, by masks that pass through all of them.

The members stand in a ring: the hub is member 0, the filter the last. Every member's items go once around;
each member masks them with its own scalar and shuffles them. What everyone has masked goes to the filter,
which compares and says where in the hub's items the common ones are; the members undo their shuffles on the
way back to the hub. Members other than the hub talk through it, in sealed boxes. Who sees what is in
``docs/protocols/psi_star.md``.

:func:`member` is any member's part, in steps that name whom they address. ``psi_star_relay.py`` brings these
steps into the sessions that the spokes have with the hub.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message
from numpy.typing import NDArray

from isthmus import items
from isthmus._core.system import random_permutation
from isthmus.errors import (
    DecodeError,
    ParameterMismatch,
    PeerDuplicate,
    PeerValue,
    PointEncoding,
    PointInvalid,
    ProtocolCount,
    TooLarge,
)
from isthmus.groups import group
from isthmus.protocol.machine import Progress
from isthmus.protocol.matching import Bytes2d, Items
from isthmus.protocol.psi_star_plan import CHUNK_ITEMS, HUB, Hop, Widths, hops, spans
from isthmus.protocol.suites import PsiSuite
from isthmus.protocol.wire import psi_star_pb2 as wire

__all__ = ["MAX_MEMBERS", "PROTOCOL", "From", "Seals", "StarMatch", "To", "member"]

PROTOCOL = "psi_star/1"
MAX_ITEMS = 1 << 28
MAX_MEMBERS = 64

_NONCE_BYTES = 32
_KEY_BYTES = 32
_NAME_CHARACTERS = 128
_STAGE = "align"

Positions = NDArray[np.int64]


class Seals(Protocol):
    """Boxes that only their addressee can open, in the order in which they were sealed."""

    public_key: bytes

    def bind(self, own: int, public_keys: Sequence[bytes], context: bytes) -> None:
        """Learn everyone's key; PeerValue for one that is no key."""

    def seal(self, to: int, content: bytes) -> bytes:
        """Return the next box for a member, 16 bytes longer than its content."""

    def open(self, sender: int, box: bytes) -> bytes:
        """Return the content of a member's next box; TranscriptError if it is another one or was altered."""


@dataclass(frozen=True)
class StarMatch:
    """What a run tells its party.

    ``positions`` are the places of the common items in the hub's own order, None at the spokes. ``counts``
    are the numbers of all members' items by name. ``size`` is the number of common items, None unless
    ``released``. ``code`` names the run: it is the same for all only if all have met the same members.
    """

    positions: Positions | None
    size: int | None
    counts: dict[str, int]
    released: bool
    code: str


# --- the steps of a member ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class To:
    """Give a message to a member."""

    member: int
    message: Message


@dataclass(frozen=True)
class From:
    """Wait for a member's next message."""

    member: int
    kind: type[Message]


MemberStep = To | From | Progress
MemberSteps = Generator[MemberStep, Any, StarMatch]


def member(
    own: Items,
    seals: Seals,
    names: Sequence[str],
    *,
    hub: bool,
    min_result: int,
    suite: PsiSuite,
    chunk_items: int = CHUNK_ITEMS,
) -> MemberSteps:
    """Take part in a run.

    Parameters
    ----------
    own
        This member's items.
    seals
        A fresh key for this run.
    names
        At the hub the names of all members, its own first; at a spoke the hub's name and its own.
    hub
        Whether this is the hub, the only one that learns which items are shared.
    min_result
        An intersection of fewer items is not released.

    Raises
    ------
    ParameterMismatch, TooLarge, ProtocolCount, DecodeError, PeerDuplicate, PeerValue, TranscriptError
        Some member's counts, keys or messages are not those of an honest party.
    PointInvalid, PointEncoding
        The member before this one passed on something else than masked items; ``row`` is its position.
    """
    if own.count > MAX_ITEMS:
        raise TooLarge(f"a set has more than {MAX_ITEMS} items")
    join = wire.Join(count=own.count, nonce=secrets.token_bytes(_NONCE_BYTES), public_key=seals.public_key)
    yield Progress(_STAGE, 0, 0)
    roster = yield from (_gather(join, names) if hub else _enter(join, names))
    ring = _Ring(roster, own, seals, suite, index=_index(roster, join), chunk_items=chunk_items)
    return (yield from ring.steps(min_result))


def _gather(join: wire.Join, names: Sequence[str]) -> Generator[To | From, Any, wire.Roster]:
    """Collect what the spokes bring and tell everyone of everyone."""
    roster = wire.Roster(members=[wire.Member(name=names[HUB], join=join)])
    for spoke in range(1, len(names)):
        theirs = yield From(spoke, wire.Join)
        roster.members.append(wire.Member(name=names[spoke], join=theirs))
    _check_roster(roster)
    for spoke in range(1, len(names)):
        yield To(spoke, roster)
    return roster


def _enter(join: wire.Join, names: Sequence[str]) -> Generator[To | From, Any, wire.Roster]:
    yield To(HUB, join)
    roster = yield From(HUB, wire.Roster)
    assert isinstance(roster, wire.Roster)
    _check_roster(roster)
    hub, own = names
    mine = roster.members[_index(roster, join)]
    if roster.members[HUB].name != hub or mine.name != own or mine.join != join:
        raise PeerValue("the hub tells the others something else of this run than it should")
    return roster


def _check_roster(roster: wire.Roster) -> None:
    members = roster.members
    if not 3 <= len(members) <= MAX_MEMBERS:
        raise ProtocolCount(f"a run has 3 to {MAX_MEMBERS} members, not {len(members)}")
    for each in members:
        if len(each.join.nonce) != _NONCE_BYTES or len(each.join.public_key) != _KEY_BYTES:
            raise DecodeError("a member's nonce or key has another length")
        if each.join.count > MAX_ITEMS:
            raise TooLarge(f"a set has more than {MAX_ITEMS} items")
        if not 0 < len(each.name) <= _NAME_CHARACTERS or not each.name.isprintable():
            raise DecodeError("a member's name is empty, too long or not printable")
    if len({each.name for each in members}) < len(members):
        raise ParameterMismatch("two members have the same name")
    for field in ("nonce", "public_key"):
        if len({getattr(each.join, field) for each in members}) < len(members):
            raise PeerValue("a member reflected another one's nonce or key")


def _index(roster: wire.Roster, join: wire.Join) -> int:
    for index, each in enumerate(roster.members):
        if each.join.public_key == join.public_key:
            return index
    raise PeerValue("the hub left this member out of the run")


def _digest(roster: wire.Roster) -> bytes:
    """Return what stands for a roster, whatever way its bytes were written."""
    digest = hashlib.sha256(PROTOCOL.encode())
    for each in roster.members:
        name = each.name.encode()
        digest.update(len(name).to_bytes(4, "big") + name + each.join.count.to_bytes(8, "big"))
        digest.update(each.join.nonce + each.join.public_key)
    return digest.digest()


class _Ring:
    """One member's part once everyone knows everyone."""

    def __init__(
        self,
        roster: wire.Roster,
        own: Items,
        seals: Seals,
        suite: PsiSuite,
        *,
        index: int,
        chunk_items: int,
    ) -> None:
        self._own = own
        self._seals = seals
        self._index = index
        self._chunk_items = chunk_items
        self._names = [each.name for each in roster.members]
        self._counts = [each.join.count for each in roster.members]
        digest = _digest(roster)
        seals.bind(index, [each.join.public_key for each in roster.members], digest)
        self._code = digest[:16].hex()
        self._domain = PROTOCOL.encode() + digest
        self._scalar = group(suite.group).random_scalar()
        self._widths = Widths(suite, self._counts)
        self._hub_order: Positions | None = None  # how this member shuffled the hub's items
        self._done = 0

    def steps(self, min_result: int) -> MemberSteps:
        """Mask all sets; compare them at the filter; bring the result to the hub."""
        nothing = masked = np.empty((0, self._widths.element), dtype=np.uint8)
        common: Positions | None = None
        for hop in hops(len(self._counts), self._index):
            if hop.takes and hop.tags:
                theirs = yield from self._take(hop)
                tags = masked[:, self._widths.tag_part]
                common = np.arange(len(tags)) if common is None else common
                common = common[_common(tags[common], theirs)]
            elif hop.takes:
                masked = yield from self._take(hop)
            else:
                yield from self._give(hop, masked)
                masked = nothing  # one set at a time
        return (yield from self._outcome(common, min_result))

    def _give(self, hop: Hop, masked: Bytes2d) -> Generator[MemberStep, Any, None]:
        chunks: Iterable[Bytes2d]
        if hop.origin == self._index:
            chunks = self._own_chunks()
        else:
            order = random_permutation(len(masked))
            if hop.origin == HUB:
                self._hub_order = order
            shuffled = masked[order, self._widths.tag_part] if hop.tags else masked[order]
            chunks = (shuffled[start:stop] for start, stop in self._spans(hop.origin))
        for chunk in chunks:
            yield To(hop.other, self._sealed(hop.other, chunk.tobytes()))
            if hop.origin == self._index:
                yield self._progress(len(chunk))

    def _own_chunks(self) -> Iterator[Bytes2d]:
        for start, stop in self._spans(self._index):
            digests = self._own.digests(start, stop)
            yield items.mask_digests(digests, self._scalar, domain=self._domain)

    def _take(self, hop: Hop) -> Generator[MemberStep, Any, Bytes2d]:
        """Receive a set, chunk by chunk, and mask it unless it is tags."""
        width = self._widths.of(hop)
        taken = np.empty((self._counts[hop.origin], width), dtype=np.uint8)
        for start, stop in self._spans(hop.origin):
            box = (yield From(hop.other, wire.Sealed)).box
            elements = _elements(self._seals.open(hop.other, box), stop - start, width)
            if hop.tags:
                taken[start:stop] = elements
            else:
                taken[start:stop] = self._masked(elements, start)
                yield self._progress(stop - start)
        return taken

    def _masked(self, elements: Bytes2d, first: int) -> Bytes2d:
        try:
            return items.mask_points(elements, self._scalar)
        except (PointInvalid, PointEncoding) as error:
            row = None if error.row is None else first + error.row
            raise type(error)("another member passed on something else than a masked item", row=row) from None

    def _outcome(self, common: Positions | None, min_result: int) -> MemberSteps:
        """Pass the result on towards the hub, undoing this member's shuffle of the hub's items."""
        if common is None:
            box = (yield From(self._index + 1, wire.Sealed)).box
            released, found = self._read_outcome(self._seals.open(self._index + 1, box), min_result)
            found = found if self._hub_order is None else np.sort(self._hub_order[found])
        else:
            released = len(common) >= min_result
            found = np.sort(common) if released else common[:0]
        if self._index != HUB:
            content = wire.Outcome(released=released, positions=found.astype("<u4").tobytes())
            yield To(self._index - 1, self._sealed(self._index - 1, content.SerializeToString()))
        return StarMatch(
            positions=found if released and self._index == HUB else None,
            size=len(found) if released else None,
            counts=dict(zip(self._names, self._counts, strict=True)),
            released=released,
            code=self._code,
        )

    def _read_outcome(self, content: bytes, min_result: int) -> tuple[bool, Positions]:
        outcome = wire.Outcome()
        try:
            outcome.ParseFromString(content)
        except ProtobufError as error:
            raise DecodeError("an outcome does not parse") from error
        if len(outcome.positions) % 4:
            raise DecodeError("positions are not a whole number of 4-byte integers")
        found = np.frombuffer(outcome.positions, dtype="<u4").astype(np.int64)
        if len(found) > (min(self._counts) if outcome.released else 0):
            raise ProtocolCount("more items are said to be shared than can be")
        if outcome.released and len(found) < min_result:
            raise PeerValue("a result below the agreed minimum was released")
        if len(found) and (np.any(found[1:] <= found[:-1]) or found[-1] >= self._counts[HUB]):
            raise PeerValue("the positions of the shared items are not positions")
        return outcome.released, found

    def _spans(self, origin: int) -> Iterator[tuple[int, int]]:
        return spans(self._counts[origin], self._chunk_items)

    def _sealed(self, to: int, content: bytes) -> wire.Sealed:
        return wire.Sealed(box=self._seals.seal(to, content))

    def _progress(self, items_done: int) -> Progress:
        self._done += items_done
        return Progress(_STAGE, self._done, sum(self._counts))


def _elements(data: bytes, count: int, width: int) -> Bytes2d:
    if len(data) != count * width:
        raise ProtocolCount(f"a chunk has {len(data)} bytes instead of {count} elements of {width}")
    return np.frombuffer(data, dtype=np.uint8).reshape(count, width)


def _common(own: Bytes2d, other: Bytes2d) -> Positions:
    """Return the places in ``own`` of the tags that ``other`` has too; PeerDuplicate if one is repeated."""
    words = np.zeros((len(own) + len(other), 2), dtype="<u8")
    words.view(np.uint8)[:, : own.shape[1]] = np.concatenate((own, other))
    order = np.lexsort((words[:, 1], words[:, 0]))
    equal = np.flatnonzero(np.all(words[order[1:]] == words[order[:-1]], axis=1))
    # The sort is stable, so of a pair from both sides the first is of ``own``.
    first, second = order[equal], order[equal + 1]
    if np.any((first >= len(own)) | (second < len(own))):
        raise PeerDuplicate("a member brought the same masked item more than once")
    return first.astype(np.int64)
