"""Runs two halves of a protocol against each other, over any transport, with or without a cut.

Every protocol's tests use this: once in memory, once over gRPC with mutual TLS, and with the connection cut
after each message (:func:`assert_clean_when_cut`).
"""

from __future__ import annotations

import atexit
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from isthmus.errors import PeerGone, PeerTruncated
from isthmus.party.certificates import Authority
from isthmus.party.channel import Channel, memory_pair
from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.handshake import Proposal
from isthmus.party.identity import Identity
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import DATA, FROM_DIALLER, FROM_LISTENER, Frame
from isthmus.protocol.machine import Steps

TRANSPORTS = ("memory", "grpc")
NAMES = ("alpha", "beta")
PATIENT_SECONDS = 30.0
"""For what comes at once on an idle machine, and must not fail a test on a busy one."""
QUICK = Limits(deadline_seconds=15.0, connect_seconds=5.0)


@dataclass
class Outcome:
    """How one party's run ended."""

    result: Any = None
    error: BaseException | None = None
    session: Session | None = None


@dataclass
class Cut:
    """Counts whole messages that pass one end, both ways, and cuts the connection after ``after``."""

    after: int | None
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, data: bytes) -> bool:
        frame = Frame.FromString(data)
        if frame.kind != DATA or frame.offset + len(frame.payload) < frame.total_length:
            return False
        with self.lock:
            self.seen += 1
            return self.seen == self.after


class CutChannel(Channel):
    """Passes everything on until the cut, then drops the connection without a word."""

    def __init__(self, inner: Channel, cut: Cut) -> None:
        self.counters = inner.counters
        self._inner = inner
        self._cut = cut

    def send(self, data: bytes) -> None:
        self._inner.send(data)
        if self._cut.passes(data):
            self.drop()

    def receive(self, timeout: float) -> bytes:
        data = self._inner.receive(timeout)
        if self._cut.seen == self._cut.after:
            raise PeerGone("what was under way when the connection was cut is lost")
        if self._cut.passes(data):
            self.drop()
        return data

    def drop(self) -> None:
        call = getattr(self._inner, "_call", None)
        if call is not None:
            call.cancel()
        self._inner.close()

    def close(self) -> None:
        self._inner.close()


@lru_cache(maxsize=1)
def credentials() -> dict[str, Identity]:
    """Identities of the two parties, made once per test run."""
    folder = tempfile.TemporaryDirectory(prefix="isthmus-test-")
    atexit.register(folder.cleanup)
    return make_identities(Path(folder.name), Authority())


def make_identities(folder: Path, authority: Authority) -> dict[str, Identity]:
    """Make one identity per party, each pinned to the other."""
    authority.write_certificate(folder / "ca.crt")
    pins = {name: authority.issue(folder, name) for name in NAMES}
    return {
        name: Identity(
            name=name,
            certificate_path=folder / f"{name}.crt",
            private_key_path=folder / f"{name}.key",
            authority_path=folder / "ca.crt",
            peer_name=peer,
            peer_fingerprint=pins[peer],
        )
        for name, peer in zip(NAMES, reversed(NAMES), strict=True)
    }


@contextmanager
def open_channels(transport: str) -> Iterator[tuple[Channel, Channel]]:
    """Return both ends of a new connection: the dialling one first."""
    if transport == "memory":
        yield memory_pair()
        return
    identities = credentials()
    listener = Listener("127.0.0.1:0", identities["beta"])
    try:
        dialled = dial(f"127.0.0.1:{listener.port}", identities["alpha"], PATIENT_SECONDS)
        yield dialled, listener.accept(PATIENT_SECONDS)
    finally:
        listener.close()


def proposals(transport: str, limits: Limits = QUICK) -> tuple[Proposal, Proposal]:
    """Return both parties' sides of the handshake."""
    first, second = NAMES
    known: Mapping[str, Identity] = credentials() if transport == "grpc" else {}
    return (
        Proposal(first, second, "test", limits, FROM_DIALLER, known.get(first)),
        Proposal(second, first, "test", limits, FROM_LISTENER, known.get(second)),
    )


def run_sessions(
    first: Callable[[Session], Any],
    second: Callable[[Session], Any],
    *,
    transport: str = "memory",
    cut_after: int | None = None,
    limits: Limits = QUICK,
) -> tuple[Outcome, Outcome]:
    """Run two functions of a session; the connection is cut after ``cut_after`` messages, if given."""
    outcomes = Outcome(), Outcome()

    def work(
        outcome: Outcome, function: Callable[[Session], Any], channel: Channel, proposal: Proposal
    ) -> None:
        try:
            with Session(channel, proposal) as session:
                outcome.session = session
                outcome.result = function(session)
        except BaseException as error:
            outcome.error = error

    with open_channels(transport) as (dialled, accepted):
        ends = (CutChannel(dialled, Cut(cut_after)), accepted)
        threads = [
            threading.Thread(target=work, args=arguments, daemon=True)
            for arguments in zip(outcomes, (first, second), ends, proposals(transport, limits), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a party hangs"
    return outcomes


def run_pair(
    steps_a: Steps[Any],
    steps_b: Steps[Any],
    *,
    channel: str = "memory",
    cut_after: int | None = None,
    protocol: str = "toy/1",
    parameters: Mapping[str, Any] | None = None,
    limits: Limits = QUICK,
) -> tuple[Outcome, Outcome]:
    """Run two halves of one protocol; return how each ended."""
    return run_sessions(
        lambda session: session.run(protocol, steps_a, parameters),
        lambda session: session.run(protocol, steps_b, parameters),
        transport=channel,
        cut_after=cut_after,
        limits=limits,
    )


def results(*outcomes: Outcome) -> list[Any]:
    """Return the results; raise the first error if there is one."""
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return [outcome.result for outcome in outcomes]


def assert_clean_when_cut(
    make_a: Callable[[], Steps[Any]], make_b: Callable[[], Steps[Any]], *, channel: str = "memory"
) -> int:
    """Cut the connection after each message in turn; return how many messages there were.

    Each side must end with PeerGone or PeerTruncated and return nothing. Only before the very last message
    may a side end content: nobody can know whether a last message arrives, and it may be on its way already.
    """
    whole = run_pair(make_a(), make_b(), channel=channel)
    results(*whole)
    session = whole[0].session
    assert session is not None
    # The envelope adds a JobStart and a JobEnd from each side to the protocol's own messages.
    messages = sum(stage.messages for stage in session.stages) + 4
    for k in range(1, messages):
        outcomes = run_pair(make_a(), make_b(), channel=channel, cut_after=k)
        failed = [o for o in outcomes if o.error is not None]
        assert all(isinstance(o.error, PeerGone | PeerTruncated) for o in failed), (k, outcomes)
        assert len(failed) == 2 or k == messages - 1, (k, outcomes)
        assert all(o.result is None for o in failed)
    return messages
