"""The sets of a star: shuffled by their own order, compared by partitions, in memory and on disk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import errors
from isthmus.groups import group, group_names
from isthmus.items import mask_digests
from isthmus.protocol.suites import PSI_SUITES, psi_suite
from isthmus.psi.star_sets import StarSets
from isthmus.psi.workspace import FileShelf, MemoryShelf, Workspace

SUITES = [psi_suite(name) for name in sorted(PSI_SUITES.keys() & set(group_names()))]
RISTRETTO = psi_suite("ristretto255")


def star_sets(memory_bytes=1 << 30, folder=None):
    return StarSets(Workspace(memory_bytes, folder), 0)


def fill(target, rows, batch=700):
    for start in range(0, len(rows), batch):
        target.add(rows[start : start + batch])
    return target


def random_rows(count, width, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, width), dtype=np.uint8)


@pytest.mark.parametrize("memory_bytes", [0, 1 << 30])
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.group)
def test_a_set_leaves_in_the_order_of_its_uniform_bytes_and_knows_the_way_back(suite, memory_bytes, tmp_path):
    scalar = group(suite.group).random_scalar()
    elements = mask_digests(random_rows(3000, 32), scalar, domain=b"test")
    for traced in (False, True):
        made = fill(star_sets(memory_bytes, tmp_path).shuffle(3000, suite, traced=traced), elements)
        left = list(made.chunks(1000))
        assert [len(chunk) for chunk in left] == [1000, 1000, 1000]
        given_away = np.concatenate(left)
        keys = [bytes(row[suite.key_offset :]) + bytes(row[: suite.key_offset]) for row in given_away]
        assert keys == sorted(keys)
        assert {bytes(row) for row in given_away} == {bytes(row) for row in elements}
        if traced:
            mask = np.arange(3000) % 7 == 0
            before = made.as_taken(mask)
            assert {bytes(row) for row in elements[before]} == {bytes(row) for row in given_away[mask]}
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 70_000])
def test_any_number_of_elements_comes_out_in_whole_chunks(count):
    elements = random_rows(count, 32)
    left = list(fill(star_sets().shuffle(count, RISTRETTO, traced=True), elements).chunks(1000))
    assert [len(chunk) for chunk in left] == [1000] * (count // 1000) + [count % 1000] * (count % 1000 > 0)
    assert {bytes(row) for chunk in left for row in chunk} == {bytes(row) for row in elements}


def test_the_order_does_not_depend_on_that_in_which_a_set_came():
    elements = random_rows(5000, 32)
    orders = [
        b"".join(map(bytes, fill(star_sets().shuffle(5000, RISTRETTO, traced=True), rows).chunks(64)))
        for rows in (elements, elements[::-1], np.random.default_rng(0).permutation(elements))
    ]
    assert len(set(orders)) == 1


@pytest.mark.parametrize("traced", [False, True])
def test_a_repeated_element_is_refused(traced):
    elements = random_rows(2000, 32)
    elements[1900] = elements[3]
    with pytest.raises(errors.PeerDuplicate):
        list(fill(star_sets().shuffle(2000, RISTRETTO, traced=traced), elements).chunks(100))


def test_elements_that_lie_together_are_refused_before_they_fill_the_memory():
    count = 400_000
    elements = random_rows(count, 32)
    elements[:, 0] = 7
    with pytest.raises(errors.PeerValue):
        list(fill(star_sets().shuffle(count, RISTRETTO, traced=False), elements, 1 << 14).chunks(100))
    hub, other = (star_sets().tags(count, 9) for _ in range(2))
    with pytest.raises(errors.PeerValue):
        list(hub.keep_shared(fill(other, elements[:, :9], 1 << 14)))


@settings(max_examples=40)
@given(
    st.lists(st.sets(st.binary(min_size=2, max_size=2), max_size=40), min_size=3, max_size=5),
    st.sampled_from([0, 1 << 30]),
)
def test_tags_that_all_sets_have_are_left(tags, memory_bytes):
    sets = star_sets(memory_bytes)
    rows = [sorted(each, key=hash) for each in tags]
    made = [
        fill(sets.tags(len(each), 2), np.frombuffer(b"".join(each), np.uint8).reshape(-1, 2)) for each in rows
    ]
    for other in made[1:]:
        for _ in made[0].keep_shared(other):
            pass
    shared = set.intersection(*tags)
    assert made[0].count == len(shared)
    assert made[0].left().tolist() == [tag in shared for tag in rows[0]]


@pytest.mark.parametrize("side", [0, 1])
def test_a_repeated_tag_is_refused_on_either_side(side):
    rows = [random_rows(500, 9, seed) for seed in (1, 2)]
    rows[side][77] = rows[side][400]
    hub, other = (fill(star_sets().tags(500, 9), each) for each in rows)
    with pytest.raises(errors.PeerDuplicate):
        list(hub.keep_shared(other))


def test_sets_that_are_gone_make_room_for_others(tmp_path):
    sets = StarSets(Workspace(1000 * (2 * 32 + 8), tmp_path), 1000 * 8)
    shelf = lambda made: type(made._segments._shelf)  # noqa: E731
    first, second = (sets.shuffle(1000, RISTRETTO, traced=False) for _ in range(2))
    assert (shelf(first), shelf(second)) == (MemoryShelf, MemoryShelf)
    assert shelf(sets.shuffle(1000, RISTRETTO, traced=False)) is FileShelf
    list(fill(first, random_rows(1000, 32)).chunks(100))
    assert shelf(sets.shuffle(1000, RISTRETTO, traced=False)) is MemoryShelf
