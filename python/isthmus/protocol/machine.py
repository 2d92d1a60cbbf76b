"""What a protocol is: a generator of steps.

A protocol is written as a generator function. It yields :class:`Send` to give a message to the peer,
:class:`Receive` to wait for one of the named message types (the ``yield`` evaluates to the message), and
:class:`Progress` to say how far it is; it returns its result. It knows nothing of sockets, threads or time,
so the same function runs in memory, between two processes and between two institutions::

    def echo(count: int) -> Steps[int]:
        for i in range(count):
            yield Send(Ping(number=i))
            pong = yield from receive(Pong)
        return count

Compute in chunks of about a second or less between yields: that is where progress is shown and where a
cancellation takes effect.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Send:
    """Give this message to the peer."""

    message: Message


@dataclass(frozen=True)
class Receive:
    """Wait for the peer's next message; any other type is a ProtocolState error.

    Without ``wait`` the ``yield`` evaluates to None when no message is there yet.
    """

    types: tuple[type[Message], ...]
    wait: bool = True


@dataclass(frozen=True)
class Progress:
    """Stage ``stage`` has done ``done`` of ``total`` units, 0 while that is not known.

    ``detail`` is a short note for a person.

    Whoever drives the protocol adds ``rate``, the units per second of late, and ``remaining_seconds`` at that
    rate; None while there is nothing to tell from.
    """

    stage: str
    done: int
    total: int
    detail: str = ""
    rate: float | None = None
    remaining_seconds: float | None = None


Step = Send | Receive | Progress
Steps = Generator[Step, Any, T]


def receive(kind: type[M]) -> Steps[M]:
    """Wait for one message of type ``kind`` (use with ``yield from``)."""
    message = yield Receive((kind,))
    assert isinstance(message, kind)
    return message
