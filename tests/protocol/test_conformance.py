"""Every protocol between two sessions: right results, and clean ends when the connection is cut.

A cut comes after each message that either party sends, from the first of the job to the last before its end
is agreed; the job then fails on both sides with a typed error, and neither releases a result.
"""

from __future__ import annotations

import threading
import time

import pytest
from google.protobuf.empty_pb2 import Empty
from isthmus.errors import IsthmusError, PeerFailed, PeerGone, PeerTruncated, ProtocolState
from isthmus.party.channel.base import Channel
from isthmus.party.channel.memory import memory_pair
from isthmus.party.handshake import Proposal
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import DATA, FROM_DIALLER, FROM_LISTENER, Frame
from isthmus.protocol.machine import Progress, Send

from tests.protocol.cases import all_cases, drive

CASES = {case.name: case for case in all_cases()}
NAMES = ("a", "b")
LIMITS = Limits(deadline_seconds=20.0)
JOIN_SECONDS = 60.0

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


class CutChannel(Channel):
    """Passes frames on until ``messages`` data frames were sent; then the connection is gone."""

    def __init__(self, inner: Channel, messages: float) -> None:
        super().__init__()
        self._inner = inner
        self._left = messages
        self.counters = inner.counters
        self.data_frames = 0

    def send(self, data):
        if Frame.FromString(data).kind == DATA:
            if self.data_frames >= self._left:
                self._inner.close()
                raise PeerGone("the test cut the connection")
            self.data_frames += 1
        self._inner.send(data)

    def receive(self, timeout):
        return self._inner.receive(timeout)

    def close(self):
        self._inner.close()


def run_parties(case, channels):
    """Run both parties of a case over ``channels``; return their results or errors."""
    outcome = {}

    def work(name, peer, channel, direction, make_steps):
        try:
            with Session(channel, Proposal(name, peer, case.name, LIMITS, direction)) as session:
                outcome[name] = session.run(case.protocol, make_steps(), case.parameters)
        except IsthmusError as error:
            outcome[name] = error

    directions = (FROM_LISTENER, FROM_DIALLER)
    steps = (case.make_steps_a, case.make_steps_b)
    threads = [
        threading.Thread(target=work, args=arguments, daemon=True)
        for arguments in zip(NAMES, reversed(NAMES), channels, directions, steps, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(JOIN_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "a party hangs"
    return outcome["a"], outcome["b"]


def counted(case):
    """Run a case uncut; return the number of data frames of each party."""
    channels = [CutChannel(end, float("inf")) for end in memory_pair()]
    case.check(*run_parties(case, channels))
    return [channel.data_frames for channel in channels]


@each_case
def test_machines_alone_give_the_right_results(case):
    case.check(*drive(case.make_steps_a(), case.make_steps_b()))


@each_case
def test_sessions_in_memory_give_the_right_results(case):
    case.check(*run_parties(case, memory_pair()))


@each_case
@pytest.mark.parametrize("cutter", (0, 1), ids=NAMES)
def test_a_cut_after_any_message_ends_both_parties_without_a_result(case, cutter):
    total = counted(case)[cutter]
    for messages in range(total):
        channels = list(memory_pair())
        channels[cutter] = CutChannel(channels[cutter], messages)
        outcome = run_parties(case, channels)
        assert isinstance(outcome[1 - cutter], PeerGone | PeerTruncated), (messages, outcome)
        # Whoever has all of the peer's messages may end well: no last message can be confirmed.
        if messages < total - 1:
            assert isinstance(outcome[cutter], PeerGone | PeerTruncated), (messages, outcome)


@each_case
@pytest.mark.parametrize("stranger", (0, 1), ids=NAMES)
def test_a_message_out_of_state_ends_both_parties(case, stranger):
    """A machine that sends something else instead of each of its messages."""
    sends = sum(isinstance(step, Send) for step in recorded(case, stranger))
    for position in range(sends):
        replaced = list((case.make_steps_a, case.make_steps_b))
        replaced[stranger] = replacing(replaced[stranger], position)
        broken = type(case)(case.name, case.protocol, *replaced, case.check, case.parameters)
        outcome = run_parties(broken, memory_pair())
        assert isinstance(outcome[1 - stranger], ProtocolState), (position, outcome)
        assert isinstance(outcome[stranger], PeerFailed), (position, outcome)
        assert outcome[stranger].peer_code == ProtocolState.code


def recorded(case, party):
    """Return the steps that one machine of a case takes."""
    steps = [case.make_steps_a(), case.make_steps_b()]
    seen = []

    def watching(inner):
        answer = None
        while True:
            try:
                step = inner.send(answer)
            except StopIteration as stop:
                return stop.value
            seen.append(step)
            answer = yield step

    steps[party] = watching(steps[party])
    drive(*steps)
    return seen


def replacing(make_steps, position):
    """Return steps whose message number ``position`` is one that no protocol has; then they go on working."""

    def steps():
        inner, answer, sent = make_steps(), None, 0
        while True:
            step = inner.send(answer)
            if isinstance(step, Send):
                if sent == position:
                    yield Send(Empty())
                    while True:
                        time.sleep(0.01)
                        yield Progress("stray", 0, 0)
                sent += 1
            answer = yield step

    return steps
