"""A link: whole messages over one channel, with flow control, heartbeats and prompt endings.

Two threads serve a link. The reader always reads, so that heartbeats, cancellations and failures arrive at
once; what keeps its memory bounded is credit: the peer may send only as much data as it was allowed. The
writer is the only place that writes frames; it puts control frames before data and a heartbeat into every
silence.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from isthmus.errors import (
    CancelledError,
    DeadlineError,
    IsthmusError,
    PeerFailed,
    PeerGone,
    PeerSilent,
    PeerTruncated,
    ProtocolState,
    TooLarge,
    class_for_code,
)
from isthmus.party.channel.base import Channel
from isthmus.party.decode import parse
from isthmus.party.frames import FrameReader, FrameWriter, Incoming, Message
from isthmus.party.limits import CHUNK_BYTES, FRAME_COST, Limits
from isthmus.party.wire.link_pb2 import (
    CANCEL,
    CLOSE,
    CREDIT,
    DATA,
    FAILURE,
    HEARTBEAT,
    Credit,
    Failure,
    Kind,
)

log = logging.getLogger(__name__)

_ENDINGS = (FAILURE, CANCEL, CLOSE)
_FLUSH_SECONDS = 2.0
_MIN_HEARTBEAT_SECONDS = 0.05
_MAX_HEARTBEAT_SECONDS = 5.0


class _Outgoing:
    """A message on its way out."""

    def __init__(self, type_name: str, payload: bytes) -> None:
        self.type_name = type_name
        self.total = len(payload)
        self.offset = 0
        self._view = memoryview(payload)

    def take(self, limit: int) -> bytes:
        chunk = bytes(self._view[self.offset : self.offset + min(limit, CHUNK_BYTES)])
        self.offset += len(chunk)
        return chunk


class Link:
    """Messages to and from one peer, after the handshake.

    ``peer_limits`` are those that the peer's Hello announced. Whoever waits in :meth:`send` or
    :meth:`receive` is woken with the error that ended the link.
    """

    def __init__(
        self, channel: Channel, writer: FrameWriter, reader: FrameReader, limits: Limits, peer_limits: Limits
    ) -> None:
        self._channel = channel
        self._writer = writer
        self._reader = reader
        self._limits = limits
        self._peer_limits = peer_limits
        self._heartbeat = min(
            max(peer_limits.deadline_seconds / 4, _MIN_HEARTBEAT_SECONDS), _MAX_HEARTBEAT_SECONDS
        )
        self._changed = threading.Condition()
        self._failure: IsthmusError | None = None
        self.left_in_order = False  # the peer has said goodbye
        self._ending = False  # an ending frame is queued; nothing may follow it
        self._written_ending = False
        self._writing = False
        # Outgoing.
        self._control: deque[tuple[Kind, bytes]] = deque()
        self._outbox: deque[_Outgoing] = deque()
        self._outbox_bytes = 0
        self._sent_cost = 0
        self._allowed = peer_limits.window
        self._waiting_to_send = False
        # Incoming.
        self._inbox: deque[Message] = deque()
        self._inbox_cost = 0
        self._received_cost = 0
        self._granted = limits.window
        self._threads = [
            threading.Thread(target=self._serve, args=(work,), name=f"isthmus-{name}", daemon=True)
            for name, work in (("reader", self._read_all), ("writer", self._write_all))
        ]
        for thread in self._threads:
            thread.start()

    # --- the session's side --------------------------------------------------------------------------------

    def send(self, type_name: str, payload: bytes) -> None:
        """Queue a message; waits while more than a window is queued."""
        if len(payload) > self._peer_limits.max_message:
            raise TooLarge(
                f"a message has {len(payload)} bytes; the peer takes {self._peer_limits.max_message}"
            )
        with self._changed:
            self._raise_if_ended()
            self._outbox.append(_Outgoing(type_name, payload))
            self._outbox_bytes += len(payload)
            self._changed.notify_all()
            if self._outbox_bytes > self._limits.window:
                self._wait_until_sent(self._limits.window)

    def receive(self) -> Message:
        """Return the peer's next message, waiting as long as the peer gives signs of life."""
        with self._changed:
            self._changed.wait_for(lambda: self._inbox or self._failure)
            self._raise_if_ended()
            message = self._inbox.popleft()
            self._inbox_cost -= _cost(message)
            self._grant()
            return message

    def has_message(self) -> bool:
        """Whether :meth:`receive` would return, or raise, at once."""
        with self._changed:
            return bool(self._inbox) or self._failure is not None

    def sent_digest(self) -> bytes:
        """Wait until everything is written; return the chain over all data sent."""
        with self._changed:
            self._wait_until_sent(0)
            return self._writer.data_digest

    def check(self) -> None:
        """Raise the error that ended the link, if it has ended."""
        with self._changed:
            self._raise_if_ended()

    def cancel(self) -> None:
        """Tell the peer that this party cancels, and end with CancelledError."""
        self._end(CancelledError("this party cancelled"), CANCEL)

    def fail(self, error: IsthmusError, code: str) -> None:
        """Tell the peer the public ``code``, and end with ``error``."""
        self._end(error, FAILURE, Failure(code=code).SerializeToString())

    def close(self) -> None:
        """Tell the peer that this party is done, after everything queued, and end."""
        with self._changed:
            self._changed.wait_for(lambda: self._drained(0) or self._failure is not None, _FLUSH_SECONDS)
        self._end(PeerGone("the session is closed"), CLOSE)

    def join(self) -> None:
        """Wait, briefly, until the last frame is out; then end the connection and both threads."""
        with self._changed:
            self._changed.wait_for(lambda: self._written_ending, _FLUSH_SECONDS)
        self._channel.close()
        for thread in self._threads:
            thread.join(_FLUSH_SECONDS)

    # --- waiting and ending (condition held) ---------------------------------------------------------------

    def _raise_if_ended(self) -> None:
        # What the peer sent before it closed in good order may still be read.
        if self._failure is not None and not (self._inbox and isinstance(self._failure, PeerGone)):
            raise self._failure

    def _drained(self, limit: int) -> bool:
        return self._outbox_bytes <= limit and not (limit == 0 and (self._outbox or self._writing))

    def _wait_until_sent(self, limit: int) -> None:
        """Wait until at most ``limit`` bytes are queued.

        While both parties send, neither reads; so this party then buffers more of what comes, up to its
        largest message. If that is not enough either, the two have sent at each other without end.
        """
        self._waiting_to_send = True
        self._grant()
        moved, since = self._sent_cost, time.monotonic()
        try:
            while not self._drained(limit) and self._failure is None:
                self._changed.wait(self._limits.deadline_seconds)
                if moved != self._sent_cost:
                    moved, since = self._sent_cost, time.monotonic()
                stuck = time.monotonic() - since >= self._limits.deadline_seconds
                if stuck and self._inbox_cost >= self._limits.max_message:
                    raise DeadlineError("both parties send and neither reads")
        finally:
            self._waiting_to_send = False
        if self._failure is not None:
            raise self._failure

    def _grant(self) -> None:
        """Allow the peer a window beyond what has arrived, less the whole messages that are still unread."""
        allowance = self._limits.window
        if self._waiting_to_send:
            allowance = max(allowance, self._limits.max_message)
        target = self._received_cost + allowance - self._inbox_cost
        if target - self._granted >= self._limits.window // 4:
            self._granted = target
            self._control.append((CREDIT, Credit(allowed=target).SerializeToString()))
            self._changed.notify_all()

    def _end(self, error: IsthmusError, kind: Kind, payload: bytes = b"") -> None:
        with self._changed:
            if not self._ending:
                self._ending = True
                self._control.append((kind, payload))
            if self._failure is None:
                self._failure = error
            self._changed.notify_all()

    def _peer_ended(self, error: IsthmusError) -> None:
        with self._changed:
            self._ending = self._written_ending = True  # nobody is left to read a last frame
            self._control.clear()
            if self._failure is None:
                self._failure = error
            self._changed.notify_all()

    def _serve(self, work: Callable[[], None]) -> None:
        """Run one thread of the link; a bug in it ends the link rather than leave the session waiting."""
        try:
            work()
        except Exception as error:
            self.fail(IsthmusError(f"the link stopped: {type(error).__name__}"), IsthmusError.code)
            raise

    # --- reader thread -------------------------------------------------------------------------------------

    def _read_all(self) -> None:
        try:
            while self._take(self._reader.read(self._channel.receive(self._limits.deadline_seconds))):
                pass
        except DeadlineError as error:
            # What would carry a last frame to the peer is as dead as what should have brought its heartbeats.
            self._peer_ended(PeerSilent(error.args[0]))
        except PeerGone as error:
            cut = PeerTruncated("the peer's stream ended in the middle of a message")
            self._peer_ended(cut if self._reader.mid_message else error)
        except IsthmusError as error:
            self.fail(error, error.code)

    def _take(self, frame: Incoming) -> bool:
        """Act on a checked frame; return whether more may follow."""
        if frame.kind == DATA:
            self._take_data(frame)
        elif frame.kind == CREDIT:
            allowed = parse(Credit, frame.payload).allowed
            with self._changed:
                self._allowed = max(self._allowed, allowed)
                self._changed.notify_all()
        elif frame.kind == FAILURE:
            code = class_for_code(parse(Failure, frame.payload).code).code
            self._peer_ended(PeerFailed(f"the peer stopped with {code}", peer_code=code))
        elif frame.kind == CANCEL:
            self._peer_ended(CancelledError("the peer cancelled"))
        elif frame.kind == CLOSE:
            self.left_in_order = True
            self._peer_ended(PeerGone("the peer closed the session"))
        elif frame.kind != HEARTBEAT:
            raise ProtocolState("a frame of an unknown kind arrived")
        return frame.kind not in _ENDINGS

    def _take_data(self, frame: Incoming) -> None:
        cost = len(frame.payload) + FRAME_COST
        with self._changed:
            if self._received_cost + cost > self._granted:
                raise TooLarge("the peer sent more than it was allowed to")
            self._received_cost += cost
            message = self._reader.assemble(frame.payload)
            if message is not None:
                self._inbox.append(message)
                self._inbox_cost += _cost(message)
                self._changed.notify_all()
            self._grant()

    # --- writer thread -------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        write: Callable[[], None] | None
        try:
            while (write := self._next_frame()) is not None:
                write()
                with self._changed:
                    self._writing = False
                    self._changed.notify_all()
        except IsthmusError as error:
            # The reader usually knows better why the peer went; it ends the link when it has read everything.
            with self._changed:
                self._changed.wait_for(lambda: self._failure is not None, _FLUSH_SECONDS)
            self._peer_ended(error)
        with self._changed:
            self._written_ending = True
            self._changed.notify_all()

    def _next_frame(self) -> Callable[[], None] | None:
        """Wait for something to write; None once an ending was written or the peer has ended."""
        with self._changed:
            self._changed.wait_for(self._has_work, self._heartbeat)
            if self._control:
                kind, payload = self._control.popleft()
                return lambda: self._write(kind, payload)
            if self._ending:
                return None
            if self._outbox and self._room() > 0:
                self._writing = True
                return self._next_chunk(self._room())
            return lambda: self._write(HEARTBEAT, b"")

    def _has_work(self) -> bool:
        return bool(self._control or self._ending or (self._outbox and self._room() > 0))

    def _room(self) -> int:
        return self._allowed - self._sent_cost - FRAME_COST

    def _next_chunk(self, room: int) -> Callable[[], None]:
        message = self._outbox[0]
        offset = message.offset
        chunk = message.take(room)
        if message.offset == message.total:
            self._outbox.popleft()
        self._outbox_bytes -= len(chunk)
        self._sent_cost += len(chunk) + FRAME_COST
        return lambda: self._channel.send(
            self._writer.write(DATA, chunk, type_name=message.type_name, total=message.total, offset=offset)
        )

    def _write(self, kind: Kind, payload: bytes) -> None:
        self._channel.send(self._writer.write(kind, payload))


def _cost(message: Message) -> int:
    return len(message.payload) + FRAME_COST
