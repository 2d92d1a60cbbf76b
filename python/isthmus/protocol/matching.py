"""What protocols for private set intersection share: limits, first checks, results, what they work with.

A protocol compares tags: pseudorandom byte strings that stand for items and that the parties can compute only
for the items that the protocol lets them compare. Where items and tags lie, in memory or on disk, and whether
a run survives its process, is the business of the layer above; here are the interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import DecodeError, ParameterMismatch, PeerValue, TooLarge
from isthmus.groups import group
from isthmus.items import SecretSeed, mask_digests, mask_points
from isthmus.protocol.machine import Progress, Steps

STAGE = "align"
BATCH_ITEMS = 8192
MAX_MESSAGE_BYTES = 1 << 20
MAX_ITEMS = 1 << 32
NONCE_BYTES = 32

Role = Literal["receiver", "sender", "both"]
Reveal = Literal["rows", "size"]

COUNTERPART: dict[Role, Role] = {"receiver": "sender", "sender": "receiver", "both": "both"}

Bytes2d = NDArray[np.uint8]
Positions = NDArray[np.uint64]


@dataclass(frozen=True)
class Match:
    """What a run tells its party.

    ``positions`` are the places, in this party's own order, of the items that the peer has too, in an order
    that is the same on both sides; None for a sender, and where only the size is revealed. ``size`` is their
    number, None for a sender. ``peer_count`` is the number of the peer's different items. Without
    ``released`` the intersection was smaller than the agreed minimum, and nobody gets anything.
    """

    positions: Positions | None
    size: int | None
    peer_count: int
    released: bool


class Items(Protocol):
    """This party's different items, in a secret order that is the same whenever it is asked."""

    @property
    def count(self) -> int:
        """Number of items."""

    def digests(self, start: int, stop: int) -> Bytes2d:
        """Return the SHA-256 digests of the items at these positions."""


@dataclass(frozen=True)
class RunRecord:
    """What a run is known by: its public name, this party's secret for it, and both counts."""

    run: bytes
    seed: SecretSeed
    own_count: int
    peer_count: int


class Ledger(Protocol):
    """What a party has received in a run; it outlives a lost connection, and may outlive the process.

    Batches are added in order. What :meth:`add_own` and :meth:`add_peer` have taken is taken for good when
    they return.
    """

    @property
    def record(self) -> RunRecord | None:
        """The run that has begun, if one has."""

    @property
    def replaceable(self) -> bool:
        """Whether another run may take the place of this one: not once its call has exchanged anything."""

    @property
    def own_batches(self) -> int:
        """Batches of this party's own tags."""

    @property
    def peer_batches(self) -> int:
        """Batches of the peer's keys."""

    def begin(self, record: RunRecord, *, own_tags: int, tag_bytes: int) -> None:
        """Forget any other run and begin this one, in which ``own_tags`` tags will come back."""

    def add_own(self, tags: Bytes2d) -> None:
        """Take the next batch of this party's own tags."""

    def add_peer(self, keys: Bytes2d) -> None:
        """Take the next batch of the peer's keys, whose first bytes are tags."""

    def count_answered(self, items: int) -> None:
        """Note that so many more of the peer's items are answered, where no keys are kept of them."""

    def recent_tags(self, batch: int) -> Bytes2d | None:
        """Return the tags of one of the last batches of the peer's keys, or None when it is too old."""

    def sorted_tags(self) -> Iterator[Bytes2d]:
        """Return all tags of the peer's keys in ascending order, in parts of any length.

        Raises PeerDuplicate as :meth:`matches`.
        """

    def matches(self) -> Iterator[Positions]:
        """Return, part by part and in the order of the tags, the positions of own tags that the peer has too.

        Raises PeerDuplicate when the peer sent an element twice, or returned one tag for two items that
        match.
        """


class Start(Protocol):
    """What the first messages of both protocols of two parties have."""

    @property
    def role(self) -> int:
        """What the party learns, as the protocol's messages number it."""

    @property
    def count(self) -> int:
        """Number of its items."""

    @property
    def nonce(self) -> bytes:
        """Fresh random bytes."""


def check_start(own: Start, peer: Start, role: Role, wire_roles: Mapping[Role, int]) -> None:
    """Refuse a peer that is not this party's counterpart, a bad nonce, and sets that are too large."""
    if peer.role != wire_roles[COUNTERPART[role]]:
        raise ParameterMismatch(f"this party is {role}, so the peer must be {COUNTERPART[role]}, and is not")
    if len(peer.nonce) != NONCE_BYTES:
        raise DecodeError(f"the peer's nonce must have {NONCE_BYTES} bytes")
    if peer.nonce == own.nonce:
        raise PeerValue("the peer reflected this party's nonce")
    if max(own.count, peer.count) > MAX_ITEMS:
        raise TooLarge(f"a set has more than {MAX_ITEMS} items")


def progress(passes: int, *, own: int, peer: int, learns: bool) -> Progress:
    """Return how far a party is, in items of both parties.

    It passes over its own items once, or, if it learns, twice, and over the peer's once; ``passes`` counts
    these together.
    """
    total = own + peer + (own if learns else 0)
    return Progress(STAGE, passes * (own + peer) // max(total, 1), own + peer)


def compare(ledger: Ledger, items: int) -> Steps[list[Positions]]:
    """Return the positions of the tags that both parties have, part by part; ``items`` are both parties'."""
    parts = []
    for part in ledger.matches():
        parts.append(part)
        yield Progress(STAGE, items, items, "matching")
    return parts


@dataclass(frozen=True)
class BatchWork:
    """The arithmetic of one batch: a pure function of what is here and of the batch, for any process.

    ``mask`` takes digests to masked elements, ``double`` takes the peer's masked elements to double-masked
    ones.
    """

    kind: Literal["mask", "double"]
    group: str
    seed: SecretSeed
    domain: bytes

    def __call__(self, batch: Bytes2d) -> Bytes2d:
        """Compute; ``double`` raises PointInvalid or PointEncoding with the row of a bad element."""
        scalar = group(self.group).derive_scalar(self.seed)
        if self.kind == "mask":
            return mask_digests(batch, scalar, domain=self.domain)
        return mask_points(batch, scalar)


class Pending(Protocol):
    """A batch under way."""

    def result(self) -> Bytes2d:
        """Wait for the result; raises what the work raised."""


class Engine(Protocol):
    """Where batches are computed."""

    @property
    def depth(self) -> int:
        """How many batches should be under way so that no processor waits."""

    def submit(self, work: BatchWork, batch: Bytes2d) -> Pending:
        """Start one batch."""
