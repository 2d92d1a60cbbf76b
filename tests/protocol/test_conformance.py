"""Every protocol of ``cases.py``: right results over each transport, and clean ends when something breaks."""

from __future__ import annotations

import os
import signal
import time

import pytest
from google.protobuf.empty_pb2 import Empty

from isthmus.errors import IsthmusError, PeerFailed, PeerGone, PeerTruncated, ProtocolState
from isthmus.party import run_local
from isthmus.protocol.machine import Progress, Send
from tests.protocol.cases import all_cases, drive
from tests.protocol.conformance import TRANSPORTS, assert_clean_when_cut, results, run_pair

CASES = {case.name: case for case in all_cases()}

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
each_transport = pytest.mark.parametrize("transport", TRANSPORTS)


def run(case, make_steps, transport="memory"):
    return run_pair(
        *(make() for make in make_steps),
        channel=transport,
        protocol=case.protocol,
        parameters=case.parameters,
    )


@each_case
def test_machines_alone_give_the_right_results(case):
    case.check(*drive(*(make() for make in case.make_steps)))


@each_transport
@each_case
def test_sessions_give_the_right_results(case, transport):
    case.check(*results(*run(case, case.make_steps, transport)))


@each_case
def test_two_processes_give_the_right_results(case):
    def party(make_steps):
        return lambda session: session.run(case.protocol, make_steps(), case.parameters)

    found = run_local({"a": party(case.make_steps_a), "b": party(case.make_steps_b)})
    case.check(found["a"], found["b"])


@each_case
def test_a_killed_process_ends_the_other_party(case, tmp_path):
    def survivor(session):
        try:
            return session.run(case.protocol, case.make_steps_a(), case.parameters)
        except IsthmusError as error:
            (tmp_path / "ended").write_text(error.code)
            raise

    def victim(session):
        def die(progress):
            if progress.done:
                os.kill(os.getpid(), signal.SIGKILL)

        session.on_progress = die
        return session.run(case.protocol, case.make_steps_b(), case.parameters)

    with pytest.raises(IsthmusError):
        run_local({"a": survivor, "b": victim})
    assert (tmp_path / "ended").read_text() in (PeerGone.code, PeerTruncated.code)


@each_transport
@each_case
def test_a_cut_after_any_message_ends_both_parties_without_a_result(case, transport):
    """Fault case 26. ``conformance.py`` says what a clean end is."""
    assert_clean_when_cut(*case.make_steps, channel=transport)


@each_case
@pytest.mark.parametrize("stranger", (0, 1), ids="ab")
def test_a_message_out_of_state_ends_both_parties(case, stranger):
    """Fault case 18: a foreign message comes instead of the first or the last of each kind."""
    kinds = kinds_sent(case, stranger)
    last = len(kinds) - 1
    for position in {kinds.index(kind) for kind in kinds} | {
        last - kinds[::-1].index(kind) for kind in kinds
    }:
        make_steps = list(case.make_steps)
        make_steps[stranger] = replacing(make_steps[stranger], position)
        outcomes = run(case, make_steps)
        honest, lying = outcomes[1 - stranger], outcomes[stranger]
        assert isinstance(honest.error, ProtocolState), (position, honest)
        assert isinstance(lying.error, PeerFailed), (position, lying)
        assert lying.error.peer_code == ProtocolState.code
        assert honest.result is None


def kinds_sent(case, party):
    """Return the types of the messages that one machine of a case sends, in order."""
    steps = [make() for make in case.make_steps]
    kinds = []

    def recording(inner):
        answer = None
        while True:
            try:
                step = inner.send(answer)
            except StopIteration as stop:
                return stop.value
            if isinstance(step, Send):
                kinds.append(type(step.message))
            answer = yield step

    steps[party] = recording(steps[party])
    drive(*steps)
    return kinds


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
