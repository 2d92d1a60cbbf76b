"""psi_ecdh: the intersection is right, and what crosses is fresh, shuffled and no longer than it must be."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InvalidArgument, PeerGone, ResumeMismatch
from isthmus.groups import group, group_names
from isthmus.protocol.psi_exchange import WINDOW
from isthmus.protocol.suites import PSI_SUITES, psi_suite
from isthmus.protocol.wire import psi_ecdh_pb2 as wire
from tests.protocol.cases import drive
from tests.protocol.psi_parties import PsiParty

ROLES = [("receiver", "sender"), ("sender", "receiver"), ("both", "both")]


def run(a, b, roles, *, tamper_a=None, tamper_b=None, **options):
    """Run two parties; return their matches and the identifiers that each learned."""
    parties = [PsiParty(pa.array(ids, pa.string())) for ids in (a, b)]
    machines = [party.steps(role, **options) for party, role in zip(parties, roles, strict=True)]
    matches = drive(*machines, tamper_a=tamper_a, tamper_b=tamper_b)
    found = [
        None if match.positions is None else [ids[row] for row in party.rows(match)]
        for party, ids, match in zip(parties, (a, b), matches, strict=True)
    ]
    return matches, found


ids = st.lists(st.text("abé中", min_size=1, max_size=3), unique=True, max_size=20)


@pytest.mark.parametrize("roles", ROLES)
@settings(max_examples=25)
@given(a=ids, b=ids, batch_items=st.integers(1, 8))
def test_the_result_is_the_intersection(roles, a, b, batch_items):
    matches, found = run(a, b, roles, batch_items=batch_items)
    for role, match, learned in zip(roles, matches, found, strict=True):
        if role == "sender":
            assert learned is None
            assert match.size is None
        else:
            assert sorted(learned) == sorted(set(a) & set(b))
            assert match.size == len(learned)
    if roles == ("both", "both"):
        assert found[0] == found[1]
    assert (matches[0].peer_count, matches[1].peer_count) == (len(b), len(a))


@pytest.mark.parametrize("roles", ROLES)
@settings(max_examples=15)
@given(a=ids, b=ids, batch_items=st.integers(1, 8))
def test_the_size_alone_is_the_size(roles, a, b, batch_items):
    matches, found = run(a, b, roles, batch_items=batch_items, reveal="size")
    assert found == [None, None]
    assert [match.size for match in matches] == [
        None if role == "sender" else len(set(a) & set(b)) for role in roles
    ]


@pytest.mark.parametrize(("a_count", "b_count"), [(40, 1), (1, 40), (0, 9), (9, 0), (0, 0)])
@pytest.mark.parametrize("reveal", ["rows", "size"])
@pytest.mark.parametrize("roles", ROLES)
def test_sets_of_unequal_size(roles, reveal, a_count, b_count):
    a, b = [f"{i}" for i in range(a_count)], [f"{i}" for i in range(b_count)]
    for match in run(a, b, roles, batch_items=2, reveal=reveal)[0]:
        assert match.size in (None, min(a_count, b_count))


@pytest.mark.parametrize("suite", PSI_SUITES)
def test_every_group_there_is_has_a_suite(suite):
    if suite not in group_names():
        with pytest.raises(InvalidArgument):
            group(suite)
        return
    a, b = [f"{i}" for i in range(30)], [f"{i}" for i in range(20, 60)]
    _, found = run(a, b, ROLES[2], suite=suite)
    assert found[0] == found[1]
    assert set(found[0]) == set(a) & set(b)


def recorded(count=60, **options):
    """The messages of one party, and what it learned."""
    messages = []

    def record(_, message):
        messages.append(message)
        return message

    a = [f"customer-{i}" for i in range(count)]
    _, found = run(a, a, ROLES[2], tamper_a=record, **options)
    return messages, found[0]


def points_of(messages):
    points = b"".join(message.points for message in messages if isinstance(message, wire.Masked))
    return [points[i : i + 32] for i in range(0, len(points), 32)]


def tags_of(messages):
    width = psi_suite("ristretto255").tag_bytes(60, 60)
    tags = b"".join(message.tags for message in messages if isinstance(message, wire.DoubleMasked))
    return [tags[i : i + width] for i in range(0, len(tags), width)]


def test_masks_are_fresh_and_the_order_is_shuffled():
    first, found = recorded()
    second, again = recorded()
    assert not set(points_of(first)) & set(points_of(second))
    assert len(set(points_of(first))) == 60
    assert sorted(found) == sorted(again)
    assert found != again


def test_what_is_returned_is_cut_to_the_length_that_collisions_need():
    assert len(set(tags_of(recorded()[0]))) == 60


def test_for_the_size_alone_tags_come_sorted_after_everything_else_has_arrived():
    messages, _ = recorded(reveal="size")
    tags = tags_of(messages)
    assert tags == sorted(tags)
    kinds = [type(message) for message in messages]
    assert wire.Masked not in kinds[kinds.index(wire.DoubleMasked) :]
    rows, _ = recorded()
    assert tags_of(rows) != sorted(tags_of(rows))


@pytest.mark.parametrize(
    ("a", "b", "length"),
    [(1, 1, 6), (2**16, 2**16, 10), (2**20, 2**20, 11), (2**32, 2**32, 14), (10**6, 5 * 10**7, 11)],
)
def test_tags_are_long_enough(a, b, length):
    assert psi_suite("ristretto255").tag_bytes(a, b) == length
    # The least bit is always 0. P[an item of a and another of b share a tag] <= a·b · 2^-(bits - 1)
    assert a * b * 2**40 <= 2 ** (8 * length - 1)


@pytest.mark.parametrize("suite", sorted(set(PSI_SUITES) & set(group_names())))
def test_the_bits_of_a_tag_are_spread_evenly_but_for_those_that_are_constant(suite):
    row = PSI_SUITES[suite]
    points = group(suite).hash_to_group([b"%d" % i for i in range(2000)], dst=b"test")
    keys = points[:, row.key_offset : row.key_offset + 16]
    ones = np.unpackbits(keys, axis=1, bitorder="little").mean(axis=0)
    assert np.sum(np.abs(ones - 0.5) > 0.06) == row.constant_bits


@pytest.mark.parametrize("roles", ROLES)
def test_a_result_below_the_minimum_is_withheld_from_both(roles):
    for reveal in ("rows", "size"):
        for match in run(["a", "b", "c"], ["b", "c", "d"], roles, min_result=3, reveal=reveal)[0]:
            assert not match.released
            assert match.positions is None
            assert match.size is None
        for match in run(["a", "b", "c"], ["b", "c", "d"], roles, min_result=2, reveal=reveal)[0]:
            assert match.released


def interrupted(reveal="rows"):
    """Two parties whose connection is lost after some messages; their ledgers stay."""
    a, b = PsiParty([f"{i}" for i in range(60)], seed=1), PsiParty([f"{i}" for i in range(40, 90)], seed=2)

    def lose(position, message):
        if position > 90:
            raise PeerGone("the connection is lost")
        return message

    with pytest.raises(PeerGone):
        drive(*(party.steps("both", reveal=reveal, batch_items=1) for party in (a, b)), tamper_a=lose)
    return a, b


@pytest.mark.parametrize("reveal", ["rows", "size"])
def test_machines_go_on_with_what_their_ledgers_hold(reveal):
    a, b = interrupted(reveal)
    run_name, sent = a.ledger.record.run, []

    def record(_, message):
        sent.append(message)
        return message

    matches = drive(*(party.steps("both", reveal=reveal, batch_items=1) for party in (a, b)), tamper_a=record)
    assert a.ledger.record.run == run_name == b.ledger.record.run
    assert [match.size for match in matches] == [20, 20]
    if reveal == "rows":
        assert sorted(a.rows(matches[0])) == list(range(40, 60))
    assert not any(isinstance(message, wire.Masked) and message.index == 0 for message in sent)


def test_a_peer_that_had_answers_and_lost_the_run_cannot_begin_another():
    _, b = interrupted()
    fresh = PsiParty([f"{i}" for i in range(60)], seed=1)
    with pytest.raises(ResumeMismatch):
        drive(fresh.steps("both", batch_items=1), b.steps("both", batch_items=1))


def test_a_call_that_resumes_begins_another_run_if_the_peer_has_lost_it():
    _, b = interrupted()
    run_name, seed = b.ledger.record.run, b.ledger.record.seed.reveal()
    b.ledger.restore(b.ledger._begun, iter(()), iter(()))
    fresh = PsiParty([f"{i}" for i in range(60)], seed=1)
    matches = drive(fresh.steps("both", batch_items=1), b.steps("both", batch_items=1))
    assert [match.size for match in matches] == [20, 20]
    assert b.ledger.record.run != run_name
    assert b.ledger.record.seed.reveal() != seed


@pytest.mark.parametrize(("masked", "answered"), [(99, None), (None, 99), (0, None), (None, 0)])
def test_positions_that_no_run_can_have_are_refused(masked, answered):
    a, b = PsiParty([f"{i}" for i in range(60)]), PsiParty([f"{i}" for i in range(40, 90)])
    drive(a.steps("both", batch_items=1), b.steps("both", batch_items=1))
    assert a.ledger.peer_batches > WINDOW

    def lie(_, message):
        if isinstance(message, wire.Start):
            if masked is not None:
                message.resume.masked = masked
            if answered is not None:
                message.resume.answered = answered
        return message

    with pytest.raises(ResumeMismatch):
        drive(a.steps("both", batch_items=1), b.steps("both", batch_items=1), tamper_b=lie)
