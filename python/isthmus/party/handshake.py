"""The handshake: who the parties are, what both support, and that both saw the same conversation.

    both    -> Hello(versions, names, job, nonce, suites, minimum key, limits, certificate)
    session  = SHA-256(label || nonce_dialler || nonce_listener)
    both    -> Confirm(T, sign(label || direction || T)),  T = SHA-256(label || H(Hello_dialler) ||
    H(Hello_listener))

The signature is by the key of the certificate in Hello, whose public key must have the pinned fingerprint.
Nothing else moves before both Confirms are checked.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Protocol

from isthmus.errors import (
    IsthmusError,
    NoCommonSuite,
    NotAuthorised,
    ParameterMismatch,
    PeerFailed,
    PeerGone,
    ProtocolState,
    SessionError,
    TooLarge,
    TranscriptError,
    VersionError,
    class_for_code,
)
from isthmus.party.channel.base import Channel
from isthmus.party.decode import parse
from isthmus.party.frames import FrameReader, FrameWriter, Incoming, opposite
from isthmus.party.limits import PROTOCOL_VERSIONS, Limits
from isthmus.party.wire.link_pb2 import (
    CONFIRM,
    FAILURE,
    HELLO,
    Confirm,
    Direction,
    Failure,
    Hello,
    Kind,
)

_NONCE_BYTES = 32
_MIN_WINDOW = 4096
_MIN_DEADLINE_MILLISECONDS = 100


class Credentials(Protocol):
    """This party's certificate and the check of the peer's; see :mod:`isthmus.party.identity`."""

    @property
    def certificate_der(self) -> bytes:
        """This party's certificate."""

    def sign(self, data: bytes) -> bytes:
        """Sign with the certificate's key."""

    def derive_key(self, purpose: bytes, salt: bytes) -> bytes:
        """Return 32 secret bytes that only the holder of the certificate's key can derive."""

    def check_peer(self, certificate_der: bytes) -> None:
        """Raise TlsAuth or NotAuthorised unless this is the pinned peer's certificate."""

    def verify_peer(self, certificate_der: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the certificate's key made this signature."""


@dataclass(frozen=True)
class Agreement:
    """What the handshake settled."""

    session_id: bytes
    version: int
    suites: tuple[str, ...]
    min_key_bits: int
    peer_limits: Limits
    writer: FrameWriter
    reader: FrameReader


@dataclass(frozen=True)
class Proposal:
    """This party's side of the handshake. ``credentials`` is None only where no network is involved."""

    party: str
    peer: str
    job: str
    limits: Limits
    direction: Direction
    credentials: Credentials | None = None
    versions: tuple[int, ...] = PROTOCOL_VERSIONS

    def hello(self) -> Hello:
        """Return a Hello with a fresh nonce."""
        return Hello(
            versions=self.versions,
            party=self.party,
            peer=self.peer,
            job=self.job,
            nonce=secrets.token_bytes(_NONCE_BYTES),
            suites=self.limits.suites,
            min_key_bits=self.limits.min_key_bits,
            window_bytes=self.limits.window,
            max_message_bytes=self.limits.max_message,
            deadline_milliseconds=int(self.limits.deadline_seconds * 1000),
            certificate=self.credentials.certificate_der if self.credentials else b"",
        )


def handshake(channel: Channel, proposal: Proposal) -> Agreement:
    """Run the handshake on a fresh channel; on failure tell the peer why, close the channel and raise."""
    writer = FrameWriter(proposal.direction)
    try:
        return _Handshake(channel, proposal, writer).run()
    except PeerFailed:
        channel.close()
        raise
    except IsthmusError as error:
        _tell(channel, writer, error)
        channel.close()
        raise
    except BaseException:  # Ctrl-C, or a defect: the peer must not wait for its deadline
        channel.close()
        raise


def _tell(channel: Channel, writer: FrameWriter, error: IsthmusError) -> None:
    try:
        channel.send(writer.write(FAILURE, Failure(code=error.code).SerializeToString()))
    except IsthmusError:
        return  # the peer has gone; it needs no telling


class _Handshake:
    def __init__(self, channel: Channel, proposal: Proposal, writer: FrameWriter) -> None:
        self._channel = channel
        self._mine = proposal
        self._writer = writer
        self._reader = FrameReader(opposite(proposal.direction), proposal.limits.max_message)

    def run(self) -> Agreement:
        own = self._mine.hello().SerializeToString()
        self._send(HELLO, own)
        received = self._expect(HELLO).payload
        hello = parse(Hello, received, allow_unknown=True)
        session_id = self._bind(parse(Hello, own), hello)
        # The certificate decides first: an outsider learns nothing of what this party supports.
        if self._mine.credentials is not None:
            self._mine.credentials.check_peer(hello.certificate)
        version = self._common_version(hello)
        hello = parse(Hello, received)
        self._check_names(hello)
        suites = self._common_suites(hello)
        self._confirm(own, received, hello)
        return Agreement(
            session_id=session_id,
            version=version,
            suites=suites,
            min_key_bits=max(self._mine.limits.min_key_bits, hello.min_key_bits),
            peer_limits=_peer_limits(hello),
            writer=self._writer,
            reader=self._reader,
        )

    def _send(self, kind: Kind, payload: bytes) -> None:
        try:
            self._channel.send(self._writer.write(kind, payload))
        except PeerGone:
            self._expect(kind)  # a peer that refused before it left has said why
            raise

    def _expect(self, kind: Kind) -> Incoming:
        frame = self._reader.read(self._channel.receive(self._mine.limits.deadline_seconds))
        if frame.kind == FAILURE:
            code = class_for_code(parse(Failure, frame.payload).code).code
            raise PeerFailed(f"the peer refused the session with {code}", peer_code=code)
        if frame.kind != kind:
            raise ProtocolState("the peer sent something else than its part of the handshake")
        return frame

    def _common_version(self, hello: Hello) -> int:
        common = set(self._mine.versions) & set(hello.versions)
        if not common:
            raise VersionError(
                f"this party speaks session versions {sorted(self._mine.versions)}, "
                f"the peer {sorted(hello.versions)}"
            )
        return max(common)

    def _check_names(self, hello: Hello) -> None:
        if (hello.party, hello.peer) != (self._mine.peer, self._mine.party):
            raise NotAuthorised("the peer's name, or whom it expects, is not what this party's file says")
        if hello.job != self._mine.job:
            raise ParameterMismatch("the parties differ in: job")
        if hello.window_bytes < _MIN_WINDOW or hello.deadline_milliseconds < _MIN_DEADLINE_MILLISECONDS:
            raise TooLarge("the peer's limits are too small to work with")

    def _common_suites(self, hello: Hello) -> tuple[str, ...]:
        common = tuple(suite for suite in self._mine.limits.suites if suite in hello.suites)
        if not common:
            raise NoCommonSuite(
                f"this party allows the suites {list(self._mine.limits.suites)}; the peer none of them"
            )
        return common

    def _bind(self, own: Hello, peer: Hello) -> bytes:
        # Before every other check, so that either side's refusal is a frame of the session. What this needs,
        # the nonce and the way the session is named, can therefore never change between versions.
        if len(peer.nonce) != _NONCE_BYTES:
            raise SessionError(f"the peer's nonce must have {_NONCE_BYTES} bytes")
        first, second = self._ordered(own.nonce, peer.nonce)
        if first == second:
            raise SessionError("the peer reflected this party's nonce")
        session_id = hashlib.sha256(b"isthmus session v1" + first + second).digest()
        self._writer.bind(session_id)
        self._reader.bind(session_id)
        return session_id

    def _ordered(self, own: bytes, peer: bytes) -> tuple[bytes, bytes]:
        return (own, peer) if self._mine.direction == Direction.FROM_DIALLER else (peer, own)

    def _confirm(self, own: bytes, received: bytes, hello: Hello) -> None:
        digests = self._ordered(hashlib.sha256(own).digest(), hashlib.sha256(received).digest())
        transcript = hashlib.sha256(b"isthmus handshake v1" + b"".join(digests)).digest()
        mine = Confirm(transcript=transcript)
        if self._mine.credentials is not None:
            mine.signature = self._mine.credentials.sign(_signed(self._mine.direction, transcript))
        self._send(CONFIRM, mine.SerializeToString())
        theirs = parse(Confirm, self._expect(CONFIRM).payload)
        if theirs.transcript != transcript:
            raise TranscriptError("the parties saw different handshakes")
        if self._mine.credentials is not None and not self._mine.credentials.verify_peer(
            hello.certificate, theirs.signature, _signed(opposite(self._mine.direction), transcript)
        ):
            raise TranscriptError("the peer's signature over the handshake is wrong")


def _signed(direction: Direction, transcript: bytes) -> bytes:
    return b"isthmus confirm v1" + bytes([direction]) + transcript


def _peer_limits(hello: Hello) -> Limits:
    return Limits(
        max_message=hello.max_message_bytes,
        window=hello.window_bytes,
        deadline_seconds=hello.deadline_milliseconds / 1000,
        min_key_bits=hello.min_key_bits,
        suites=tuple(hello.suites),
    )
