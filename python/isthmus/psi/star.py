"""Three or more parties: the hub has a session with each spoke and learns which items all of them share."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from isthmus import errors
from isthmus.items import SecretSeed
from isthmus.party.session import Session
from isthmus.party.stages import Pace
from isthmus.protocol.machine import Progress, Steps
from isthmus.protocol.psi_star import (
    MAX_MEMBERS,
    PROTOCOL,
    From,
    MemberSteps,
    StarMatch,
    To,
    member,
)
from isthmus.protocol.psi_star_plan import HUB
from isthmus.protocol.psi_star_relay import at_hub, at_spoke, max_message
from isthmus.protocol.suites import PsiSuite, psi_suite
from isthmus.psi.canonical import Normalize
from isthmus.psi.ingest import IdSource, check_items, read_items
from isthmus.psi.own_items import OwnItems
from isthmus.psi.sealing import RunKey
from isthmus.psi.workspace import Workspace

__all__ = ["StarResult", "star_intersect", "star_join"]

# Which of a customer's rows it is does not matter to anyone but the hub, so "all" is left to two parties.
Duplicates = Literal["error", "first"]

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class StarResult:
    """What this party learned.

    Attributes
    ----------
    indices
        int64 rows of the hub's input, ascending, whose identifiers all parties have; None at a spoke.
    size
        Number of identifiers that all parties have.
    counts
        Number of distinct identifiers of every party, by name.
    duplicates
        Rows of this party's input that were left out because an earlier row has the same identifier.
    code
        Names the run. Compare it with the other parties by telephone: it is the same for all only if the hub
        told all of them of the same parties, and read none of what they sent each other.
    """

    indices: NDArray[np.int64] | None = field(repr=False)
    size: int
    counts: dict[str, int]
    duplicates: int
    code: str


def star_intersect(
    sessions: Sequence[Session],
    ids: Any,
    *,
    duplicates: Duplicates = "error",
    min_result: int = 1,
    normalize: Normalize = "",
    suite: str = "ristretto255",
) -> StarResult:
    """Find the identifiers that this party, the hub, and all its peers share; only the hub learns which.

    ``docs/protocols/psi_star.md`` says what each party sees. One party more than the others: the last
    session's peer compares what all have masked, and so can count how many identifiers any of the parties
    share, but not tell which.

    A run takes up to 250 bytes of memory for each identifier of the largest list. One that is interrupted
    is over: all parties start again.

    Parameters
    ----------
    sessions
        One with each of two or more peers, all of which call :func:`star_join`.
    ids, duplicates, normalize, suite
        As in :func:`isthmus.psi.intersect`, without ``duplicates="all"``.
    min_result
        The smallest intersection that may be released; the same at all parties.

    Raises
    ------
    EmptyInput, DuplicateId, IdEncoding, SchemaError
        This party's identifiers are not usable; nothing was sent.
    ResultTooSmall
        The intersection is smaller than ``min_result``; all parties raise it.
    InvalidArgument
        There are fewer than two sessions, or two with the same peer, or an option does not exist.
    IsthmusError
        A peer or a connection failed. All sessions are over then.
    """
    _check_sessions(sessions)
    options = _Options(duplicates, min_result, normalize, psi_suite(suite))
    own = _read(sessions[HUB], ids, options)
    names = [sessions[HUB].party, *(session.peer for session in sessions)]
    steps = member(own.items, RunKey(), names, hub=True, min_result=min_result, suite=options.suite)
    match = _HubRun(sessions, own, options.suite).drive(steps)
    for session in sessions:
        _record(session, match, min_result)
    return _result(own.items, match, min_result)


def star_join(
    session: Session,
    ids: Any,
    *,
    duplicates: Duplicates = "error",
    min_result: int = 1,
    normalize: Normalize = "",
    suite: str = "ristretto255",
) -> StarResult:
    """Take part in the hub's :func:`star_intersect`, whose arguments and errors apply.

    This party learns how many identifiers each party has and how many all share, and not which.
    """
    options = _Options(duplicates, min_result, normalize, psi_suite(suite))
    own = _read(session, ids, options)
    names = [session.peer, session.party]
    steps = member(own.items, RunKey(), names, hub=False, min_result=min_result, suite=options.suite)
    try:
        match = session.run(PROTOCOL, at_spoke(steps), own.parameters, max_message(own.items.count))
    except errors.PeerFailed as error:
        # The hub, which ended first, may have stopped over the verdict that all have.
        if error.peer_code != errors.ResultTooSmall.code:
            raise
        session.disclose(f"{session.peer} said that all share fewer than {min_result} identifiers")
        raise _too_small(min_result) from None
    _record(session, match, min_result)
    return _result(own.items, match, min_result)


# --- the hub's side ----------------------------------------------------------------------------------------


class _Queues:
    """Messages between members; implements :class:`isthmus.protocol.psi_star_relay.Exchange`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[tuple[int, int], deque[Message]] = {}
        self._stopped = False

    def put(self, sender: int, to: int, message: Message) -> None:
        """Add a message."""
        with self._changed:
            self._queues.setdefault((sender, to), deque()).append(message)
            self._changed.notify_all()

    def get(self, sender: int, to: int) -> Any:
        """Return the next message or, after a moment, None; raises CancelledError once the run has failed."""
        with self._changed:
            queue = self._queues.setdefault((sender, to), deque())
            self._changed.wait_for(lambda: queue or self._stopped, _POLL_SECONDS)
            if self._stopped:
                raise errors.CancelledError("the run with the other parties has failed")
            return queue.popleft() if queue else None

    def stop(self) -> None:
        """Wake everyone who waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class _HubRun:
    """One thread for each spoke's session; the hub's own part runs in the caller's."""

    def __init__(self, sessions: Sequence[Session], own: _Own, suite: PsiSuite) -> None:
        self._sessions = sessions
        self._parameters = own.parameters
        self._max_message = max_message(own.items.count)
        self._suite = suite
        self._queues = _Queues()
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
                self._queues.put(HUB, step.member, step.message)
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


def _check_sessions(sessions: Sequence[Session]) -> None:
    peers = {session.peer for session in sessions}
    if not 2 <= len(sessions) < MAX_MEMBERS:
        raise errors.InvalidArgument(f"a hub needs sessions with 2 to {MAX_MEMBERS - 1} peers")
    if len(peers) < len(sessions) or len({session.party for session in sessions}) > 1:
        raise errors.InvalidArgument("the sessions of a hub are of one party, each with another peer")


# --- what both sides do ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Options:
    duplicates: Duplicates
    min_result: int
    normalize: Normalize
    suite: PsiSuite

    def __post_init__(self) -> None:
        if self.duplicates not in get_args(Duplicates) or self.min_result < 0:
            raise errors.InvalidArgument("duplicates or min_result is none of the documented values")


@dataclass(frozen=True)
class _Own:
    """This party's items, and what all parties must agree on before any is hashed."""

    items: OwnItems
    parameters: Mapping[str, Any]


def _read(session: Session, ids: Any, options: _Options) -> _Own:
    source = IdSource(ids, options.normalize)

    def on_rows(done: int) -> None:
        session.report(Progress("read", done, max(source.total_rows or 0, done)))

    own = read_items(source, SecretSeed(), Workspace(), on_rows)
    check_items(own, options.duplicates, options.min_result, source.first_row)
    parameters = {
        "key": source.kinds,
        "min_result": options.min_result,
        "normalize": [str(rule) for rule in source.rules],
        "suite": options.suite.identifier,
    }
    return _Own(own, parameters)


def _result(own: OwnItems, match: StarMatch, min_result: int) -> StarResult:
    if match.size is None:
        raise _too_small(min_result)
    rows = None if match.positions is None else np.sort(own.rows(match.positions.astype(np.uint64)))
    repeated = own.summary.total_rows - own.count
    return StarResult(rows, match.size, match.counts, repeated, match.code)


def _too_small(min_result: int) -> errors.ResultTooSmall:
    return errors.ResultTooSmall(f"the intersection holds fewer than the agreed minimum of {min_result}")


def _record(session: Session, match: StarMatch, min_result: int) -> None:
    """Write what each party learned into the audit record before anything is released."""
    names = list(match.counts)
    counts = ", ".join(f"{name} {count}" for name, count in match.counts.items())
    session.disclose(f"all parties of run {match.code} learned how many identifiers each has: {counts}")
    session.disclose(f"{names[-1]} could learn how many identifiers any of them share")
    session.disclose(f"{names[-1]} could learn which of its own {names[0]} has, if it breaks the protocol")
    if match.size is None:
        session.disclose(f"all learned that they share fewer than {min_result} identifiers")
        return
    session.disclose(f"all learned that they share {match.size} identifiers")
    session.disclose(f"{names[HUB]} learned which of its identifiers all have")
