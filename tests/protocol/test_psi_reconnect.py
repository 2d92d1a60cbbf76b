"""A connection that is lost within a session: both parties meet again and go on where they were."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from dataclasses import replace

import pytest

from isthmus import errors, psi
from isthmus.errors import DeadlineError, PeerGone, PeerTruncated
from isthmus.party.channel import Channel, memory_pair
from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.protocol.psi_ecdh import ecdh_psi
from tests.protocol.conformance import PATIENT_SECONDS, Cut, CutChannel, credentials, proposals

A_IDS = [f"customer-{i}" for i in range(60)]
B_IDS = [f"customer-{i}" for i in range(100, 30, -1)]
SHARED = set(A_IDS) & set(B_IDS)
BATCH_ITEMS = 6
LIMITS = Limits(deadline_seconds=15.0, connect_seconds=3.0)


class Meeting:
    """Joins whoever comes first with whoever comes second, again and again."""

    def __init__(self):
        self._ends = queue.Queue()
        self._lock = threading.Lock()
        self._waiting = False

    def meet(self):
        with self._lock:
            self._waiting = not self._waiting
            if not self._waiting:
                mine, theirs = memory_pair()
                self._ends.put(theirs)
                return mine
        try:
            return self._ends.get(timeout=LIMITS.connect_seconds)
        except queue.Empty:
            with self._lock:
                self._waiting = False
            raise DeadlineError("nobody came") from None


class TruncatingChannel(CutChannel):
    """Tells of the cut that it came inside a message."""

    def receive(self, timeout):
        try:
            return super().receive(timeout)
        except PeerGone:
            raise PeerTruncated("the stream ended inside a message") from None


def run(
    reopen_a,
    reopen_b,
    cuts,
    *,
    transport="memory",
    limits=LIMITS,
    channel=CutChannel,
    on_session=None,
    calls=1,
    **options,
):
    """Intersect; party a's n-th connection is cut after ``cuts[n]`` messages. Return both outcomes."""
    cuts = iter(cuts)
    outcomes = {}

    def cut_channel():
        return channel(reopen_a(), Cut(next(cuts, None)))

    def work(name, ids, reopen, proposal):
        try:
            with Session(reopen(), proposal, reopen=reopen) as session:
                if on_session is not None:
                    on_session(session)
                for _ in range(calls):
                    found = psi.intersect(session, ids, role="both", **options)
                events = [record["event"] for record in session.audit]
                outcomes[name] = [ids[row] for row in found.indices], events, session.counters, session.stages
        except errors.IsthmusError as error:
            outcomes[name] = error

    threads = [
        threading.Thread(target=work, args=arguments, daemon=True)
        for arguments in zip(
            "ab", (A_IDS, B_IDS), (cut_channel, reopen_b), proposals(transport, limits), strict=True
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENT_SECONDS)
        assert not thread.is_alive(), "a party hangs"
    return outcomes


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setitem(ecdh_psi.__kwdefaults__, "batch_items", BATCH_ITEMS)


def check(outcomes, connections):
    for name in "ab":
        assert not isinstance(outcomes[name], Exception), (name, outcomes)
        found, events, _, _ = outcomes[name]
        assert set(found) == SHARED
        assert events.count("reconnected") == connections - 1
    assert outcomes["a"][0] == outcomes["b"][0]


def test_a_cut_after_any_message_of_the_streams_is_survived_in_the_middle():
    meeting = Meeting()
    whole = run(meeting.meet, meeting.meet, [])
    check(whole, 1)
    stage = whole["a"][3][0]
    # The envelope adds a JobStart from each side. In the last two messages the parties say goodbye to the
    # job.
    for k in range(1, stage.messages + 2):
        meeting = Meeting()
        outcomes = run(meeting.meet, meeting.meet, [k])
        check(outcomes, 2)


class Hole(Channel):
    """Passes ``passing`` frames on, of both ends together, loses the rest, and tells nobody."""

    def __init__(self, inner, frames, passing):
        self.counters = inner.counters
        self._inner = inner
        self._frames = frames
        self._passing = passing

    def send(self, data):
        if next(self._frames) < self._passing:
            self._inner.send(data)

    def receive(self, timeout):
        return self._inner.receive(timeout)

    def close(self):
        self._inner.close()


def test_a_connection_that_dies_in_silence_is_made_again():
    meeting = Meeting()
    frames = itertools.count()
    fresh = {"a", "b"}

    def reopen(name):
        channel = meeting.meet()
        if name not in fresh:
            return channel
        fresh.remove(name)
        return Hole(channel, frames, passing=24)

    limits = replace(LIMITS, deadline_seconds=2.0)
    outcomes = run(lambda: reopen("a"), lambda: reopen("b"), [], limits=limits)
    check(outcomes, 2)


@pytest.mark.parametrize("moment", ["waiting", "met"])
def test_a_session_that_waits_for_its_peer_again_can_be_cancelled(moment):
    meeting, sessions, calls, began = Meeting(), {}, [], []
    again = threading.Event()

    def reopen():
        if calls:
            began.append(time.monotonic())
            threading.Timer(0.3, sessions["alpha"].cancel).start()
            if moment == "waiting":
                again.wait(PATIENT_SECONDS)
                raise DeadlineError("nobody came")
        calls.append(1)
        channel = meeting.meet()
        if began:
            sessions["alpha"].cancel()
        return channel

    outcomes = run(reopen, meeting.meet, [12], on_session=lambda s: sessions.update({s.party: s}))
    assert time.monotonic() - began[0] < PATIENT_SECONDS / 2
    again.set()
    assert type(outcomes["a"]) is errors.CancelledError
    assert isinstance(outcomes["b"], errors.IsthmusError)


def test_case_23_a_stream_that_ends_inside_a_message_is_gone_on_with():
    meeting = Meeting()
    check(run(meeting.meet, meeting.meet, [9, 12], channel=TruncatingChannel), 3)


def test_a_later_call_is_not_paired_with_whatever_call_a_peer_comes_back_with():
    whole = run((meeting := Meeting()).meet, meeting.meet, [])
    first_call = whole["a"][3][0].messages + 4  # the envelope has two messages from each side
    early = run((meeting := Meeting()).meet, meeting.meet, [first_call + 2], calls=2)
    assert all(isinstance(early[name], PeerGone | PeerTruncated) for name in "ab"), early
    check(run((meeting := Meeting()).meet, meeting.meet, [first_call + 20], calls=2), 2)


def test_several_cuts_are_survived():
    meeting = Meeting()
    check(run(meeting.meet, meeting.meet, [9, 12, 15]), 4)


def test_a_connection_that_never_lasts_is_given_up():
    meeting = Meeting()
    outcomes = run(meeting.meet, meeting.meet, [4] * 50)
    assert isinstance(outcomes["a"], PeerGone)
    assert isinstance(outcomes["b"], errors.IsthmusError)


def test_a_peer_that_does_not_come_back_is_gone():
    meeting = Meeting()

    def once(calls=[]):  # noqa: B006 - one list for all calls
        if calls:
            raise DeadlineError("nobody came")
        calls.append(1)
        return meeting.meet()

    outcomes = run(once, meeting.meet, [12])
    assert isinstance(outcomes["a"], PeerGone)
    assert isinstance(outcomes["b"], PeerGone)


def test_over_grpc_the_listener_takes_the_peer_back():
    identities = credentials()
    listener = Listener("127.0.0.1:0", identities["beta"])
    try:
        address = f"127.0.0.1:{listener.port}"
        outcomes = run(
            lambda: dial(address, identities["alpha"], PATIENT_SECONDS),
            lambda: listener.accept(PATIENT_SECONDS),
            [10, 14],
            transport="grpc",
            limits=replace(LIMITS, connect_seconds=PATIENT_SECONDS),
        )
    finally:
        listener.close()
    check(outcomes, 3)
