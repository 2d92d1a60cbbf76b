"""A session: drives protocols over a channel that is authenticated and agreed on.

For each job the parties exchange a JobStart (protocol, version, parameters) and compare; then each drives its
own generator of steps; then they exchange a JobEnd with the digests of all data sent and received, and only
if these agree does :meth:`Session.run` return the result.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from google.protobuf.message import Message

from isthmus.errors import (
    CancelledError,
    InvalidArgument,
    IsthmusError,
    NoCommonSuite,
    ParameterMismatch,
    PeerGone,
    PeerTruncated,
    ProtocolState,
    StorageError,
    TranscriptError,
    VersionError,
)
from isthmus.party.audit import AuditTrail, Record
from isthmus.party.channel.base import Channel, Counters
from isthmus.party.decode import parse
from isthmus.party.disclosure import public_code
from isthmus.party.handshake import Agreement, Proposal, handshake
from isthmus.party.link import Link
from isthmus.party.stages import Pace, StageClock, StageReport
from isthmus.party.wire.link_pb2 import JobEnd, JobStart
from isthmus.protocol.machine import Progress, Receive, Send, Step, Steps

log = logging.getLogger(__name__)

T = TypeVar("T")

_PROTOCOL_NAME = re.compile(r"([a-z0-9][a-z0-9_.-]{0,62})/([0-9]{1,4})")
_MAX_PARAMETERS_BYTES = 1 << 16
_MAX_ENVELOPE_BYTES = _MAX_PARAMETERS_BYTES + 1024
_RETRY_SECONDS = 0.2
_POLL_SECONDS = 0.1


class Session:
    """A conversation with one peer, in which any number of jobs run one after the other.

    ``party`` and ``peer`` are the names, ``job`` the name that both gave to the session. ``on_progress`` is
    called with every :class:`~isthmus.protocol.machine.Progress` of the running protocol. ``stages`` says
    what each stage cost, ``audit`` what was run and disclosed, ``jobs_finished`` how many jobs came to their
    end.

    Any error ends the session for both parties: this side raises it, the other side gets :class:`PeerFailed`
    with a public code, and nothing of the job is returned on either side. A lost connection too: whoever can
    go on where a job stopped calls :meth:`reconnect`, for which ``reopen`` makes another channel to the same
    peer. Use a session as a context manager, in one thread; only :meth:`cancel` may come from another.
    """

    def __init__(
        self,
        channel: Channel,
        proposal: Proposal,
        *,
        audit_file: Path | None = None,
        reopen: Callable[[], Channel] | None = None,
    ) -> None:
        try:
            self._trail = AuditTrail(audit_file, job=proposal.job, party=proposal.party, peer=proposal.peer)
        except BaseException:
            channel.close()  # or the peer would wait for a handshake
            raise
        self._proposal = proposal
        self._reopen = reopen
        self._past = Counters()
        self._closed = False
        self._cancelled = threading.Event()
        self.party = proposal.party
        self.peer = proposal.peer
        self.job = proposal.job
        self.on_progress: Callable[[Progress], None] | None = None
        self.stages: list[StageReport] = []
        self.jobs_finished = 0
        self._pace = Pace()
        try:
            self._use(channel, handshake(channel, proposal))
        except IsthmusError as error:
            self._trail.add("refused", code=error.code)
            raise

    def __repr__(self) -> str:
        return f"Session(party={self.party!r}, peer={self.peer!r}, job={self.job!r})"

    @property
    def audit(self) -> list[Record]:
        """What was run, how it ended and what was disclosed, in order."""
        return self._trail.records

    @property
    def counters(self) -> Counters:
        """Bytes and frames that crossed, headers and heartbeats included, over all connections."""
        return self._past + self._channel.counters

    def derive_key(self, purpose: bytes, salt: bytes) -> bytes:
        """Return 32 secret bytes that only this party can derive, from its private key.

        Raises InvalidArgument for a party that has none, as between threads of one process.
        """
        if self._proposal.credentials is None:
            raise InvalidArgument("this session's party has no private key to seal a state with")
        return self._proposal.credentials.derive_key(purpose, salt)

    def report(self, progress: Progress) -> None:
        """Tell ``on_progress``, with the rate so far and the time left."""
        if self.on_progress is not None:
            self.on_progress(self._pace.judge(progress))

    def disclose(self, statement: str) -> None:
        """Record what a party learned, such as ``"fund learned which of its rows are shared"``.

        Raises StorageError when an audit file is configured and cannot be written; release nothing then.
        """
        self._trail.add("disclosure", statement=statement)

    def run(
        self,
        protocol: str,
        steps: Steps[T],
        parameters: Mapping[str, Any] | None = None,
        max_message: int | None = None,
    ) -> T:
        """Run one protocol with the peer, who must start the same one, and return its result.

        ``protocol`` is ``"name/version"``. ``parameters`` are public and JSON-serialisable; both parties must
        give equal ones. ``"suite"`` and ``"key_bits"`` among them are held against what the handshake agreed
        on. ``max_message`` is the longest message of the peer's that the protocol has use for, in bytes; what
        the limits allow, if None.

        Raises whatever ended the job; the session is over then.
        """
        clock = StageClock(protocol)
        try:
            self._trail.add("job started", protocol=protocol)
            largest = self._proposal.limits.max_message
            # The peer sends nothing of the job before it has this party's JobStart.
            self._reader.max_message = largest if max_message is None else min(largest, max_message)
            self._start(protocol, dict(parameters or {}))
            result = self._drive(steps, clock)
            self._finish()
            self._trail.add("job finished", protocol=protocol)
            self.jobs_finished += 1
            return result
        except BaseException as error:
            steps.close()
            self._abort(error)
            raise
        finally:
            self.stages.extend(clock.reports)

    @property
    def can_reconnect(self) -> bool:
        """Whether the session knows how, and the peer has not said goodbye."""
        return self._reopen is not None and not self._link.left_in_order

    def reconnect(self) -> None:
        """Meet the peer again after the connection was lost, for up to ``connect_seconds``.

        Raises DeadlineError when the peer does not come back in time, CancelledError after :meth:`cancel`,
        and whatever ends the handshake.
        """
        if self._reopen is None or not self.can_reconnect:
            raise InvalidArgument("this session cannot be connected again")
        log.warning("session %s: the connection was lost; waiting for %s", self.session_id[:8], self.peer)
        past = self.counters
        deadline = time.monotonic() + self._proposal.limits.connect_seconds
        while True:
            try:
                self._use(*self._meet_again(self._reopen))
                break
            except (PeerGone, PeerTruncated):
                # The peer may not have noticed yet that the old connection is gone.
                if time.monotonic() > deadline:
                    raise
                self._cancelled.wait(_RETRY_SECONDS)
        if self._cancelled.is_set():
            self._link.cancel()
        self._past = past
        self._trail.add("reconnected")

    def cancel(self) -> None:
        """End the session on both sides with CancelledError; may be called from any thread."""
        self._cancelled.set()
        self._link.cancel()

    def close(self) -> None:
        """Say goodbye and release the connection; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._link.close()
            self._link.join()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._abort(error)
        self.close()

    def _meet_again(self, reopen: Callable[[], Channel]) -> tuple[Channel, Agreement]:
        """Agree with the peer on a fresh channel, in a thread: cancel() waits for neither of them."""
        meeting: Future[tuple[Channel, Agreement]] = Future()

        def meet() -> None:
            try:
                channel = reopen()
                found = channel, handshake(channel, self._proposal)
            except BaseException as error:
                with suppress(InvalidStateError):
                    meeting.set_exception(error)
                return
            try:
                meeting.set_result(found)
            except InvalidStateError:  # nobody waits for it any more
                channel.close()

        threading.Thread(target=meet, name="isthmus-meeting", daemon=True).start()
        try:
            while not wait([meeting], _POLL_SECONDS).done:
                if self._cancelled.is_set():
                    raise CancelledError("this party cancelled")
            return meeting.result()
        except BaseException:
            if not meeting.cancel() and meeting.exception() is None:
                meeting.result()[0].close()
            raise

    def _use(self, channel: Channel, agreement: Agreement) -> None:
        """Send and receive through this channel from now on."""
        self.session_id = agreement.session_id.hex()
        self.suites = agreement.suites
        self.min_key_bits = agreement.min_key_bits
        self._channel = channel
        self._reader = agreement.reader
        self._reader.max_message = _MAX_ENVELOPE_BYTES
        self._link = Link(
            channel, agreement.writer, agreement.reader, self._proposal.limits, agreement.peer_limits
        )
        self._closed = False
        self._received_digest = b""
        self._trail.context["session"] = self.session_id
        log.info("session %s: %s with %s, job %s", self.session_id[:8], self.party, self.peer, self.job)

    # --- one job -------------------------------------------------------------------------------------------

    def _start(self, protocol: str, parameters: dict[str, Any]) -> None:
        match = _PROTOCOL_NAME.fullmatch(protocol)
        if match is None:
            raise InvalidArgument("protocol must be 'name/version', such as 'psi_ecdh/1'")
        self._check_policy(parameters)
        text = _canonical(parameters)
        self._send(JobStart(protocol=protocol, parameters=text))
        theirs = self._receive((JobStart,))[0]
        other = _PROTOCOL_NAME.fullmatch(theirs.protocol)
        if other is None or other[1] != match[1]:
            raise ParameterMismatch("the parties differ in: protocol")
        if other[2] != match[2]:
            raise VersionError(
                f"this party runs version {match[2]} of {match[1]}, the peer version {other[2]}"
            )
        if theirs.parameters != text:
            raise ParameterMismatch(
                f"the parties differ in: {', '.join(_differing(text, theirs.parameters))}"
            )

    def _check_policy(self, parameters: dict[str, Any]) -> None:
        suite, key_bits = parameters.get("suite"), parameters.get("key_bits")
        if suite is not None and suite not in self.suites:
            raise NoCommonSuite(f"the session's suites are {list(self.suites)}")
        if key_bits is not None and not (isinstance(key_bits, int) and key_bits >= self.min_key_bits):
            raise NoCommonSuite(f"the session's shortest key has {self.min_key_bits} bits")

    def _drive(self, steps: Steps[T], clock: StageClock) -> T:
        answer: Message | None = None
        while True:
            try:
                step: Step = steps.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            self._link.check()
            answer = None
            if isinstance(step, Send):
                clock.sent(self._send(step.message))
            elif isinstance(step, Receive):
                if step.wait or self._link.has_message():
                    answer, size = self._receive(step.types)
                    clock.received(size)
            else:
                clock.enter(step.stage)
                self.report(step)

    def _finish(self) -> None:
        self._reader.max_message = _MAX_ENVELOPE_BYTES
        sent = self._link.sent_digest()
        self._send(JobEnd(sent=sent, received=self._received_digest))
        expected = self._received_digest
        theirs = self._receive((JobEnd,))[0]
        if theirs.sent != expected or theirs.received != sent:
            raise TranscriptError("the parties' records of the job differ")

    def _send(self, message: Message) -> int:
        payload = message.SerializeToString()
        self._link.send(message.DESCRIPTOR.full_name, payload)
        return len(payload)

    def _receive(self, kinds: tuple[type[Message], ...]) -> tuple[Any, int]:
        received = self._link.receive()
        for kind in kinds:
            if kind.DESCRIPTOR.full_name == received.type_name:
                self._received_digest = received.after
                return parse(kind, received.payload), len(received.payload)
        expected = " or ".join(kind.DESCRIPTOR.name for kind in kinds)
        raise ProtocolState(f"this state expects {expected}; the peer sent another message")

    def _abort(self, error: BaseException) -> None:
        """End the link because of ``error``; the first error to come here is the one the peer is told."""
        if self._closed:
            return
        self._closed = True
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)  # Ctrl-C, or being asked to terminate
        code = CancelledError.code if stopped else getattr(error, "code", type(error).__name__)
        log.warning("session %s: ended by %s", self.session_id[:8], code)
        if stopped:
            self._link.cancel()
        elif isinstance(error, IsthmusError):
            self._link.fail(error, public_code(error))
        else:
            self._link.fail(CancelledError("the session ended with an error"), public_code(error))
        self._link.join()
        try:
            self._trail.add("failed", code=code)
        except StorageError:  # the first error is the one to raise
            log.error("session %s: its end could not be audited", self.session_id[:8])


def _canonical(parameters: dict[str, Any]) -> str:
    try:
        text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"parameters must be JSON: {error}") from None
    if len(text) > _MAX_PARAMETERS_BYTES:
        raise InvalidArgument(f"parameters exceed {_MAX_PARAMETERS_BYTES} bytes")
    return text


def _differing(own: str, peer: str) -> list[str]:
    """Name the keys that differ, in ASCII: the peer's may hold what a terminal would obey."""
    try:
        theirs = json.loads(peer) if len(peer) <= _MAX_PARAMETERS_BYTES else None
    except (ValueError, RecursionError):
        theirs = None
    if not isinstance(theirs, dict):
        return ["parameters"]
    mine = json.loads(own)
    missing = object()
    keys = sorted(mine.keys() | theirs.keys())
    found = [key for key in keys if mine.get(key, missing) != theirs.get(key, missing)]
    return [ascii(key[:64])[1:-1] for key in found] or ["parameters"]
