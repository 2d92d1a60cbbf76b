"""A channel between two threads of one process, for tests and notebooks."""

from __future__ import annotations

import threading
import time
from collections import deque

from isthmus.errors import DeadlineError, PeerGone
from isthmus.party.channel.base import Channel

_CAPACITY = 8


class _Pipe:
    """One direction: a bounded queue that either end can close."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[bytes] = deque()
        self._closed = False

    def put(self, data: bytes) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < _CAPACITY)
            if self._closed:
                raise PeerGone("the connection is closed")
            self._items.append(data)
            self._changed.notify_all()

    def get(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._items:
                if self._closed:
                    raise PeerGone("the peer closed the connection")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise DeadlineError(f"the peer was silent for {timeout:g} s")
                self._changed.wait(left)
            data = self._items.popleft()
            self._changed.notify_all()
            return data

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class MemoryChannel(Channel):
    """One end of an in-memory pair; made by :func:`memory_pair`."""

    def __init__(self, outgoing: _Pipe, incoming: _Pipe) -> None:
        super().__init__()
        self._outgoing = outgoing
        self._incoming = incoming

    def send(self, data: bytes) -> None:
        """Queue ``data`` for the other end."""
        self._outgoing.put(data)
        self.counters.bytes_sent += len(data)
        self.counters.frames_sent += 1

    def receive(self, timeout: float) -> bytes:
        """Return the other end's next byte string."""
        data = self._incoming.get(timeout)
        self.counters.bytes_received += len(data)
        self.counters.frames_received += 1
        return data

    def close(self) -> None:
        """Close both directions; what was already queued can still be read."""
        self._outgoing.close()
        self._incoming.close()


def memory_pair() -> tuple[MemoryChannel, MemoryChannel]:
    """Return the two ends of a new in-memory channel."""
    forth, back = _Pipe(), _Pipe()
    return MemoryChannel(forth, back), MemoryChannel(back, forth)
