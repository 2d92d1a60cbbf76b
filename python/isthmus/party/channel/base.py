"""The channel contract: ordered, bounded, reliable delivery of byte strings between two parties."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass
class Counters:
    """What crossed a channel so far, in this party's view."""

    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0
    frames_received: int = 0


class Channel(ABC):
    """Carries byte strings to one peer and back, in order.

    One thread sends and one receives; ``close`` may come from any thread and wakes both.
    """

    def __init__(self) -> None:
        self.counters = Counters()

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Hand over ``data``, waiting while the transport is full. Raises PeerGone once either side has
        closed."""

    @abstractmethod
    def receive(self, timeout: float) -> bytes:
        """Return the peer's next byte string.

        Raises PeerGone when the peer has closed and all it sent is read, DeadlineError after ``timeout``
        seconds.
        """

    @abstractmethod
    def close(self) -> None:
        """End the connection after what was sent; safe to call twice."""
