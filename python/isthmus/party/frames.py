"""Frames: how messages are cut, numbered, chained and put together again. Pure functions of bytes, no I/O.

Each direction keeps two hash chains. With ``d_i = SHA-256(header_i || payload_i)``::

    chain_i = SHA-256(chain_{i-1} || d_i)     over every frame, carried in the frame and checked on arrival
    data_j  = SHA-256(data_{j-1} || d_i)      over DATA frames alone, compared by both parties when a job ends

The chains prove that both parties saw the same conversation; that nobody else wrote it is TLS's part.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from isthmus.errors import (
    DecodeError,
    ProtocolState,
    ReplayError,
    SequenceError,
    SessionError,
    TooLarge,
    TranscriptError,
)
from isthmus.party.decode import parse
from isthmus.party.limits import CHUNK_BYTES, MAX_FRAME_BYTES
from isthmus.party.wire.link_pb2 import (
    DATA,
    FROM_DIALLER,
    FROM_LISTENER,
    HELLO,
    Direction,
    Frame,
    Kind,
)

_HEADER = struct.Struct(">BQBHQQI")
_MAX_TYPE_NAME = 128


@dataclass(frozen=True)
class Message:
    """One whole message; ``before`` is the data chain of its direction before it, ``after`` with it."""

    type_name: str
    payload: bytes
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Incoming:
    """A checked frame; the payload is taken once, since a protobuf bytes field copies itself on access."""

    kind: Kind
    payload: bytes


def opposite(direction: Direction) -> Direction:
    """Return the other party's direction."""
    return FROM_LISTENER if direction == FROM_DIALLER else FROM_DIALLER


def _digest(frame: Frame, payload: bytes) -> bytes:
    name = frame.message_type.encode()
    header = _HEADER.pack(
        frame.direction,
        frame.sequence,
        frame.kind,
        len(name),
        frame.total_length,
        frame.offset,
        len(payload),
    )
    digest = hashlib.sha256(header + name)
    digest.update(payload)
    return digest.digest()


class _Chain:
    """Sequence number and hash chains of one direction."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.session_id = b""
        self.sequence = 0
        self.data = b""
        self._value = hashlib.sha256(b"isthmus frames v1" + bytes([direction])).digest()

    def bind(self, session_id: bytes) -> None:
        """Tie all later frames to the session."""
        self.session_id = session_id
        self._value = hashlib.sha256(self._value + session_id).digest()
        self.data = self._value

    def extended(self, digest: bytes) -> bytes:
        return hashlib.sha256(self._value + digest).digest()

    def advance(self, value: bytes, digest: bytes, is_data: bool) -> None:
        self._value = value
        self.sequence += 1
        if is_data:
            self.data = hashlib.sha256(self.data + digest).digest()


class FrameWriter:
    """Turns payloads into this direction's frames."""

    def __init__(self, direction: Direction) -> None:
        self._chain = _Chain(direction)

    def bind(self, session_id: bytes) -> None:
        """Enter the session that the handshake agreed on."""
        self._chain.bind(session_id)

    @property
    def data_digest(self) -> bytes:
        """The chain over all DATA frames written so far."""
        return self._chain.data

    def write(
        self,
        kind: Kind,
        payload: bytes = b"",
        *,
        type_name: str = "",
        total: int | None = None,
        offset: int = 0,
    ) -> bytes:
        """Return the next frame, serialised."""
        frame = Frame(
            session_id=self._chain.session_id,
            direction=self._chain.direction,
            sequence=self._chain.sequence,
            kind=kind,
            message_type=type_name,
            total_length=len(payload) if total is None else total,
            offset=offset,
            payload=payload,
        )
        digest = _digest(frame, payload)
        frame.transcript = self._chain.extended(digest)
        self._chain.advance(frame.transcript, digest, kind == DATA)
        return frame.SerializeToString()


class FrameReader:
    """Checks the peer's frames and assembles its messages.

    A frame that fails a check changes nothing and ends the session: errors here are never repaired.
    ``max_message`` bounds what a message may declare; it can be set while frames arrive.
    """

    def __init__(self, direction: Direction, max_message: int) -> None:
        self._chain = _Chain(direction)
        self.max_message = max_message
        self._parts: list[bytes] = []
        self._received = 0
        self._total = 0
        self._type_name = ""
        self._before = b""

    def bind(self, session_id: bytes) -> None:
        """Enter the session that the handshake agreed on."""
        self._chain.bind(session_id)

    @property
    def mid_message(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._parts)

    def read(self, data: bytes) -> Incoming:
        """Parse and check one frame: size, form, session, direction, sequence, transcript, in this order."""
        if len(data) > MAX_FRAME_BYTES:
            raise TooLarge(f"a frame has {len(data)} bytes; the limit is {MAX_FRAME_BYTES}")
        frame = parse(Frame, data)
        payload = frame.payload
        if len(payload) > CHUNK_BYTES or len(frame.message_type) > _MAX_TYPE_NAME:
            raise TooLarge("a frame's payload or type name exceeds its limit")
        if frame.direction != self._chain.direction:
            raise SessionError("a frame has the wrong direction")
        # Only the first frame may come without a session: the handshake has not named one yet.
        if frame.session_id != self._chain.session_id:
            raise SessionError("a frame belongs to another session")
        if frame.sequence < self._chain.sequence:
            raise ReplayError(f"frame {frame.sequence} arrived twice")
        if frame.sequence > self._chain.sequence:
            raise SequenceError(f"frame {self._chain.sequence} is missing; frame {frame.sequence} arrived")
        if (frame.kind == HELLO) != (frame.sequence == 0):
            raise ProtocolState("a session has exactly one handshake, at its start")
        digest = _digest(frame, payload)
        value = self._chain.extended(digest)
        if frame.transcript != value:
            raise TranscriptError("a frame does not continue the conversation that this party saw")
        before = self._chain.data
        if frame.kind == DATA:
            self._check_chunk(frame, len(payload), before)
        self._chain.advance(value, digest, frame.kind == DATA)
        return Incoming(frame.kind, payload)

    def _check_chunk(self, frame: Frame, size: int, before: bytes) -> None:
        if frame.total_length > self.max_message:
            raise TooLarge(f"a message declares {frame.total_length} bytes; the limit is {self.max_message}")
        if frame.offset + size > frame.total_length:
            raise TooLarge("a chunk reaches beyond its message")
        if frame.offset < self._received:
            raise TooLarge("a chunk overlaps the one before it")
        if frame.offset > self._received:
            raise SequenceError("a chunk is missing")
        if not self._parts:
            self._type_name, self._total, self._before = frame.message_type, frame.total_length, before
        elif (frame.message_type, frame.total_length) != (self._type_name, self._total):
            raise DecodeError("a message changes its type or length between chunks")
        if not size and frame.total_length:
            raise DecodeError("a chunk is empty")

    def assemble(self, chunk: bytes) -> Message | None:
        """Add the payload of a checked DATA frame; return the message if it is now whole."""
        self._parts.append(chunk)
        self._received += len(chunk)
        if self._received < self._total:
            return None
        payload = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._received = [], 0
        return Message(self._type_name, payload, self._before, self._chain.data)
