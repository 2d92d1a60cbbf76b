"""Who passes which set to whom in psi_star/1; it follows from the number of members alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.groups import group
from isthmus.protocol.suites import PsiSuite

CHUNK_ITEMS = 16384
HUB = 0


@dataclass(frozen=True)
class Hop:
    """One set that a member takes from another one or gives to it, as elements or, in the end, as tags."""

    takes: bool
    other: int
    origin: int
    tags: bool


def hops(members: int, index: int) -> list[Hop]:
    """Return the hops of one member in order.

    A set goes once around the ring, from the member that brings it to the one before it, and from there to
    the filter. The hub's set ends at the filter by itself.
    """
    last = members - 1
    before, after = (index - 1) % members, (index + 1) % members
    found = [Hop(False, after, index, False)]
    for turn in range(1, members):
        origin = (index - turn) % members
        found.append(Hop(True, before, origin, False))
        if turn < last:
            found.append(Hop(False, after, origin, False))
        elif index < last:
            found.append(Hop(False, last, origin, True))
    if index == last:
        found += [Hop(True, other, other + 1, True) for other in range(last)]
    return found


def spans(count: int, chunk_items: int) -> Iterator[tuple[int, int]]:
    """Return where each chunk of a set begins and ends."""
    return ((start, min(start + chunk_items, count)) for start in range(0, count, chunk_items))


class Widths:
    """How many bytes an element and a tag have in a run of sets of these sizes."""

    def __init__(self, suite: PsiSuite, counts: list[int]) -> None:
        self.element = group(suite.group).element_bytes
        self.tag = suite.tag_bytes(sum(counts), sum(counts))
        self.tag_part = slice(suite.key_offset, suite.key_offset + self.tag)

    def of(self, hop: Hop) -> int:
        """Return the width of what crosses in a hop."""
        return self.tag if hop.tags else self.element
