"""psi_star: the hub learns what all share, the others how many, and nobody sees two sets under one mask."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.protocol.psi_star_plan import LEAD, Hop, Turn, crossings, turns
from isthmus.protocol.suites import psi_suite
from isthmus.protocol.wire import psi_star_pb2 as wire
from isthmus.psi.sealing import RunKey
from tests.protocol.star import NAMES, Plain, drive_star

ids = st.lists(st.text("abé", min_size=1, max_size=2), unique=True, max_size=9)


@pytest.mark.parametrize("members", [3, 4, 5])
@settings(max_examples=15)
@given(data=st.data(), chunk_items=st.integers(1, 5))
def test_the_hub_learns_what_all_share(members, data, chunk_items):
    sets = [data.draw(ids) for _ in range(members)]
    shared = set.intersection(*map(set, sets))
    hub, *spokes = drive_star(sets, chunk_items=chunk_items)
    assert {sets[0][i] for i in hub.positions} == shared
    assert all(spoke.positions is None for spoke in spokes)
    counts = dict(zip(NAMES, map(len, sets), strict=False))
    assert all(match.size == len(shared) and match.counts == counts for match in (hub, *spokes))
    assert len({match.code for match in (hub, *spokes)}) == 1


@pytest.mark.parametrize("min_result", [1, 2, 3])
def test_a_result_below_the_minimum_is_withheld_from_all(min_result):
    for match in drive_star([["a", "b", "c"], ["c", "b", "d"], ["x", "c", "b"]], min_result=min_result):
        assert match.released == (min_result <= 2)
        assert match.size == (2 if match.released else None)


@pytest.mark.parametrize("members", [3, 4, 5, 9])
def test_only_the_filter_sees_two_sets_under_one_mask(members):
    everyone = frozenset(range(members))
    masks = {origin: {origin} for origin in everyone}  # who has masked each set so far
    seen = {index: [] for index in everyone}
    plans = {index: turns(members, index) for index in everyone}
    for number in range(max(map(len, plans.values()))):
        at_once = {index: plan[number] for index, plan in plans.items() if number < len(plan)}
        given = {(i, turn.gives.other, turn.gives.origin) for i, turn in at_once.items() if turn.gives}
        # Tags wait at the filter, which takes them member by member; other sets are taken as they are given.
        taken = {(turn.takes.other, i, turn.takes.origin) for i, turn in at_once.items() if turn.takes}
        assert given == taken or number >= members - 1
        for index, turn in at_once.items():
            for hop in filter(None, (turn.gives, turn.takes)):
                assert hop.tags == (masks[hop.origin] == everyone)
            if turn.takes:
                seen[index].append(frozenset(masks[turn.takes.origin]))
        for _, to, origin in taken:
            masks[origin] |= {to}
    assert all(maskers == everyone for maskers in masks.values())
    for index in range(members - 1):
        # What a member can take off again, its own mask, makes no two of them alike either.
        assert len({maskers - {index} for maskers in seen[index]}) == len(seen[index]) == members - 1
    assert seen[members - 1].count(everyone) == members - 1


@pytest.mark.parametrize(("gives", "takes"), [(0, 0), (0, 1), (1, 0), (3, 3), (1, 9), (9, 1), (0, 9), (6, 5)])
def test_a_member_gives_a_few_chunks_ahead_and_alone_what_the_other_set_lacks(gives, takes):
    turn = Turn(Hop(1, 0), Hop(2, 2))
    found = list(crossings(turn, [2 * gives, 0, max(2 * takes - 1, 0)], 2))
    for taken, chunks, size in ((False, gives, 2 * gives), (True, takes, 2 * takes - 1)):
        spans = [(each.start, each.stop) for each in found if each.takes == taken]
        assert spans == [(2 * i, min(2 * i + 2, size)) for i in range(chunks)]
    order = [each.takes for each in found]
    for i in range(min(gives, takes)):
        before = order[: [n for n, taken in enumerate(order) if taken][i]]
        assert before.count(False) == min(i + LEAD, gives)


SETS = [[f"{j}-{i}" for i in range(5)] + ["all"] for j in range(4)]


def boxes(seals, sender, to):
    """Return the boxes that one member sends another in a run of ``SETS``, each a whole set."""
    found = []

    def record(*step):
        if step[:2] == (sender, to) and isinstance(step[3], wire.Sealed):
            found.append(step[3].box)
        return step[3]

    drive_star(SETS, seals=seals, tamper=record, chunk_items=100)
    return found


def elements(box):
    return {box[i : i + 32] for i in range(0, len(box) - 16, 32)}


@pytest.mark.parametrize(
    ("sender", "to", "sets", "tags"), [(0, 1, 3, 0), (1, 2, 3, 0), (2, 3, 3, 1), (0, 3, 0, 1)]
)
def test_what_crosses_is_no_longer_than_the_documentation_says(sender, to, sets, tags):
    lengths = [len(box) - 16 for box in boxes(Plain, sender, to)]
    assert lengths == [6 * 32] * sets + [6 * psi_suite("ristretto255").tag_bytes(24, 24)] * tags


def test_masks_are_fresh_and_sets_are_shuffled():
    own, *others = boxes(Plain, 1, 2)
    again = boxes(Plain, 1, 2)[0]
    assert len(elements(own)) == 6
    assert not elements(own) & elements(again)
    # What a member sends on is another set of elements than it took, in their order.
    for box in others:
        rows = [box[i : i + 32] for i in range(0, len(box) - 16, 32)]
        assert rows == sorted(rows)
    taken = boxes(Plain, 0, 1)
    assert not any(elements(box) & elements(other) for box in others for other in taken)


def test_boxes_are_closed_to_the_hub():
    opened = elements(boxes(Plain, 1, 2)[0])
    assert all(len(element) == 32 for element in opened)
    first, second = boxes(RunKey, 1, 2)[:2]
    assert len(first) == 6 * 32 + 16
    assert not elements(first) & elements(second)


def test_the_run_s_code_is_another_each_time():
    assert len({drive_star([["a"], ["a"], ["a"]])[0].code for _ in range(3)}) == 3
