"""What a session costs, stage by stage."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace

from isthmus.protocol.machine import Progress

_PACE_SECONDS = 15.0
_PACE_REPORTS = 4096


@dataclass
class StageReport:
    """One stage of one job, as this party saw it.

    ``bytes_sent`` and ``bytes_received`` are serialised messages without frame headers; ``rounds`` counts how
    often the conversation changed direction; ``seconds`` is wall time, waiting for the peer included.
    """

    name: str
    seconds: float = 0.0
    bytes_sent: int = 0
    bytes_received: int = 0
    messages: int = 0
    rounds: int = 0
    protocol: str = ""


class StageClock:
    """Books messages and time to the stage that is running. A stage that comes back is continued."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._by_name: dict[str, StageReport] = {}
        self._since = time.monotonic()
        self._sending: bool | None = None
        self._current = self._open(protocol.partition("/")[0])

    @property
    def reports(self) -> list[StageReport]:
        """The stages in order of their first appearance."""
        self._book_time()
        return list(self._by_name.values())

    def enter(self, name: str) -> None:
        """Book what follows to ``name``; the wait for the peer to start belongs to the first stage."""
        if name == self._current.name:
            return
        self._book_time()
        before, self._current = self._current, self._open(name)
        if not before.messages and before.name == self._protocol.partition("/")[0]:
            self._current.seconds += self._by_name.pop(before.name).seconds

    def sent(self, size: int) -> None:
        """Book a message that this party sent."""
        self._current.bytes_sent += size
        self._message(True)

    def received(self, size: int) -> None:
        """Book a message that this party received."""
        self._current.bytes_received += size
        self._message(False)

    def _message(self, sending: bool) -> None:
        self._current.messages += 1
        self._current.rounds += self._sending is not sending
        self._sending = sending

    def _open(self, name: str) -> StageReport:
        return self._by_name.setdefault(name, StageReport(name=name, protocol=self._protocol))

    def _book_time(self) -> None:
        now = time.monotonic()
        self._current.seconds += now - self._since
        self._since = now


class Pace:
    """How fast the running stage is: judged over the last seconds, so that a slow start is soon forgotten."""

    def __init__(self) -> None:
        self._stage = ""
        self._seen: deque[tuple[float, int]] = deque(maxlen=_PACE_REPORTS)

    def judge(self, progress: Progress) -> Progress:
        """Return the progress with its rate and the time left at that rate."""
        if progress.stage != self._stage:
            self._stage = progress.stage
            self._seen.clear()
        now = time.monotonic()
        self._seen.append((now, progress.done))
        while now - self._seen[0][0] > _PACE_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        since, done = self._seen[0]
        if now <= since or progress.done <= done:
            return progress
        rate = (progress.done - done) / (now - since)
        left = max(progress.total - progress.done, 0) / rate
        return replace(progress, rate=rate, remaining_seconds=left)
