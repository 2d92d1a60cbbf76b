"""Fault cases 27 and 52: silence, trickles and cancellations; and that slow is not dead."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from isthmus import errors
from isthmus.party.channel import Channel
from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import Confirm, Credit
from isthmus.protocol.machine import Progress, Receive, Send, Steps, receive
from tests.fault.adversary import Adversary, attack
from tests.protocol.conformance import (
    PATIENT_SECONDS,
    TRANSPORTS,
    Outcome,
    credentials,
    proposals,
    results,
    run_pair,
    run_sessions,
)
from tests.protocol.toy import answer, ask

# Heartbeats come four times as often, so that a busy machine may stop a party for three quarters of this.
IMPATIENT = Limits(deadline_seconds=2.0)
UNHURRIED = Limits(deadline_seconds=240.0)  # a heartbeat a minute: what is sooner is not its doing


def _compute(seconds: float) -> Steps[None]:
    for i in range(int(seconds / 0.05)):
        yield Progress("compute", i, 0)
        time.sleep(0.05)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_case_27_silent_peer(transport: str) -> None:
    began = time.monotonic()
    victim, _ = attack(Adversary.start_job, answer(1), transport=transport, limits=IMPATIENT)
    assert type(victim.error) is errors.PeerSilent
    assert victim.result is None
    assert time.monotonic() - began < PATIENT_SECONDS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_peer_that_computes_is_not_silent(transport: str) -> None:
    def slow_answer() -> Steps[str]:
        yield from receive(Confirm)
        yield from _compute(3.0)
        yield Send(Credit())
        return "slow"

    assert results(*run_pair(ask(1), slow_answer(), channel=transport, limits=IMPATIENT)) == [0, "slow"]


def test_case_27_nobody_answers_or_speaks_tls() -> None:
    identity = credentials()["alpha"]
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(errors.DeadlineError):
        dial(f"127.0.0.1:{mute.getsockname()[1]}", identity, 0.6)
    with pytest.raises(errors.DeadlineError):
        dial("127.0.0.1:1", identity, 0.5)


def test_case_27_a_middleman_that_hangs_up_until_the_peer_is_there() -> None:
    """A load balancer accepts and closes while nobody listens behind it: the dialler tries again."""
    with _proxied(hang_ups=2) as (proxy, listener):
        dialled = dial(f"127.0.0.1:{proxy.port}", credentials()["alpha"], PATIENT_SECONDS)
        accepted = listener.accept(PATIENT_SECONDS)
        assert proxy.hang_ups == 0
        dialled.close()
        accepted.close()


def test_case_27_a_middleman_that_hangs_up_for_ever() -> None:
    with _proxied(hang_ups=sys.maxsize) as (proxy, _), pytest.raises(errors.DeadlineError):
        dial(f"127.0.0.1:{proxy.port}", credentials()["alpha"], 1.0)


def test_case_27_a_caller_that_never_shakes_hands() -> None:
    listener = Listener("127.0.0.1:0", credentials()["beta"])
    try:
        with (
            socket.create_connection(("127.0.0.1", listener.port)),
            pytest.raises(errors.DeadlineError),
        ):
            listener.accept(0.5)
    finally:
        listener.close()


class _Proxy:
    """Relays TCP to ``port`` until told to trickle (one byte a second) or to stall (half-open).

    The first ``hang_ups`` callers are not relayed: what they say is read and the connection closed.
    """

    def __init__(self, port: int, hang_ups: int) -> None:
        self.mode = "pass"
        self.hang_ups = hang_ups
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._target = port
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            if self.hang_ups:
                self.hang_ups -= 1
                with near, suppress(OSError):
                    near.recv(65536)  # reading first makes it an end of the stream, not a reset
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if self.mode == "pass":
                    sink.sendall(data)
                while self.mode == "trickle" and data:
                    sink.sendall(data[:1])
                    data = data[1:]
                    time.sleep(1.0)
        except OSError:
            pass
        if self.mode == "pass":
            sink.close()

    def close(self) -> None:
        self.mode = "closed"
        self._server.close()


@contextmanager
def _proxied(hang_ups: int = 0) -> Iterator[tuple[_Proxy, Listener]]:
    listener = Listener("127.0.0.1:0", credentials()["beta"])
    proxy = _Proxy(listener.port, hang_ups)
    try:
        yield proxy, listener
    finally:
        proxy.close()
        listener.close()


@pytest.mark.parametrize("mode", ["stall", "trickle"])
def test_case_27_half_open_and_one_byte_a_second(mode: str) -> None:
    outcomes = Outcome(), Outcome()
    mine, theirs = proposals("grpc", IMPATIENT)

    def asking(outcome: Outcome, proxy: _Proxy) -> None:
        try:
            channel = dial(f"127.0.0.1:{proxy.port}", credentials()["alpha"], PATIENT_SECONDS)
            with Session(channel, mine) as session:

                def steps() -> Steps[int]:
                    yield from ask(1)
                    proxy.mode = mode
                    return (yield from ask(1))

                outcome.result = session.run("toy/1", steps())
        except errors.IsthmusError as error:
            outcome.error = error

    with _proxied() as (proxy, listener):
        thread = threading.Thread(target=asking, args=(outcomes[0], proxy), daemon=True)
        thread.start()
        began = time.monotonic()
        accepted = listener.accept(PATIENT_SECONDS)
        with pytest.raises(errors.PeerSilent), Session(accepted, theirs) as session:
            session.run("toy/1", answer(2))
        thread.join(PATIENT_SECONDS)
        assert time.monotonic() - began < PATIENT_SECONDS
    assert type(outcomes[0].error) is errors.PeerSilent


def test_a_listener_takes_the_peer_back_while_its_old_connection_is_stuck() -> None:
    identities = credentials()
    listener = Listener("127.0.0.1:0", identities["beta"])
    address = f"127.0.0.1:{listener.port}"

    def flood(channel: Channel) -> None:
        with suppress(errors.PeerGone):
            while True:
                channel.send(bytes(1 << 20))

    try:
        first = dial(address, identities["alpha"], PATIENT_SECONDS)  # which reads nothing
        stuck = listener.accept(PATIENT_SECONDS)
        thread = threading.Thread(target=flood, args=(stuck,), daemon=True)
        thread.start()
        time.sleep(0.5)
        stuck.close()
        thread.join(PATIENT_SECONDS)
        assert not thread.is_alive()
        second = dial(address, identities["alpha"], PATIENT_SECONDS)
        accepted = listener.accept(PATIENT_SECONDS)
        second.send(b"again")
        assert accepted.receive(PATIENT_SECONDS) == b"again"
        second.close()
        accepted.close()
        first.close()
    finally:
        listener.close()


def _endless() -> Steps[None]:
    while True:
        yield from _compute(0.1)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("peer", ["computing", "waiting"])
def test_case_52_cancel_ends_both(transport: str, peer: str) -> None:
    def cancelled(session: Session) -> Any:
        threading.Timer(0.2, session.cancel).start()
        return session.run("toy/1", _endless())

    def other(session: Session) -> Any:
        return session.run("toy/1", _endless() if peer == "computing" else answer(1))

    began = time.monotonic()
    outcomes = run_sessions(cancelled, other, transport=transport, limits=UNHURRIED)
    assert time.monotonic() - began < PATIENT_SECONDS
    assert [type(outcome.error) for outcome in outcomes] == [errors.CancelledError] * 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_case_52_keyboard_interrupt_ends_both(transport: str) -> None:
    def interrupted() -> Steps[None]:
        yield from _compute(0.1)
        raise KeyboardInterrupt

    one, other = run_pair(interrupted(), _endless(), channel=transport)
    assert type(one.error) is KeyboardInterrupt
    assert type(other.error) is errors.CancelledError


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_cancellation_overtakes_data(transport: str) -> None:
    """The peer does not read, its window is full, and still it learns at once that all is over."""
    limits = replace(UNHURRIED, window=1 << 20, max_message=4 << 20)

    def flood() -> Steps[None]:
        while True:
            yield Send(Confirm(transcript=bytes(1 << 20)))

    def cancelled(session: Session) -> Any:
        threading.Timer(0.3, session.cancel).start()
        return session.run("toy/1", flood())

    began = time.monotonic()
    outcomes = run_sessions(
        cancelled, lambda session: session.run("toy/1", _endless()), transport=transport, limits=limits
    )
    assert time.monotonic() - began < PATIENT_SECONDS
    assert [type(outcome.error) for outcome in outcomes] == [errors.CancelledError] * 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_slow_reader_bounds_the_sender(transport: str) -> None:
    limits = Limits(deadline_seconds=60.0, window=1 << 20, max_message=4 << 20)
    size, count = 200_000, 100
    sent = []

    def flood() -> Steps[None]:
        for i in range(count):
            yield Send(Confirm(transcript=bytes(size)))
            sent.append(i)

    def slow() -> Steps[int]:
        yield from _compute(0.5)
        early = len(sent)
        for _ in range(count):
            yield Receive((Confirm,))
        return early

    early = results(*run_pair(flood(), slow(), channel=transport, limits=limits))[1]
    # One window lies at the receiver, one with the sender, and one message is on its way.
    assert early * size <= 2 * limits.window + 2 * size
    assert len(sent) == count


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_both_may_send_before_they_read(transport: str) -> None:
    limits = Limits(deadline_seconds=60.0, window=1 << 20, max_message=32 << 20)

    def both() -> Steps[int]:
        for _ in range(8):
            yield Send(Confirm(transcript=bytes(1 << 20)))
        for _ in range(8):
            yield Receive((Confirm,))
        return 8

    assert results(*run_pair(both(), both(), channel=transport, limits=limits)) == [8, 8]


def test_both_sending_without_end_is_an_error() -> None:
    limits = replace(IMPATIENT, window=1 << 20, max_message=2 << 20)

    def both() -> Steps[None]:
        while True:
            yield Send(Confirm(transcript=bytes(1 << 19)))

    outcomes = run_pair(both(), both(), limits=limits)
    assert errors.DeadlineError in [type(outcome.error) for outcome in outcomes]
    assert all(outcome.error is not None for outcome in outcomes)
