"""psi_ecdh/1: private set intersection by two Diffie-Hellman masks over ristretto255.

Party A masks its hashed items with a secret scalar a, B its own with b; each masks the other's masked items
again. Equal items, and only these, have equal double masks ``H(x)^(ab)``. The messages, and what each party
learns, are in ``docs/protocols/psi_ecdh.md``.

Ref  Meadows, IEEE S&P 1986; Huberman, Franklin and Hogg, ACM EC 1999; RFC 9380; RFC 9496.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.message import Message
from numpy.typing import NDArray

from isthmus import items
from isthmus._core.system import random_permutation
from isthmus.errors import (
    DecodeError,
    ParameterMismatch,
    PeerValue,
    PointEncoding,
    PointInvalid,
    ProtocolCount,
    TooLarge,
)
from isthmus.groups import group
from isthmus.protocol.machine import Progress, Receive, Send, Step, Steps, receive
from isthmus.protocol.matching import Match, Role, Tags, as_tags, join_tags, match_tags
from isthmus.protocol.wire import psi_ecdh_pb2 as wire

PROTOCOL = "psi_ecdh/1"
SUITE = "ristretto255-SHA512"
CHUNK_ITEMS = 8192
MAX_ITEMS = 1 << 32

_ELEMENT_BYTES = 32
_NONCE_BYTES = 32
_STATISTICAL_BITS = 40
# Chunks that a party sends ahead of the answers: enough to hide a round trip, few enough to bound the queues.
_WINDOW = 4
_STAGE = "align"

Bytes2d = NDArray[np.uint8]

_WIRE_ROLE = {"receiver": wire.ROLE_RECEIVER, "sender": wire.ROLE_SENDER, "both": wire.ROLE_BOTH}
_COUNTERPART = {"receiver": "sender", "sender": "receiver", "both": "both"}


def ecdh_psi(
    columns: Sequence[pa.ChunkedArray],
    rows: NDArray[np.int64],
    *,
    role: Role,
    min_result: int,
    chunk_items: int = CHUNK_ITEMS,
) -> Steps[Match]:
    """Intersect the items at ``rows`` of the key ``columns`` with the peer's.

    Parameters
    ----------
    columns
        Key columns of one length; a row's item is all its fields together.
    rows
        Rows that hold this party's items, each item once.
    role
        ``receiver`` learns the intersection from a ``sender``; with ``both`` on both sides, both learn it.
    min_result
        An intersection of fewer items is not released.
    chunk_items
        Items per message, the same on both sides.

    Raises
    ------
    ParameterMismatch, TooLarge, ProtocolCount, DecodeError, PeerDuplicate, PeerValue
        The peer's role, counts or messages are not those of an honest party.
    PointInvalid, PointEncoding
        The peer sent something else than a masked item; ``row`` is its position in the peer's set.
    """
    yield Progress(_STAGE, 0, 0)
    own = wire.Start(role=_WIRE_ROLE[role], count=len(rows), nonce=secrets.token_bytes(_NONCE_BYTES))
    yield Send(own)
    peer = yield from receive(wire.Start)
    _check_start(own, peer, role)
    exchange = _Exchange(columns, rows, role, (own, peer), chunk_items)
    yield from exchange.steps()
    matched = match_tags(exchange.own_tags(), exchange.peer_tags())
    released = yield from _verdict(role, len(matched) >= min_result)
    if role == "sender" or not released:
        return Match(None, peer.count, released)
    found = exchange.shuffled_rows[matched]
    return Match(np.sort(found) if role == "receiver" else found, peer.count, released)


def tag_bytes(count_a: int, count_b: int) -> int:
    """Return how long tags must be for two different items to share one with probability below 2^-40.

    With n items in all there are fewer than n²/2 pairs, so 2·log₂(n) + 40 bits suffice. The lowest bit of an
    encoded element is always 0 (RFC 9496 encodes the even root), so one bit more is sent.
    """
    bits = 2 * (count_a + count_b).bit_length() + _STATISTICAL_BITS + 1
    return (bits + 7) // 8


def _check_start(own: wire.Start, peer: wire.Start, role: Role) -> None:
    if peer.role != _WIRE_ROLE[_COUNTERPART[role]]:
        raise ParameterMismatch(f"this party is {role}, so the peer must be {_COUNTERPART[role]}, and is not")
    if len(peer.nonce) != _NONCE_BYTES:
        raise DecodeError(f"the peer's nonce must have {_NONCE_BYTES} bytes")
    if peer.nonce == own.nonce:
        raise PeerValue("the peer reflected this party's nonce")
    if max(own.count, peer.count) > MAX_ITEMS:
        raise TooLarge(f"a set has more than {MAX_ITEMS} items")


def _verdict(role: Role, large_enough: bool) -> Steps[bool]:
    """Agree whether the result is released; a sender is told this and no more."""
    if role != "sender":
        yield Send(wire.Verdict(released=large_enough))
    if role == "receiver":
        return large_enough
    verdict = yield from receive(wire.Verdict)
    if role == "both" and verdict.released != large_enough:
        raise PeerValue("the peer came to another intersection")
    return verdict.released


class _Exchange:
    """The streams of masked and double-masked items in both directions."""

    def __init__(
        self,
        columns: Sequence[pa.ChunkedArray],
        rows: NDArray[np.int64],
        role: Role,
        starts: tuple[wire.Start, wire.Start],
        chunk_items: int,
    ) -> None:
        own, peer = starts
        self.shuffled_rows = rows[random_permutation(len(rows))]
        self._columns = columns
        self._learns = role != "sender"
        self._peer_learns = role != "receiver"
        self._domain = _domain(own.nonce, peer.nonce)
        self._scalar = group("ristretto255").random_scalar()
        self._tag_bytes = tag_bytes(own.count, peer.count)
        self._mine = _Chunks(own.count, chunk_items)
        self._theirs = _Chunks(peer.count, chunk_items)
        self._returned = _Chunks(own.count if self._learns else 0, chunk_items)
        self._own_tags: list[Tags] = []
        self._peer_tags: list[Tags] = []

    def steps(self) -> Steps[None]:
        """Send, double and take back chunks until all have crossed."""
        streams = (self._mine, self._theirs, self._returned)
        total = sum(stream.count for stream in streams)
        while not all(stream.finished for stream in streams):
            if self._may_send():
                yield Send(self._mask_next())
            else:
                message = yield self._expected()
                yield from self._handle(message)
            yield Progress(_STAGE, sum(stream.done for stream in streams), total)

    def own_tags(self) -> Tags:
        """Return the tags of this party's items in the order of ``shuffled_rows``; none for a sender."""
        return join_tags(self._own_tags)

    def peer_tags(self) -> Tags:
        """Return the tags of the peer's items in the order it sent them."""
        return join_tags(self._peer_tags)

    def _may_send(self) -> bool:
        """Pace sending so that both parties compute at the same time.

        A party that learns waits for its answers, a sender for the receiver's items. Whoever waits has
        answered all that came before, so the two never wait for each other.
        """
        if self._mine.finished:
            return False
        answers = self._returned if self._learns else self._theirs
        return answers.finished or self._mine.index - answers.index < _WINDOW

    def _mask_next(self) -> wire.Masked:
        chunk = self._mine.next()
        rows = self.shuffled_rows[chunk.start : chunk.stop]
        points = items.mask_items(self._columns, self._scalar, domain=self._domain, rows=rows)
        return wire.Masked(index=chunk.index, points=points.tobytes())

    def _expected(self) -> Step:
        types: list[type[Message]] = []
        if not self._theirs.finished:
            types.append(wire.Masked)
        if self._learns and self._returned.index < self._mine.index:
            types.append(wire.DoubleMasked)
        return Receive(tuple(types))

    def _handle(self, message: Any) -> Steps[None]:
        if isinstance(message, wire.DoubleMasked):
            chunk = self._returned.next(message.index)
            self._own_tags.append(as_tags(_elements(message.tags, chunk, self._tag_bytes)))
            return
        chunk = self._theirs.next(message.index)
        tags = self._double(_elements(message.points, chunk, _ELEMENT_BYTES), chunk)
        self._peer_tags.append(as_tags(tags))
        if self._peer_learns:
            yield Send(wire.DoubleMasked(index=chunk.index, tags=tags.tobytes()))

    def _double(self, points: Bytes2d, chunk: _Chunk) -> Bytes2d:
        try:
            doubled = items.mask_points(points, self._scalar)
        except (PointInvalid, PointEncoding) as error:
            row = None if error.row is None else chunk.start + error.row
            raise type(error)("the peer sent something else than a masked item", row=row) from None
        return doubled[:, : self._tag_bytes]


@dataclass(frozen=True)
class _Chunk:
    index: int
    start: int
    stop: int


class _Chunks:
    """How far one stream of ``count`` items has come, in chunks."""

    def __init__(self, count: int, chunk_items: int) -> None:
        self.count = count
        self.index = 0
        self.done = 0
        self._chunk_items = chunk_items

    @property
    def finished(self) -> bool:
        return self.done == self.count

    def next(self, index: int | None = None) -> _Chunk:
        """Step to the next chunk, whose index must be ``index`` where the peer names one."""
        if index is not None and index != self.index:
            raise ProtocolCount(f"chunk {self.index} was due and chunk {index} came")
        chunk = _Chunk(self.index, self.done, min(self.done + self._chunk_items, self.count))
        self.index, self.done = self.index + 1, chunk.stop
        return chunk


def _domain(own_nonce: bytes, peer_nonce: bytes) -> bytes:
    """Return the hash domain of this run, to which both parties contributed."""
    return PROTOCOL.encode() + hashlib.sha256(b"".join(sorted((own_nonce, peer_nonce)))).digest()


def _elements(data: bytes, chunk: _Chunk, width: int) -> Bytes2d:
    if len(data) % width:
        raise DecodeError(f"chunk {chunk.index} is not a whole number of {width}-byte elements")
    due = chunk.stop - chunk.start
    if len(data) != due * width:
        raise ProtocolCount(f"chunk {chunk.index} has {len(data) // width} elements instead of {due}")
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, width)
