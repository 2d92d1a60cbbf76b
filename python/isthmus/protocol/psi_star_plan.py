"""Who passes which set to whom in psi_star/2, and chunk by chunk in which order.

All of it follows from the members' number and counts, so that the hub, which passes chunks on unread, keeps
to the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.groups import group
from isthmus.protocol.suites import PsiSuite

CHUNK_ITEMS = 16384
HUB = 0

LEAD = 4
"""Chunks that a member gives before it takes the first: they travel while others compute.

Messages wait for a member in queues, which must have room for at least as many.
"""


@dataclass(frozen=True)
class Hop:
    """One set, that of ``origin``, crosses between a member and ``other``, as elements or as tags."""

    other: int
    origin: int
    tags: bool = False


@dataclass(frozen=True)
class Turn:
    """What a member gives and takes at the same time: before the next turn, it has taken all."""

    gives: Hop | None
    takes: Hop | None


@dataclass(frozen=True)
class Crossing:
    """A chunk that a member gives or takes: the items from ``start`` to before ``stop`` of the hop's set."""

    takes: bool
    hop: Hop
    start: int
    stop: int


def turns(members: int, index: int) -> list[Turn]:
    """Return the turns of one member in order.

    A set goes once around the ring, from the member that brings it to the one before it, and from there to
    the filter. The hub's set ends at the filter by itself.
    """
    last = members - 1
    before, after = (index - 1) % members, (index + 1) % members
    found = [
        Turn(Hop(after, (index - turn) % members), Hop(before, (index - turn - 1) % members))
        for turn in range(last)
    ]
    if index < last:
        return [*found, Turn(Hop(last, after, tags=True), None)]
    return [*found, *(Turn(None, Hop(other, other + 1, tags=True)) for other in range(last))]


def crossings(turn: Turn, counts: list[int], chunk_items: int) -> Iterator[Crossing]:
    """Return the chunks of a turn in their order: number i is taken after number i + LEAD - 1 is given.

    Where one of the two sets has no more chunks, the other goes on alone.
    """
    given = _chunks(turn.gives, counts, chunk_items)
    taken = _chunks(turn.takes, counts, chunk_items)
    for number in range(max(given, taken + LEAD - 1)):
        for hop, chunk, chunks in ((turn.gives, number, given), (turn.takes, number - LEAD + 1, taken)):
            if hop is not None and 0 <= chunk < chunks:
                start = chunk * chunk_items
                yield Crossing(hop is turn.takes, hop, start, min(start + chunk_items, counts[hop.origin]))


def _chunks(hop: Hop | None, counts: list[int], chunk_items: int) -> int:
    return 0 if hop is None else -(-counts[hop.origin] // chunk_items)


class Widths:
    """How many bytes an element and a tag have in a run of sets of these sizes."""

    def __init__(self, suite: PsiSuite, counts: list[int]) -> None:
        self.element = group(suite.group).element_bytes
        self.tag = suite.tag_bytes(sum(counts), sum(counts))
        self.tag_part = slice(suite.key_offset, suite.key_offset + self.tag)

    def of(self, hop: Hop) -> int:
        """Return the width of what crosses in a hop."""
        return self.tag if hop.tags else self.element
