"""A bounded queue of byte strings between two threads, with an end that has a reason."""

from __future__ import annotations

import threading
import time
from collections import deque

from isthmus.errors import DeadlineError, IsthmusError, PeerGone

_CAPACITY = 4


class Pipe:
    """One direction of a channel. Items put before the end can still be taken after it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[bytes] = deque()
        self._end: IsthmusError | None = None

    def put(self, data: bytes) -> None:
        """Append ``data``, waiting while the pipe is full. Raises the reason once the pipe has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None or len(self._items) < _CAPACITY)
            if self._end is not None:
                raise self._end
            self._items.append(data)
            self._changed.notify_all()

    def get(self, timeout: float | None) -> bytes:
        """Take the oldest item, waiting up to ``timeout`` seconds (None: without limit).

        Raises the reason once the pipe has ended and is empty, DeadlineError on timeout.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._items:
                if self._end is not None:
                    raise self._end
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise DeadlineError(f"the peer was silent for {timeout:g} s")
                self._changed.wait(left)
            data = self._items.popleft()
            self._changed.notify_all()
            return data

    def end(self, reason: IsthmusError | None = None) -> None:
        """End the pipe; only the first reason counts."""
        with self._changed:
            if self._end is None:
                self._end = reason or PeerGone("the connection is closed")
            self._changed.notify_all()
