"""What a member of psi_star/2 is made of: its steps, its result, and what it works with.

Where sets lie, in memory or on disk, and how boxes are sealed is the business of the layer above; here are
the interfaces.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from isthmus.protocol.machine import Progress
from isthmus.protocol.matching import Bytes2d, Engine, Items
from isthmus.protocol.suites import PsiSuite

PROTOCOL = "psi_star/2"

Mask = NDArray[np.bool_]
"""One entry for each item of the hub's set, in some order: whether all have it."""


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


@dataclass(frozen=True)
class StarMatch:
    """What a run tells its party.

    ``positions`` are the places of the common items in the hub's own order, ascending; None at the spokes.
    ``counts`` are the numbers of all members' items by name. ``size`` is the number of common items, None
    unless ``released``. ``code`` names the run: it is the same for all only if all have met the same members.
    """

    positions: NDArray[np.int64] | None
    size: int | None
    counts: dict[str, int]
    released: bool
    code: str


MemberStep = To | From | Progress
MemberSteps = Generator[MemberStep, Any, StarMatch]


class Seals(Protocol):
    """Boxes that only their addressee can open, in the order in which they were sealed."""

    public_key: bytes

    def bind(self, own: int, public_keys: Sequence[bytes], context: bytes) -> None:
        """Learn everyone's key; PeerValue for one that is no key."""

    def seal(self, to: int, content: bytes) -> bytes:
        """Return the next box for a member, 16 bytes longer than its content."""

    def open(self, sender: int, box: bytes) -> bytes:
        """Return the content of a member's next box; TranscriptError if it is another one or was altered."""


class Shuffle(Protocol):
    """A set between two hops: it comes in any order and leaves in that of its elements."""

    def add(self, elements: Bytes2d) -> None:
        """Take the next elements."""

    def chunks(self, items: int) -> Iterator[Bytes2d]:
        """Give all elements away in their order, so many at a time.

        Raises PeerDuplicate for an element that is there twice, and PeerValue when they are not spread as
        masked items are.
        """

    def as_taken(self, mask: Mask) -> Mask:
        """Return, in the order in which elements came, what is here in the order in which they left."""


class Tags(Protocol):
    """A set of tags at the filter."""

    @property
    def count(self) -> int:
        """How many are left."""

    def add(self, tags: Bytes2d) -> None:
        """Take the next tags."""

    def keep_shared(self, other: Tags) -> Iterator[None]:
        """Forget those that the other set lacks, which is used up; a part of them at each step.

        Raises PeerDuplicate for a tag that either set has twice, and PeerValue as :meth:`Shuffle.chunks`.
        """

    def left(self) -> Mask:
        """Return, of all tags that came, in that order, which are left."""


class Sets(Protocol):
    """Where a member keeps the sets of a run."""

    def shuffle(self, count: int, suite: PsiSuite, *, traced: bool) -> Shuffle:
        """Return an empty set for so many elements; ``traced``, if it is to know in which order they came."""

    def tags(self, count: int, width: int) -> Tags:
        """Return an empty set for so many tags of so many bytes."""


@dataclass(frozen=True)
class Means:
    """What a member works with: its items, a place for sets, a processor, and a fresh key for the run."""

    own: Items
    sets: Sets
    engine: Engine
    seals: Seals
