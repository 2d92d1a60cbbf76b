"""What a party has received in a run: its own tags and the peer's keys, ready to be matched."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from isthmus import errors
from isthmus._core import records as native
from isthmus.protocol.matching import Bytes2d, Positions, RunRecord
from isthmus.protocol.psi_exchange import WINDOW
from isthmus.psi.segments import Records, Segments, spans
from isthmus.psi.workspace import Workspace

_TAG_WORDS = 3


@dataclass(frozen=True)
class Begun:
    """A run as the ledger knows it: ``own_tags`` tags of ``tag_bytes`` bytes are due."""

    record: RunRecord
    own_tags: int
    tag_bytes: int


class Journal(Protocol):
    """Where a run is written down, so that it outlives the process."""

    def begin(self, begun: Begun) -> None:
        """Replace whatever run was written down by this one."""

    def append_own(self, tags: bytes) -> None:
        """Write the next batch of own tags; it is on disk when this returns."""

    def append_peer(self, keys: bytes) -> None:
        """Write the next batch of the peer's keys; it is on disk when this returns."""


class RunLedger:
    """A :class:`~isthmus.protocol.matching.Ledger` over partitioned records.

    ``taken`` are the bytes of the workspace's budget that the items use. With a ``journal``, every batch is
    on disk before the protocol goes on.
    """

    def __init__(self, workspace: Workspace, taken: int, journal: Journal | None = None) -> None:
        self.own_batches = 0
        self.peer_batches = 0
        self._workspace = workspace
        self._taken = taken
        self._journal = journal
        self._begun: Begun | None = None
        self._restored = 0
        self._answered = 0

    @property
    def record(self) -> RunRecord | None:
        """The run that has begun, if one has."""
        return None if self._begun is None else self._begun.record

    @property
    def peer_items(self) -> int:
        """How many of the peer's items were taken: as many as may have been answered."""
        return 0 if self._begun is None else self._peer.count + self._answered

    @property
    def replaceable(self) -> bool:
        """Whether nothing was added but what was restored: a call that resumes a run may begin another."""
        return self.own_batches + self.peer_batches == self._restored

    def begin(self, record: RunRecord, *, own_tags: int, tag_bytes: int) -> None:
        """Forget any other run and begin this one."""
        begun = Begun(record, own_tags, tag_bytes)
        if self._journal is not None:
            self._journal.begin(begun)
        self._open(begun)

    def restore(self, begun: Begun, own: Iterator[Bytes2d], peer: Iterator[Bytes2d]) -> None:
        """Go back to where a journal says that a run was."""
        self._open(begun)
        for tags in own:
            self._keep_own(tags)
        for keys in peer:
            self._keep_peer(keys)
        self._restored = self.own_batches + self.peer_batches

    def add_own(self, tags: Bytes2d) -> None:
        """Take the next batch of this party's own tags."""
        if self._journal is not None:
            self._journal.append_own(tags.tobytes())
        self._keep_own(tags)

    def add_peer(self, keys: Bytes2d) -> None:
        """Take the next batch of the peer's keys."""
        if self._journal is not None:
            self._journal.append_peer(keys.tobytes())
        self._keep_peer(keys)

    def count_answered(self, items: int) -> None:
        """Note that so many more of the peer's items are answered, where no keys are kept of them."""
        self._answered += items

    def recent_tags(self, batch: int) -> Bytes2d | None:
        """Return the tags of one of the last batches of the peer's keys, or None when it is too old."""
        age = self.peer_batches - batch
        return self._recent[-age] if 0 < age <= len(self._recent) else None

    def sorted_tags(self) -> Iterator[Bytes2d]:
        """Return all tags of the peer's keys in ascending order, a few partitions at a time."""
        for span in spans(self._peer.count):
            peer = native.sort(self._peer.read(*span))
            _refuse_repeats(native.match(peer[:0], peer, self._width)[2])
            yield peer[:, :2].byteswap().view(np.uint8)[:, : self._width]

    def matches(self) -> Iterator[Positions]:
        """Return, part by part and in the order of the tags, the positions of matched own tags."""
        for span in spans(max(self._own.count, self._peer.count)):
            peer = native.sort(self._peer.read(*span))
            own = native.sort(self._own.read(*span))
            positions, own_repeats, peer_repeats = native.match(own, peer, self._width)
            _refuse_repeats(own_repeats or peer_repeats)
            yield positions

    def _open(self, begun: Begun) -> None:
        need = (begun.own_tags + begun.record.peer_count) * _TAG_WORDS * 8
        shelf = self._workspace.shelf(need, self._taken)
        self._begun = begun
        self._width = begun.tag_bytes
        self._own = Segments(_TAG_WORDS, shelf, even=True)
        self._peer = Segments(_TAG_WORDS, shelf, even=True)
        self._recent: deque[Bytes2d] = deque(maxlen=WINDOW)
        self.own_batches = self.peer_batches = self._restored = self._answered = 0

    def _keep_own(self, tags: Bytes2d) -> None:
        self._own.add(self._records(tags, self._width, self._own.count))
        self.own_batches += 1

    def _keep_peer(self, keys: Bytes2d) -> None:
        self._peer.add(self._records(keys, native.TAG_BYTES, self._peer.count))
        self._recent.append(keys[:, : self._width])
        self.peer_batches += 1

    def _records(self, rows: Bytes2d, width: int, first: int) -> Records:
        return native.tag_records(np.ascontiguousarray(rows), 0, width, first)


def _refuse_repeats(repeats: bool) -> None:
    if repeats:
        raise errors.PeerDuplicate("the peer sent the same masked item more than once")
