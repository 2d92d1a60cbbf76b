"""psi_star/2 between sessions: the hub passes sealed messages from one spoke's session to another's.

Who sends what to whom follows from the members' counts alone, so the hub knows at each moment which of a
session's two ends speaks, and how long the message must be.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from google.protobuf.message import Message

from isthmus.errors import ProtocolCount
from isthmus.protocol.machine import Progress, Receive, Send, Steps, receive
from isthmus.protocol.matching import STAGE
from isthmus.protocol.psi_star import MAX_ITEMS
from isthmus.protocol.psi_star_plan import CHUNK_ITEMS, HUB, Widths, crossings, turns
from isthmus.protocol.psi_star_steps import MemberSteps, StarMatch, To
from isthmus.protocol.suites import PsiSuite
from isthmus.protocol.wire import psi_star_pb2 as wire

__all__ = ["Exchange", "at_hub", "at_spoke", "max_message"]

_SEAL_BYTES = 16
_OUTCOME_BYTES = 16  # of an outcome, beside its bits


class Exchange(Protocol):
    """The hub's queues; each pair of members has one of its own, which keeps its order.

    They have room for ``LEAD`` messages or more each: then no member waits for ever (``psi_star.md``).
    """

    def put(self, sender: int, to: int, message: Message) -> bool:
        """Add a message; False if there was no room within a fraction of a second."""

    def get(self, sender: int, to: int) -> Any:
        """Return the next message, or None if there was none within a fraction of a second."""


def max_message(hub_items: int = MAX_ITEMS) -> int:
    """Return what no message has more bytes than, if the hub has so many items.

    A chunk of elements is smaller than the least of these; an outcome has a bit for each of the hub's items.
    """
    return max(1 << 20, hub_items // 8 + 1024)


def at_spoke(steps: MemberSteps) -> Steps[StarMatch]:
    """Return a member's steps in its session with the hub, where everything it sends and receives goes."""
    answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as stop:
            result: StarMatch = stop.value
            return result
        answer = None
        if isinstance(step, Progress):
            yield step
        elif isinstance(step, To):
            yield Send(step.message)
        else:
            answer = yield Receive((step.kind,))


def at_hub(spoke: int, exchange: Exchange, suite: PsiSuite, *, chunk_items: int = CHUNK_ITEMS) -> Steps[None]:
    """Pass on what a spoke and the other members send each other.

    Raises ProtocolCount for a box that is not as long as its content must be.
    """
    yield from _put(exchange, spoke, HUB, (yield from receive(wire.Join)))
    roster = yield from _next(exchange, HUB, spoke)
    yield Send(roster)
    counts = [each.join.count for each in roster.members]
    for sender, to, size in _boxes(counts, spoke, suite, chunk_items):
        if to == spoke:
            yield Send((yield from _next(exchange, sender, to)))
            continue
        sealed = yield from receive(wire.Sealed)
        if len(sealed.box) != size:
            raise ProtocolCount(f"a box has {len(sealed.box)} bytes instead of {size}")
        yield from _put(exchange, spoke, to, sealed)
    if spoke + 1 < len(counts):
        yield Send((yield from _next(exchange, spoke + 1, spoke)))
    outcome = yield from receive(wire.Sealed)
    if len(outcome.box) > -(-counts[HUB] // 8) + _OUTCOME_BYTES + _SEAL_BYTES:
        raise ProtocolCount("an outcome is longer than all items can make it")
    yield from _put(exchange, spoke, spoke - 1, outcome)


def _boxes(
    counts: list[int], spoke: int, suite: PsiSuite, chunk_items: int
) -> Iterator[tuple[int, int, int]]:
    """Return sender, addressee and length of each box that a spoke takes or gives, in order."""
    widths = Widths(suite, counts)
    for turn in turns(len(counts), spoke):
        for crossing in crossings(turn, counts, chunk_items):
            hop = crossing.hop
            pair = (hop.other, spoke) if crossing.takes else (spoke, hop.other)
            yield *pair, (crossing.stop - crossing.start) * widths.of(hop) + _SEAL_BYTES


def _put(exchange: Exchange, sender: int, to: int, message: Message) -> Steps[None]:
    """Wait for room, and let the session notice meanwhile when it has ended."""
    while not exchange.put(sender, to, message):
        yield Progress(STAGE, 0, 0)


def _next(exchange: Exchange, sender: int, to: int) -> Steps[Any]:
    """Wait for a message of another session, as for room."""
    while (message := exchange.get(sender, to)) is None:
        yield Progress(STAGE, 0, 0)
    return message
