"""A star in bounded memory: any budget, sizes and speed of the parties give the same answer, and an end."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter

import numpy as np
import pytest

from isthmus import errors, psi
from isthmus.groups import group_names
from isthmus.party.limits import Limits
from isthmus.protocol.psi_star import member
from isthmus.protocol.psi_star_plan import LEAD
from isthmus.protocol.psi_star_relay import at_hub
from isthmus.protocol.suites import PSI_SUITES
from isthmus.psi import star, star_hub
from tests.protocol.star import run_star

NARROW = Limits(deadline_seconds=15.0, connect_seconds=5.0, window=1 << 13, max_message=1 << 16)


def sets_of(sizes, shared):
    """Integers of which all sets have the first ``shared``; the others' numbers differ by party."""
    return [
        np.concatenate((np.arange(shared), np.arange(size - shared) + (party + 1) * 1_000_000))[::-1]
        for party, size in enumerate(sizes)
    ]


def run(sets, *, limits=NARROW, on_progress=None, **options):
    """Run a star; ``on_progress`` holds what to call at some of the spokes."""

    def spoke(session, j):
        session.on_progress = (on_progress or {}).get(j)
        return psi.star_join(session, sets[j], min_result=0, **options)

    return run_star(
        lambda sessions: psi.star_intersect(sessions, sets[0], min_result=0, **options),
        [functools.partial(spoke, j=j) for j in range(1, len(sets))],
        limits=limits,
    )


def check(outcomes, sets, shared):
    assert [outcome.error for outcome in outcomes] == [None] * len(sets)
    assert sorted(sets[0][outcomes[0].result.indices]) == list(range(shared))
    assert all(outcome.result.size == shared for outcome in outcomes)


@pytest.fixture
def small_chunks(monkeypatch):
    """Many messages of few items, and no more room in the hub's queues than there must be."""
    monkeypatch.setattr(star, "member", functools.partial(member, chunk_items=16))
    monkeypatch.setattr(star_hub, "at_hub", functools.partial(at_hub, chunk_items=16))
    monkeypatch.setattr(star_hub, "QUEUE_MESSAGES", LEAD)


@pytest.mark.parametrize(
    ("sizes", "shared"),
    [
        ((1, 20_000, 70_000), 1),
        ((70_000, 0, 20_000), 0),
        ((20_000, 17_000, 1_000, 9_000), 700),
        ((3_000, 2_000, 1_000, 17_000, 4_000), 700),
    ],
)
def test_on_disk_and_in_memory_the_result_is_the_same(sizes, shared, tmp_path):
    sets = sets_of(sizes, shared)
    limits = Limits()
    on_disk = run(sets, memory_bytes=0, work_dir=tmp_path, limits=limits)
    in_memory = run(sets, limits=limits)
    for outcomes in (on_disk, in_memory):
        check(outcomes, sets, shared)
    assert on_disk[0].result.indices.tolist() == in_memory[0].result.indices.tolist()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suite", sorted(PSI_SUITES.keys() & set(group_names())))
def test_every_suite_on_disk(suite, tmp_path):
    sets = sets_of((3000, 2000, 1000), 500)
    check(run(sets, suite=suite, memory_bytes=0, work_dir=tmp_path, limits=Limits()), sets, 500)
    assert not any(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_a_storage_error(tmp_path):
    sets = sets_of((30, 20, 10), 5)
    outcomes = run(sets, memory_bytes=0, work_dir=tmp_path / "none")
    assert any(isinstance(outcome.error, errors.StorageError) for outcome in outcomes)
    assert all(outcome.error is not None for outcome in outcomes)
    assert type(run(sets, memory_bytes=-1)[0].error) is errors.InvalidArgument


@pytest.mark.parametrize(
    ("sizes", "shared"),
    [
        ((400, 1, 0), 0),
        ((1, 400, 30), 1),
        ((30, 1, 400), 1),
        ((400, 400, 400, 400), 100),
        ((1, 1, 400, 200), 1),
        ((300, 0, 300, 20, 300), 0),
        ((1, 300, 1, 300, 1), 1),
    ],
)
@pytest.mark.usefixtures("small_chunks")
def test_nobody_waits_for_ever_with_little_room(sizes, shared):
    sets = sets_of(sizes, shared)
    check(run(sets), sets, shared)


@pytest.mark.parametrize("slow", [1, 2])
@pytest.mark.usefixtures("small_chunks")
def test_a_slow_spoke_keeps_the_others_messages_within_the_queues_bound(slow, monkeypatch):
    longest = Counter()

    class Watched(star_hub.Queues):
        def put(self, sender, to, message):
            done = super().put(sender, to, message)
            longest[to] = max(longest[to], len(self._queues[sender, to]))
            return done

    monkeypatch.setattr(star_hub, "Queues", Watched)
    sets = sets_of((1600, 1600, 1600), 10)
    check(run(sets, on_progress={slow: lambda progress: time.sleep(0.002)}), sets, 10)
    assert longest[slow] == LEAD
    assert max(longest.values()) == LEAD


@pytest.mark.parametrize("how", ["spoke-lost", "hub-cancelled"])
@pytest.mark.usefixtures("small_chunks")
def test_a_run_ends_for_all_while_a_member_waits_for_room(how):
    """Spoke 1 stands still until what is sent to it has filled its queue; then another party goes."""
    stuck, ended = threading.Event(), threading.Event()
    sets = sets_of((1600, 1, 1), 1)
    sessions = {}

    def stand_still(progress):
        if progress.done:
            stuck.set()
            ended.wait(30)

    def hub(given):
        sessions.update(enumerate(given, 1))
        try:
            return psi.star_intersect(given, sets[0])
        finally:
            ended.set()

    def spoke(session, j):
        sessions[-j] = session
        session.on_progress = stand_still if j == 1 else None
        return psi.star_join(session, sets[j])

    def end():
        stuck.wait(30)
        time.sleep(0.5)
        sessions[-2]._channel.close() if how == "spoke-lost" else sessions[1].cancel()

    killer = threading.Thread(target=end)
    killer.start()
    started = time.monotonic()
    outcomes = run_star(hub, [functools.partial(spoke, j=j) for j in (1, 2)], limits=NARROW)
    killer.join()
    assert time.monotonic() - started < 15
    assert all(isinstance(outcome.error, errors.IsthmusError) for outcome in outcomes)
    kind = errors.CancelledError if how == "hub-cancelled" else (errors.PeerGone, errors.PeerTruncated)
    assert isinstance(outcomes[0].error, kind)
    assert not [t for t in threading.enumerate() if t.name.startswith(("isthmus-star", "isthmus-batches"))]
