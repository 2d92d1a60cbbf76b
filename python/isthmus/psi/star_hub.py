"""The hub of a star: a session with each spoke in a thread of its own, and the queues between them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from isthmus import errors
from isthmus.party.session import Session
from isthmus.party.stages import Pace
from isthmus.protocol.machine import Steps
from isthmus.protocol.psi_star_plan import HUB
from isthmus.protocol.psi_star_relay import at_hub, max_message
from isthmus.protocol.psi_star_steps import PROTOCOL, From, MemberSteps, StarMatch, To
from isthmus.protocol.suites import PsiSuite

__all__ = ["HubRun", "Queues"]

QUEUE_MESSAGES = 16
"""Messages that wait for one member from another; with chunks of 16,384 elements, half a megabyte each."""

_POLL_SECONDS = 0.2


class Queues:
    """Messages between members; implements :class:`isthmus.protocol.psi_star_relay.Exchange`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[tuple[int, int], deque[Message]] = {}
        self._stopped = False

    def put(self, sender: int, to: int, message: Message) -> bool:
        """Add a message, or return False if there was no room for a moment.

        Raises CancelledError once the run has failed, as does :meth:`get`.
        """
        with self._changed:
            queue = self._wait(sender, to, lambda queue: len(queue) < QUEUE_MESSAGES)
            if queue is None:
                return False
            queue.append(message)
            self._changed.notify_all()
            return True

    def get(self, sender: int, to: int) -> Any:
        """Return the next message or, after a moment, None."""
        with self._changed:
            queue = self._wait(sender, to, lambda queue: len(queue) > 0)
            if queue is None:
                return None
            self._changed.notify_all()
            return queue.popleft()

    def stop(self) -> None:
        """Wake everyone who waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _wait(self, sender: int, to: int, ready: Callable[[deque[Message]], bool]) -> deque[Message] | None:
        """Return the queue between two members once it is ready; None if it is not within a moment."""
        queue = self._queues.setdefault((sender, to), deque())
        self._changed.wait_for(lambda: self._stopped or ready(queue), _POLL_SECONDS)
        if self._stopped:
            raise errors.CancelledError("the run with the other parties has failed")
        return queue if ready(queue) else None


class HubRun:
    """One thread for each spoke's session; the hub's own part runs in the caller's."""

    def __init__(
        self, sessions: Sequence[Session], parameters: Mapping[str, Any], count: int, suite: PsiSuite
    ) -> None:
        self._sessions = sessions
        self._parameters = parameters
        self._max_message = max_message(count)
        self._suite = suite
        self._queues = Queues()
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._show = sessions[HUB].on_progress
        self._pace = Pace()
        self._threads = [
            threading.Thread(target=self._serve, args=(spoke,), name=f"isthmus-star-{spoke}", daemon=True)
            for spoke in range(1, len(sessions) + 1)
        ]

    def drive(self, steps: MemberSteps) -> StarMatch:
        """Run the hub's part, and end all sessions if anything fails."""
        shown = [session.on_progress for session in self._sessions]
        for session, thread in zip(self._sessions, self._threads, strict=True):
            session.on_progress = None  # they only pass messages on
            thread.start()
        try:
            match = self._advance(steps)
            for thread in self._threads:
                thread.join()
        except BaseException as error:
            self._fail(error)
            for thread in self._threads:
                thread.join()
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            for session, show in zip(self._sessions, shown, strict=True):
                session.on_progress = show
        if self._failure is not None:
            raise self._failure
        return match

    def _advance(self, steps: MemberSteps) -> StarMatch:
        answer = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as stop:
                match: StarMatch = stop.value
                return match
            answer = None
            if isinstance(step, To):
                while not self._queues.put(HUB, step.member, step.message):
                    pass
            elif isinstance(step, From):
                while answer is None:
                    answer = self._queues.get(step.member, HUB)
                if not isinstance(answer, step.kind):
                    raise errors.ProtocolState(f"{step.kind.DESCRIPTOR.name} was due from a member")
            elif self._show is not None:
                self._show(self._pace.judge(step))

    def _serve(self, spoke: int) -> None:
        relayed = False

        def steps() -> Steps[None]:
            nonlocal relayed
            yield from at_hub(spoke, self._queues, self._suite)
            relayed = True

        try:
            self._sessions[spoke - 1].run(PROTOCOL, steps(), self._parameters, self._max_message)
        except BaseException as error:
            # A spoke that has done its part may end over the verdict before the hub hears that it is done.
            if relayed and getattr(error, "peer_code", "") == errors.ResultTooSmall.code:
                return
            if isinstance(error, errors.IsthmusError):
                error.args = (f"{self._sessions[spoke - 1].peer}: {error.args[0]}",)
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Keep the first error, which caused the others, and end every session over it."""
        with self._lock:
            if self._failure is None:
                self._failure = error
        self._queues.stop()
        for session in self._sessions:
            session.cancel()
