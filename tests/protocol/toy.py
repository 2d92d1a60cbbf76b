"""A small protocol for tests of channels and sessions; it borrows two of the link's own messages."""

from __future__ import annotations

from isthmus.party.wire.link_pb2 import Confirm, Credit
from isthmus.protocol.machine import Progress, Send, Steps, receive


def ask(count: int, size: int = 10) -> Steps[int]:
    """Send ``count`` blobs and have each acknowledged; return how many bytes were."""
    total = 0
    for i in range(count):
        yield Progress("ask", i, count)
        yield Send(Confirm(transcript=bytes(size)))
        credit = yield from receive(Credit)
        total += credit.allowed
    return total


def answer(count: int) -> Steps[int]:
    """Acknowledge ``count`` blobs by their lengths."""
    total = 0
    for _ in range(count):
        blob = yield from receive(Confirm)
        total += len(blob.transcript)
        yield Send(Credit(allowed=len(blob.transcript)))
    return total
