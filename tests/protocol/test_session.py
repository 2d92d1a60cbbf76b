"""What a session promises: equal parameters, whole conversations, counted costs, safe words to the peer."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isthmus import errors
from isthmus.party import run_in_memory, verify_audit_file
from isthmus.party.audit import AuditTrail
from isthmus.party.channel import memory_pair
from isthmus.party.disclosure import public_code
from isthmus.party.link import Link
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import Confirm, Credit, JobEnd
from isthmus.protocol.machine import Progress, Send, Steps, receive
from tests.fault.adversary import Adversary, attack
from tests.protocol.conformance import (
    PATIENT_SECONDS,
    QUICK,
    Outcome,
    proposals,
    results,
    run_pair,
    run_sessions,
)
from tests.protocol.toy import answer, ask


def _run(protocol: str, parameters: Mapping[str, Any] | None, steps: Steps[Any]) -> Any:
    return lambda session: session.run(protocol, steps, parameters)


def test_jobs_follow_each_other() -> None:
    def asking(session: Session) -> list[int]:
        return [session.run("toy/1", ask(n), {"n": n}) for n in range(3)]

    def answering(session: Session) -> list[int]:
        return [session.run("toy/1", answer(n), {"n": n}) for n in range(3)]

    assert results(*run_sessions(asking, answering)) == [[0, 10, 20], [0, 10, 20]]


@pytest.mark.parametrize(
    ("mine", "theirs", "named"),
    [
        ({"bins": 32, "depth": 3}, {"bins": 16, "depth": 3}, "bins"),
        ({"bins": 32}, {}, "bins"),
        ({}, {"a": 1, "z": None}, "a, z"),
        ({"nested": {"x": [1, 2]}}, {"nested": {"x": [1, 3]}}, "nested"),
        ({"same": 1, "number": 1}, {"same": 1, "number": 1.5}, "number"),
        ({"\x1b[2J": 1}, {"\x1b[2J": 2}, r"\x1b[2J"),
    ],
)
def test_differing_parameters_are_named(mine: dict[str, Any], theirs: dict[str, Any], named: str) -> None:
    outcomes = run_sessions(_run("toy/1", mine, ask(1)), _run("toy/1", theirs, answer(1)))
    mismatches = [o.error for o in outcomes if isinstance(o.error, errors.ParameterMismatch)]
    assert mismatches
    assert str(mismatches[0]).endswith(f"differ in: {named}")
    assert all(o.result is None and o.error is not None for o in outcomes)


def test_equal_parameters_in_another_order_agree() -> None:
    one, other = {"a": 1, "b": [True, "ü"]}, {"b": [True, "ü"], "a": 1}
    assert results(*run_sessions(_run("toy/1", one, ask(1)), _run("toy/1", other, answer(1)))) == [10, 10]


@pytest.mark.parametrize(
    ("protocol", "expected"), [("other/1", errors.ParameterMismatch), ("toy/2", errors.VersionError)]
)
def test_another_protocol_or_version(protocol: str, expected: type[errors.IsthmusError]) -> None:
    outcomes = run_sessions(_run("toy/1", {}, ask(1)), _run(protocol, {}, answer(1)))
    assert expected in [type(o.error) for o in outcomes]


@pytest.mark.parametrize("parameters", [{"suite": "MD5"}, {"key_bits": 1024}, {"key_bits": "3072"}], ids=str)
def test_case_29_a_weak_job_does_not_start(parameters: dict[str, Any]) -> None:
    outcomes = run_sessions(_run("toy/1", parameters, ask(1)), _run("toy/1", parameters, answer(1)))
    assert errors.NoCommonSuite in [type(o.error) for o in outcomes]


@pytest.mark.parametrize(
    ("protocol", "parameters"),
    [("toy", {}), ("Toy/1", {}), ("toy/1", {"x": object()}), ("toy/1", {"x": float("nan")})],
)
def test_callers_mistakes(protocol: str, parameters: dict[str, Any]) -> None:
    outcomes = run_sessions(_run(protocol, parameters, ask(1)), _run("toy/1", {}, answer(1)))
    assert type(outcomes[0].error) is errors.InvalidArgument


def test_stages_count_messages_bytes_and_rounds() -> None:
    def staged() -> Steps[None]:
        yield Progress("first", 0, 2)
        yield from ask(2, size=100)
        yield Progress("second", 0, 1)
        yield from ask(1, size=5)

    seen: list[Progress] = []

    def asking(session: Session) -> None:
        session.on_progress = seen.append
        session.run("toy/1", staged())

    one, other = run_sessions(asking, _run("toy/1", {}, answer(3)))
    results(one, other)
    assert one.session is not None
    assert other.session is not None
    stages = {stage.name: stage for stage in one.session.stages}
    asked = stages["ask"]
    sent = 2 * len(Confirm(transcript=bytes(100)).SerializeToString())
    sent += len(Confirm(transcript=bytes(5)).SerializeToString())
    assert (asked.messages, asked.rounds, asked.bytes_sent) == (6, 6, sent)
    assert asked.protocol == "toy/1"
    assert {"first", "ask", "second"} <= {progress.stage for progress in seen}
    assert sum(s.bytes_received for s in other.session.stages) == sent
    assert one.session.counters.bytes_sent == other.session.counters.bytes_received


def test_a_message_left_over_is_an_error() -> None:
    def extra() -> Steps[int]:
        yield Send(Confirm())
        return (yield from ask(1))

    outcomes = run_pair(extra(), answer(1))
    assert errors.ProtocolState in [type(o.error) for o in outcomes]
    assert all(o.result is None for o in outcomes)


def test_a_false_record_of_the_job_is_an_error() -> None:
    def script(adversary: Adversary) -> None:
        adversary.start_job()
        adversary.say(Confirm(transcript=b"x"))
        adversary.hear()
        adversary.hear()
        adversary.say(JobEnd(sent=bytes(32), received=bytes(32)))

    victim, told = attack(script, answer(1))
    assert type(victim.error) is errors.TranscriptError
    assert told == errors.TranscriptError.code
    assert victim.result is None


class _PrivateError(Exception):
    """An error of the caller's own code."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ProtocolCount("17 of 18", row=3), "ERR_PROTOCOL_COUNT"),
        (errors.ResultTooSmall("no"), "ERR_RESULT_TOO_SMALL"),
        (errors.LabelError("single class", row=5), "ERR_INTERNAL"),
        (errors.FeatureValue("nan", row=7), "ERR_INTERNAL"),
        (errors.FaultDetected("crt"), "ERR_INTERNAL"),
        (_PrivateError("customer 4711"), "ERR_INTERNAL"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_peer_is_told_a_public_code_only(error: Exception, code: str) -> None:
    def failing() -> Steps[None]:
        yield Progress("x", 0, 1)
        raise error

    one, other = run_pair(failing(), answer(1))
    assert one.error is error
    assert isinstance(other.error, errors.PeerFailed)
    assert other.error.peer_code == code
    assert "4711" not in str(other.error)
    assert public_code(error) == code


def test_the_first_error_ends_the_session_for_good() -> None:
    def twice(session: Session) -> None:
        with pytest.raises(errors.LabelError):
            session.run("toy/1", _raising())
        session.run("toy/1", ask(1))

    one, _ = run_sessions(twice, _run("toy/1", {}, answer(1)))
    assert type(one.error) is errors.LabelError


def _raising() -> Steps[None]:
    yield Progress("x", 0, 1)
    raise errors.LabelError("single class")


def test_an_error_outside_a_job_is_told_too() -> None:
    def leaves(session: Session) -> None:
        raise _PrivateError

    _, other = run_sessions(leaves, _run("toy/1", {}, answer(1)))
    assert type(other.error) is errors.PeerFailed


def test_a_message_beyond_the_peers_limit_is_not_sent() -> None:
    small = replace(QUICK, max_message=1 << 20)
    outcomes = run_pair(ask(1, size=2 << 20), answer(1), limits=small)
    assert type(outcomes[0].error) is errors.TooLarge


def test_a_message_beyond_what_the_job_has_use_for_is_refused() -> None:
    asking, answering = run_sessions(
        _run("toy/1", {}, ask(1, size=2 << 20)), lambda session: session.run("toy/1", answer(1), {}, 1 << 20)
    )
    assert type(answering.error) is errors.TooLarge
    assert isinstance(asking.error, errors.PeerFailed)
    assert asking.error.peer_code == errors.TooLarge.code


def test_between_jobs_only_the_start_of_one_is_taken() -> None:
    finished = threading.Event()

    def early(session: Session) -> None:
        session.run("toy/1", ask(1))
        assert finished.wait(PATIENT_SECONDS)
        session._link.send("isthmus.party.v1.JobStart", bytes(1 << 20))
        session.run("toy/1", ask(1))

    def late(session: Session) -> None:
        session.run("toy/1", answer(1))
        finished.set()
        while not session._link.has_message():
            time.sleep(0.01)
        session.run("toy/1", answer(1))

    outcomes = run_sessions(early, late)
    assert type(outcomes[1].error) is errors.TooLarge


def test_the_audit_says_what_was_run_and_disclosed() -> None:
    def asking(session: Session) -> int:
        total = session.run("toy/1", ask(1))
        session.disclose("alpha learned a number")
        return total

    one, other = run_sessions(asking, _run("toy/1", {}, answer(1)))
    results(one, other)
    assert one.session is not None
    records = one.session.audit
    assert [record["event"] for record in records] == ["job started", "job finished", "disclosure"]
    assert records[2]["statement"] == "alpha learned a number"
    assert {record["session"] for record in records} == {one.session.session_id}


def _audited(path: Path) -> Outcome:
    mine, theirs = memory_pair()
    first, second = proposals("memory")

    def other() -> None:
        with Session(theirs, second) as session:
            session.run("toy/1", answer(1))

    thread = threading.Thread(target=other, daemon=True)
    thread.start()
    outcome = Outcome()
    try:
        with Session(mine, first, audit_file=path) as session:
            outcome.result = session.run("toy/1", ask(1))
    except errors.IsthmusError as error:
        outcome.error = error
    thread.join(10)  # within the deadline
    assert not thread.is_alive(), "the peer waits for a party that has ended"
    return outcome


def test_the_audit_file_is_a_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        assert _audited(path).result == 10
    assert verify_audit_file(path) == 4
    assert path.stat().st_mode & 0o777 == 0o600
    lines = path.read_text().splitlines()
    record = json.loads(lines[1])
    record["event"] = "nothing happened"
    path.write_text("\n".join([lines[0], json.dumps(record), *lines[2:]]))
    with pytest.raises(errors.StorageError, match="line 2"):
        verify_audit_file(path)
    path.write_text("\n".join([lines[0], *lines[2:]]))
    with pytest.raises(errors.StorageError, match="line 2"):
        verify_audit_file(path)


def test_sessions_at_the_same_time_share_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    one, other = (AuditTrail(path, job=job) for job in ("one", "other"))
    for number, trail in enumerate((one, other, one, one, other)):
        trail.add("disclosure", statement=f"a line\u2028separator and {number}")
    assert verify_audit_file(path) == 5


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_case_51_without_an_audit_file_no_session_begins(tmp_path: Path) -> None:
    outcome = _audited(tmp_path)
    assert type(outcome.error) is errors.PathError
    assert outcome.result is None


@pytest.mark.parametrize("event", ["job started", "job finished"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_case_49_without_audit_nothing_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    def full(handle: int, data: bytes) -> int:
        if event.encode() in data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, data)

    write = os.write
    monkeypatch.setattr(os, "write", full)
    outcome = _audited(tmp_path / "audit.jsonl")
    assert type(outcome.error) is errors.StorageError
    assert outcome.result is None


def test_logs_hold_no_data(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def steps() -> Steps[None]:
        yield Send(Confirm(transcript=b"canary-4711"))
        yield from receive(Credit)
        raise errors.FeatureValue("bad", row=3)

    run_pair(steps(), answer(1))
    assert "canary" not in caplog.text
    assert "ERR_FEATURE_VALUE" in caplog.text


def test_threads_end_with_the_session() -> None:
    before = set(threading.enumerate())  # of which some may be on their way out
    results(*run_pair(ask(1), answer(1)))
    run_pair(_raising(), answer(1))
    assert not set(threading.enumerate()) - before


def test_run_in_memory_returns_both_and_raises_the_cause() -> None:
    parties = {"bank": _run("toy/1", {}, ask(2)), "fund": _run("toy/1", {}, answer(2))}
    assert run_in_memory(parties) == {"bank": 20, "fund": 20}
    with pytest.raises(errors.LabelError):
        run_in_memory({"bank": _run("toy/1", {}, _raising()), "fund": _run("toy/1", {}, answer(2))})
    with pytest.raises(errors.InvalidArgument):
        run_in_memory({"bank": parties["bank"]})


def test_repr_is_short() -> None:
    one, _ = run_sessions(_run("toy/1", {}, ask(1)), _run("toy/1", {}, answer(1)))
    assert repr(one.session) == "Session(party='alpha', peer='beta', job='test')"
    assert isinstance(getattr(one.session, "_link", None), Link)


@pytest.mark.parametrize("thread", ["_take", "_next_frame"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_link_ends_the_session(monkeypatch: pytest.MonkeyPatch, thread: str) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Link, thread, broken)
    outcomes = run_pair(ask(1), answer(1))
    assert all(isinstance(outcome.error, errors.IsthmusError) for outcome in outcomes)


def test_the_transports_own_reason_reaches_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Link, *arguments: object) -> None:
        raise errors.NotAuthorised("the connection ended with PERMISSION_DENIED")

    monkeypatch.setattr(Link, "_write", refuse)
    monkeypatch.setattr(Link, "_next_chunk", lambda self, room: lambda: refuse(self))
    outcomes = run_pair(ask(1), answer(1))
    assert errors.NotAuthorised in [type(outcome.error) for outcome in outcomes]
