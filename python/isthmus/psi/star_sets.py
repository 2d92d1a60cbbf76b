"""Where a member of a star keeps the sets that pass through it: in memory up to the budget, else on disk.

Sets are records, split into partitions as they come and sorted a few partitions at a time as they go, so that
only these are in hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from isthmus import errors
from isthmus._core import records as native
from isthmus.groups import group
from isthmus.protocol.matching import Bytes2d
from isthmus.protocol.psi_star_steps import Mask, Tags
from isthmus.protocol.suites import PsiSuite
from isthmus.psi.segments import Records, Segments, spans
from isthmus.psi.workspace import MemoryShelf, Shelf, Workspace

_WORD_BYTES = 8
_PLACE_BYTES = 4
_PLACE = np.uint64((1 << 8 * _PLACE_BYTES) - 1)
_TAG_WORDS = 3

# Returns a shelf for so many bytes, and what to call when they are no longer there.
_Reserve = Callable[[int], tuple[Shelf, Callable[[], None]]]


class StarSets:
    """Makes the sets of a run; ``taken`` are the bytes of the workspace's budget that the items use.

    Implements :class:`isthmus.protocol.psi_star_steps.Sets`.
    """

    def __init__(self, workspace: Workspace, taken: int) -> None:
        self._workspace = workspace
        self._taken = taken

    def shuffle(self, count: int, suite: PsiSuite, *, traced: bool) -> ShuffledSet:
        """Return an empty set for so many elements; ``traced``, if it is to know in which order they came."""
        layout = _Layout(group(suite.group).element_bytes, suite.key_offset, traced)
        return ShuffledSet(layout, count, self._reserve)

    def tags(self, count: int, width: int) -> TagSet:
        """Return an empty set for so many tags of so many bytes."""
        return TagSet(width, count, self._reserve)

    def _reserve(self, nbytes: int) -> tuple[Shelf, Callable[[], None]]:
        shelf = self._workspace.shelf(nbytes, self._taken)
        set_aside = nbytes if isinstance(shelf, MemoryShelf) else 0
        self._taken += set_aside

        def release() -> None:
            self._taken -= set_aside

        return shelf, release


class _Layout:
    """An element as a record: its uniform bytes first, then the others, and in the end when it came.

    That time, if ``traced``, takes the low half of the last word.
    """

    def __init__(self, element_bytes: int, key_offset: int, traced: bool) -> None:
        self._bytes = element_bytes
        self._offset = key_offset
        self._head = element_bytes - key_offset
        self.traced = traced
        self.words = -(-(element_bytes + (_PLACE_BYTES if traced else 0)) // _WORD_BYTES)

    def records(self, elements: Bytes2d, first: int) -> Records:
        """Return the records of elements, of which the first came as number ``first``."""
        rows = np.zeros((len(elements), self.words * _WORD_BYTES), dtype=np.uint8)
        rows[:, : self._head] = elements[:, self._offset :]
        rows[:, self._head : self._bytes] = elements[:, : self._offset]
        records = rows.view(">u8").astype(np.uint64)
        if self.traced:
            records[:, -1] |= np.arange(first, first + len(elements), dtype=np.uint64)
        return records

    def elements(self, records: Records) -> Bytes2d:
        """Return the elements of records."""
        rows = records.astype(">u8").view(np.uint8)
        elements = np.empty((len(records), self._bytes), dtype=np.uint8)
        elements[:, self._offset :] = rows[:, : self._head]
        elements[:, : self._offset] = rows[:, self._head : self._bytes]
        return elements


class ShuffledSet:
    """Implements :class:`isthmus.protocol.psi_star_steps.Shuffle`."""

    def __init__(self, layout: _Layout, count: int, reserve: _Reserve) -> None:
        self._layout = layout
        shelf, self._release = reserve(count * layout.words * _WORD_BYTES)
        self._segments: Segments | None = Segments(layout.words, shelf, even=True)
        self._places = reserve(count * _PLACE_BYTES)[0] if layout.traced else None
        self._given: list[tuple[int, int, int]] = []  # first position and the number and length of its places

    def add(self, elements: Bytes2d) -> None:
        """Take the next elements."""
        assert self._segments is not None, "a set is given once"
        self._segments.add(self._layout.records(elements, self._segments.count))

    def chunks(self, items: int) -> Iterator[Bytes2d]:
        """Give all elements away in their order, so many at a time."""
        rest: Bytes2d | None = None
        for part in self._sorted():
            rest = part if rest is None else np.concatenate((rest, part))
            whole = len(rest) // items * items
            yield from (rest[start : start + items] for start in range(0, whole, items))
            rest = rest[whole:]
        if rest is not None and len(rest):
            yield rest

    def as_taken(self, mask: Mask) -> Mask:
        """Return, in the order in which elements came, what is here in the order in which they left."""
        assert self._places is not None, "only a traced set knows"
        taken: Mask = np.empty(len(mask), dtype=np.bool_)
        for first, number, length in self._given:
            taken[self._places.get(number, 0, length)] = mask[first : first + length]
        return taken

    def _sorted(self) -> Iterator[Bytes2d]:
        """Return the elements a few partitions at a time; these are forgotten, and in the end the rest."""
        segments, self._segments = self._segments, None
        assert segments is not None, "a set is given once"
        given = 0
        try:
            for span in spans(segments.count):
                records = native.sort(segments.read(*span, drop=True))
                elements = self._layout.elements(records)
                _refuse_repeats(bool(np.any(np.all(elements[1:] == elements[:-1], axis=1))))
                if self._places is not None:
                    places = (records[:, -1] & _PLACE).astype(np.uint32)
                    self._given.append((given, self._places.put(places), len(places)))
                    given += len(places)
                yield elements
        finally:
            self._release()


class TagSet:
    """Implements :class:`isthmus.protocol.psi_star_steps.Tags`."""

    def __init__(self, width: int, count: int, reserve: _Reserve) -> None:
        self._width = width
        self._reserve = reserve
        self._came = 0
        self._open(count)

    @property
    def count(self) -> int:
        """How many are left."""
        return self._segments.count

    def add(self, tags: Bytes2d) -> None:
        """Take the next tags."""
        rows = np.ascontiguousarray(tags)
        self._segments.add(native.tag_records(rows, 0, self._width, self._came))
        self._came += len(rows)

    def keep_shared(self, other: Tags) -> Iterator[None]:
        """Forget those that the other set lacks, which is used up; a part of them at each step."""
        assert isinstance(other, TagSet), "sets of one run are compared"
        own, theirs, releases = self._segments, other._segments, (self._release, other._release)
        self._open(min(own.count, theirs.count))
        for span in spans(max(own.count, theirs.count)):
            self._segments.add(
                _shared(own.read(*span, drop=True), theirs.read(*span, drop=True), self._width)
            )
            yield
        for release in releases:
            release()

    def left(self) -> Mask:
        """Return, of all tags that came, in that order, which are left."""
        left: Mask = np.zeros(self._came, dtype=np.bool_)
        for span in spans(self.count):
            left[self._segments.read(*span)[:, 2].astype(np.int64)] = True
        return left

    def _open(self, count: int) -> None:
        shelf, self._release = self._reserve(count * _TAG_WORDS * _WORD_BYTES)
        self._segments = Segments(_TAG_WORDS, shelf, even=True)


def _shared(own: Records, other: Records, width: int) -> Records:
    """Return the records of ``own`` whose tags the other partitions have too."""
    own, other = native.sort(own), native.sort(other)
    for each in (own, other):
        _refuse_repeats(native.match(each[:0], each, width)[2])
    numbered = own.copy()
    numbered[:, 2] = np.arange(len(own), dtype=np.uint64)
    shared: Records = own[native.match(numbered, other, width)[0].astype(np.int64)]
    return shared


def _refuse_repeats(repeats: bool) -> None:
    if repeats:
        raise errors.PeerDuplicate("a member brought the same masked item more than once")
