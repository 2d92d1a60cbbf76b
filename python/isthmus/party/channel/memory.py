"""A channel between two threads of one process, for tests and notebooks."""

from __future__ import annotations

from isthmus.party.channel.base import Channel
from isthmus.party.channel.pipe import Pipe


class MemoryChannel(Channel):
    """One end of an in-memory pair; made by :func:`memory_pair`."""

    def __init__(self, outgoing: Pipe, incoming: Pipe) -> None:
        super().__init__(outgoing, incoming)

    def close(self) -> None:
        """Close both directions; what was already sent can still be read."""
        self._outgoing.end()
        self._incoming.end()


def memory_pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Return the two ends of a new in-memory channel."""
    forth, back = Pipe(), Pipe()
    return MemoryChannel(forth, back), MemoryChannel(back, forth)
