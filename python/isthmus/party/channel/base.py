"""The channel contract: ordered, bounded, reliable delivery of byte strings between two parties."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from isthmus.party.channel.pipe import Pipe


@dataclass
class Counters:
    """What crossed a channel so far, in this party's view."""

    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.bytes_sent + other.bytes_sent,
            self.bytes_received + other.bytes_received,
            self.frames_sent + other.frames_sent,
            self.frames_received + other.frames_received,
        )


class Channel(ABC):
    """Carries byte strings to one peer and back, in order.

    One thread sends and one receives; ``close`` may come from any thread and wakes both. A transport moves
    what it finds in the outgoing pipe, fills the incoming one, and ends both when the connection ends.
    """

    def __init__(self, outgoing: Pipe, incoming: Pipe) -> None:
        self.counters = Counters()
        self._outgoing = outgoing
        self._incoming = incoming

    def send(self, data: bytes) -> None:
        """Hand over ``data``, waiting while the transport is full.

        Raises PeerGone once either side has closed, or the transport's reason for the end.
        """
        self._outgoing.put(data)
        self.counters.bytes_sent += len(data)
        self.counters.frames_sent += 1

    def receive(self, timeout: float) -> bytes:
        """Return the peer's next byte string.

        Raises PeerGone when the peer has closed and all it sent is read, the transport's reason where it has
        one, DeadlineError after ``timeout`` seconds.
        """
        data = self._incoming.get(timeout)
        self.counters.bytes_received += len(data)
        self.counters.frames_received += 1
        return data

    @abstractmethod
    def close(self) -> None:
        """End the connection after what was sent; safe to call twice."""
