"""psi.star_intersect and psi.star_join between sessions: three and four parties, and parties that fail."""

from __future__ import annotations

import logging
import threading

import pandas as pd
import pyarrow as pa
import pytest

from isthmus import errors, psi
from isthmus.groups import group_names
from isthmus.protocol import psi_star_relay
from isthmus.protocol.psi_star_plan import CHUNK_ITEMS
from isthmus.protocol.suites import PSI_SUITES
from tests.protocol.conformance import TRANSPORTS
from tests.protocol.star import NAMES, run_star

CANARY = "zq7canary"
SETS = [
    ["e", "a", CANARY, "hub", "b"],
    ["b", "ann", CANARY, "a"],
    [CANARY, "bob", "b"],
    ["cy", "b", "x", CANARY],
]


def run(sets=SETS, *, transport="memory", options=(), **common):
    """Run one party per set; ``options`` are further arguments by party."""
    arguments = [{**common, **(options[j] if j < len(options) else {})} for j in range(len(sets))]
    return run_star(
        lambda sessions: psi.star_intersect(sessions, sets[0], **arguments[0]),
        [lambda session, j=j: psi.star_join(session, sets[j], **arguments[j]) for j in range(1, len(sets))],
        transport=transport,
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("parties", [3, 4])
def test_the_hub_learns_which_and_the_others_how_many(parties, transport):
    outcomes = run(SETS[:parties], transport=transport)
    assert [outcome.error for outcome in outcomes] == [None] * parties
    hub, *spokes = (outcome.result for outcome in outcomes)
    assert hub.indices.tolist() == [2, 4]
    counts = dict(zip(NAMES, map(len, SETS[:parties]), strict=False))
    for result in (hub, *spokes):
        assert (result.size, result.counts, result.code) == (2, counts, hub.code)
    assert all(spoke.indices is None for spoke in spokes)


def test_sets_of_several_messages():
    sets = [[f"c{n}" for n in range(CHUNK_ITEMS + 9)], ["c7", "x"], [f"c{CHUNK_ITEMS + 7}", "c7"]]
    assert run(sets)[0].result.indices.tolist() == [7]


@pytest.mark.parametrize("suite", sorted(PSI_SUITES.keys() & set(group_names())))
def test_every_suite(suite):
    assert run(SETS[:3], suite=suite)[0].result.indices.tolist() == [2, 4]


def test_parties_with_different_suites_stop():
    assert any("suite" in str(o.error) for o in run(SETS[:3], options=[{}, {"suite": "X25519"}]))


def test_tables_duplicates_and_normalisation():
    hub = pd.DataFrame({"name": ["Ann ", "BOB", "Ann", "Cy"], "branch": [1, 1, 1, 2]})
    ann = pa.table({"n": ["ann", "bob", "cy"], "b": [1, 1, 2]})
    bob = pa.table({"n": ["cy", "ANN"], "b": [2, 1]})
    options = [
        {"normalize": {"name": "lower,trim"}, "duplicates": "first"},
        *[{"normalize": {"n": "trim,lower"}}] * 2,
    ]
    outcomes = run([hub, ann, bob], options=options)
    assert outcomes[0].result.indices.tolist() == [0, 3]
    assert (outcomes[0].result.duplicates, outcomes[1].result.duplicates) == (1, 0)


def test_progress_and_audit():
    seen, statements = [], []

    def hub(sessions):
        sessions[0].on_progress = seen.append
        psi.star_intersect(sessions, SETS[0])
        for session in sessions:
            statements.extend(r["statement"] for r in session.audit if r["event"] == "disclosure")

    outcomes = run_star(hub, [lambda session, ids=ids: psi.star_join(session, ids) for ids in SETS[1:]])
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert (seen[-1].done, seen[-1].total) == (16, 16)
    assert any("hub 5, ann 4, bob 3, cy 4" in line for line in statements)
    assert "hub learned which of its identifiers all have" in statements
    assert "cy could learn how many identifiers any of them share" in statements
    joined = [r["statement"] for r in outcomes[1].session.audit if r["event"] == "disclosure"]
    assert joined == statements[: len(joined)]


def test_a_result_below_the_minimum_is_refused_to_all_with_the_same_words():
    for outcomes in (run(min_result=3), run([["a"], ["b"], ["c"]])):
        assert {type(outcome.error) for outcome in outcomes} == {errors.ResultTooSmall}
        assert len({str(outcome.error) for outcome in outcomes}) == 1


def test_nobody_shares_anything_where_the_minimum_allows_it():
    empty = pa.array([], pa.string())
    for sets in ([["a"], ["b"], ["c"]], [empty, ["b"], ["c"]], [["a"], empty, empty]):
        outcomes = run(sets, min_result=0)
        assert outcomes[0].result.indices.tolist() == []
        assert [outcome.result.size for outcome in outcomes] == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "ids", "named"),
    [
        ({"min_result": 2}, ["a"], "min_result"),
        ({"normalize": "trim"}, ["a"], "normalize"),
        ({}, [1, 2], "key"),
    ],
)
def test_a_party_with_other_parameters_ends_the_run_for_all(options, ids, named):
    outcomes = run([SETS[0], ids, SETS[2]], options=[{}, options])
    assert all(outcome.error is not None for outcome in outcomes)
    refusals = [o.error for o in outcomes[:2] if isinstance(o.error, errors.ParameterMismatch)]
    assert refusals and all(named in str(error) for error in refusals)


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([CANARY, CANARY], errors.DuplicateId),
        (["a", None], errors.IdEncoding),
        ([], errors.EmptyInput),
        ([" a"], errors.IdEncoding),
    ],
    ids=["duplicate", "missing", "empty", "unclean"],
)
@pytest.mark.parametrize("party", [0, 2])
def test_a_party_with_unusable_identifiers_ends_the_run_for_all(ids, kind, party):
    sets = [*SETS[:3]]
    sets[party] = pa.array(ids, pa.string())
    outcomes = run(sets)
    assert type(outcomes[party].error) is kind
    assert CANARY not in str(outcomes[party].error)
    assert all(outcome.error is not None and outcome.result is None for outcome in outcomes)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("spoke", [1, 2, 3])
@pytest.mark.parametrize("after", [0, 5, 13])
def test_a_spoke_that_leaves_ends_the_run_for_all(spoke, after, transport):
    """Fault case 26: the spoke goes after so much of its work."""

    def leave(session):
        def go(progress):
            if progress.done >= after:
                session._channel.close()

        session.on_progress = go
        return psi.star_join(session, SETS[spoke])

    joins = [lambda session, ids=ids: psi.star_join(session, ids) for ids in SETS[1:]]
    joins[spoke - 1] = leave
    outcomes = run_star(lambda sessions: psi.star_intersect(sessions, SETS[0]), joins, transport=transport)
    ended = (errors.PeerGone, errors.PeerTruncated, errors.CancelledError, errors.PeerFailed)
    assert all(isinstance(outcome.error, ended) and outcome.result is None for outcome in outcomes)
    assert isinstance(outcomes[0].error, errors.PeerGone | errors.PeerTruncated)
    assert str(outcomes[0].error).startswith(f"{outcomes[0].error.code}: {NAMES[spoke]}: ")


def test_a_hub_that_is_interrupted_ends_the_run_for_all():
    def hub(sessions):
        def interrupt(progress):
            if progress.done:
                raise KeyboardInterrupt

        sessions[0].on_progress = interrupt
        return psi.star_intersect(sessions, SETS[0])

    outcomes = run_star(hub, [lambda session, ids=ids: psi.star_join(session, ids) for ids in SETS[1:]])
    assert isinstance(outcomes[0].error, KeyboardInterrupt)
    assert all(isinstance(outcome.error, errors.CancelledError) for outcome in outcomes[1:])
    assert not [t for t in threading.enumerate() if t.name.startswith("isthmus-star")]


def test_sessions_that_make_no_star_are_refused():
    def hub(sessions):
        for wrong in (sessions[:1], [sessions[0], sessions[0]], []):
            with pytest.raises(errors.InvalidArgument):
                psi.star_intersect(wrong, SETS[0])
        return psi.star_intersect(sessions, SETS[0])

    outcomes = run_star(hub, [lambda session, ids=ids: psi.star_join(session, ids) for ids in SETS[1:]])
    assert outcomes[0].result.size == 2


@pytest.mark.parametrize("options", [{"duplicates": "all"}, {"duplicates": "x"}, {"min_result": -1}])
def test_an_unknown_choice_is_refused(options):
    assert type(run(options=[options])[0].error) is errors.InvalidArgument


def test_logs_and_audit_records_hold_no_identifier(caplog):
    caplog.set_level(logging.DEBUG)
    outcomes = run()
    assert CANARY not in caplog.text
    assert all(CANARY not in str(outcome.session.audit) for outcome in outcomes[1:])


def test_messages_are_bounded_by_what_a_run_has_use_for():
    longest = psi_star_relay.max_message(1000)
    assert CHUNK_ITEMS * 33 + 64 < longest == 1 << 20
    assert psi_star_relay.max_message(10**8) > 10**8 // 8 + 64  # an outcome has a bit for each of these
    assert psi_star_relay.max_message() == psi_star_relay.max_message(1 << 28)
