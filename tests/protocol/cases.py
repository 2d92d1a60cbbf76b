"""The protocols that the conformance suite runs, and a driver for two machines in one thread.

To add a protocol, put a file ``cases_<protocol>.py`` beside this one with a list ``CASES`` of
:class:`ProtocolCase`. Every test of ``test_conformance.py`` then runs with it: in memory, over mutual TLS,
and cut after each message by either side. Keep inputs small: the suite runs each case once per message.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from isthmus.errors import ProtocolState
from isthmus.protocol.machine import Progress, Receive, Send, Steps


@dataclass(frozen=True)
class ProtocolCase:
    """One run of a protocol between parties a and b.

    ``protocol`` and ``parameters`` go to ``session.run``; ``make_steps_a`` and ``make_steps_b`` return fresh
    machines; ``check(result_a, result_b)`` asserts that the results are right.
    """

    name: str
    protocol: str
    make_steps_a: Callable[[], Steps[Any]]
    make_steps_b: Callable[[], Steps[Any]]
    check: Callable[[Any, Any], None]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def make_steps(self) -> tuple[Callable[[], Steps[Any]], Callable[[], Steps[Any]]]:
        """Both makers, party a's first."""
        return self.make_steps_a, self.make_steps_b


def all_cases() -> list[ProtocolCase]:
    """Return the cases of every ``cases_*.py`` file here."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
    return [case for name in names for case in importlib.import_module(f"tests.protocol.{name}").CASES]


Tamper = Callable[[int, Message], Message | None]


class Machine:
    """One party's steps, advanced as far as its inbox allows."""

    def __init__(self, steps: Steps[Any], tamper: Tamper | None = None) -> None:
        self.inbox: deque[Message] = deque()
        self.outbox: list[Message] = []
        self.sent = 0
        self.done = False
        self.result: Any = None
        self._steps = steps
        self._tamper = tamper
        self._step: Any = None
        self._started = False

    def advance(self) -> None:
        """Run until the machine ends or waits for a message that is not there."""
        answer = None
        try:
            while True:
                if not self._started:
                    self._started, self._step = True, next(self._steps)
                    continue
                if isinstance(self._step, Receive):
                    if not self.inbox and self._step.wait:
                        return
                    answer = self.inbox.popleft() if self.inbox else None
                    if answer is not None and not isinstance(answer, self._step.types):
                        raise ProtocolState(f"{type(answer).__name__} arrived out of state")
                elif isinstance(self._step, Send):
                    self._send(self._step.message)
                else:
                    assert isinstance(self._step, Progress)
                    assert 0 <= self._step.done <= self._step.total
                self._step, answer = self._steps.send(answer), None
        except StopIteration as stop:
            self.done, self.result = True, stop.value

    def _send(self, message: Message) -> None:
        # What crosses is bytes: a machine must not depend on sharing objects with its peer.
        copy: Message | None = type(message).FromString(message.SerializeToString())
        if self._tamper is not None and copy is not None:
            copy = self._tamper(self.sent, copy)
        self.sent += 1
        if copy is not None:
            self.outbox.append(copy)


def drive(
    steps_a: Steps[Any], steps_b: Steps[Any], tamper_a: Tamper | None = None, tamper_b: Tamper | None = None
) -> tuple[Any, Any]:
    """Run two machines against each other in this thread and return both results.

    ``tamper_a(i, message)`` may change party a's i-th message on its way, or drop it by returning None.
    """
    a, b = Machine(steps_a, tamper_a), Machine(steps_b, tamper_b)
    while not (a.done and b.done):
        moved = False
        for machine, peer in ((a, b), (b, a)):
            if machine.done:
                continue
            before = machine.sent
            machine.advance()
            peer.inbox.extend(machine.outbox)
            moved = moved or bool(machine.outbox) or machine.done or machine.sent > before
            machine.outbox.clear()
        assert moved, "both machines wait for each other"
    return a.result, b.result
