"""psi_ecdh: the intersection is right, and what crosses is fresh, shuffled and no longer than it must be."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.protocol.matching import as_tags, match_tags
from isthmus.protocol.psi_ecdh import ecdh_psi, tag_bytes
from isthmus.protocol.wire import psi_ecdh_pb2 as wire
from tests.protocol.cases import drive

ROLES = [("receiver", "sender"), ("sender", "receiver"), ("both", "both")]


def run(a, b, roles, *, min_result=0, chunk_items=5, tamper_a=None, tamper_b=None):
    columns = [[pa.array(ids, pa.string())] for ids in (a, b)]
    machines = [
        ecdh_psi(column, np.arange(len(ids)), role=role, min_result=min_result, chunk_items=chunk_items)
        for column, ids, role in zip(columns, (a, b), roles, strict=True)
    ]
    return drive(*machines, tamper_a=tamper_a, tamper_b=tamper_b)


ids = st.lists(st.text("abé中", min_size=1, max_size=3), unique=True, max_size=20)


@pytest.mark.parametrize("roles", ROLES)
@settings(max_examples=25, deadline=None)
@given(a=ids, b=ids, chunk_items=st.integers(1, 8))
def test_the_result_is_the_intersection(roles, a, b, chunk_items):
    results = run(a, b, roles, chunk_items=chunk_items)
    found = []
    for own, role, match in zip((a, b), roles, results, strict=True):
        if role == "sender":
            assert match.rows is None
        else:
            found.append([own[row] for row in match.rows])
            assert sorted(found[-1]) == sorted(set(a) & set(b))
    if roles == ("both", "both"):
        assert found[0] == found[1]
    assert (results[0].peer_count, results[1].peer_count) == (len(b), len(a))


@pytest.mark.parametrize(("a_count", "b_count"), [(40, 1), (1, 40), (0, 9), (9, 0), (0, 0)])
@pytest.mark.parametrize("roles", ROLES)
def test_sets_of_unequal_size(roles, a_count, b_count):
    a, b = [f"{i}" for i in range(a_count)], [f"{i}" for i in range(b_count)]
    for match in run(a, b, roles, chunk_items=2):
        assert match.rows is None or len(match.rows) == min(a_count, b_count)


def test_only_the_given_rows_take_part():
    column = [pa.array(["x", "y", "z", "x"])]
    a, b = drive(
        ecdh_psi(column, np.array([0, 2]), role="both", min_result=1),
        ecdh_psi(column, np.array([1, 2, 3]), role="both", min_result=1),
    )
    assert sorted(a.rows) == [0, 2]
    assert sorted(b.rows) == [2, 3]


def sent_points(count=60):
    messages = []

    def record(_, message):
        messages.append(message)
        return message

    a = [f"customer-{i}" for i in range(count)]
    result, _ = run(a, a, ROLES[2], tamper_a=record)
    points = b"".join(message.points for message in messages if isinstance(message, wire.Masked))
    return [points[i : i + 32] for i in range(0, len(points), 32)], messages, result


def test_masks_are_fresh_and_the_order_is_shuffled():
    first, _, result = sent_points()
    second, _, again = sent_points()
    assert not set(first) & set(second)
    assert len(set(first)) == 60
    assert sorted(result.rows) == sorted(again.rows) == list(range(60))
    assert result.rows.tolist() != again.rows.tolist()


def test_what_is_returned_is_cut_to_the_length_that_collisions_need():
    _, messages, _ = sent_points()
    tags = [message.tags for message in messages if isinstance(message, wire.DoubleMasked)]
    assert sum(map(len, tags)) == 60 * tag_bytes(60, 60)


@pytest.mark.parametrize(
    ("a", "b", "length"), [(1, 1, 6), (2**16, 2**16, 10), (2**20, 2**20, 11), (2**32, 2**32, 14)]
)
def test_tags_are_long_enough(a, b, length):
    assert tag_bytes(a, b) == length
    # The least bit is always 0. P[two of n items share a tag] <= n²/2 · 2^-(bits - 1)
    bits = 8 * length - 1
    assert ((a + b) ** 2) // 2 * 2**40 <= 2**bits


@pytest.mark.parametrize("roles", ROLES)
def test_a_result_below_the_minimum_is_withheld_from_both(roles):
    for match in run(["a", "b", "c"], ["b", "c", "d"], roles, min_result=3):
        assert not match.released
        assert match.rows is None
    for match in run(["a", "b", "c"], ["b", "c", "d"], roles, min_result=2):
        assert match.released


@given(
    own=st.sets(st.binary(min_size=11, max_size=11), max_size=30),
    peer=st.sets(st.binary(min_size=11, max_size=11), max_size=30),
    both=st.sets(st.binary(min_size=11, max_size=11), max_size=10),
)
@settings(deadline=None)
def test_match_tags_finds_the_common_ones_in_one_order(own, peer, both):
    sides = [sorted(own | both, key=hash), sorted(peer | both, key=lambda tag: tag[::-1])]
    a, b = (as_tags(np.frombuffer(b"".join(side), np.uint8).reshape(-1, 11)) for side in sides)
    found_a = [sides[0][i] for i in match_tags(a, b)]
    found_b = [sides[1][i] for i in match_tags(b, a)]
    assert found_a == found_b
    assert set(found_a) == (own | both) & (peer | both)


def test_match_tags_tells_tags_apart_that_share_a_word():
    low = np.zeros((3, 16), np.uint8)
    low[:, 15] = [1, 2, 3]
    tags = as_tags(low)
    assert match_tags(tags, tags[:2]).tolist() == [0, 1]
