"""psi.intersect between two sessions, with identifiers from every supported source."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus import errors, psi
from isthmus.party import run_in_memory
from isthmus.protocol import psi_ecdh
from isthmus.protocol.machine import Send
from isthmus.protocol.wire.psi_ecdh_pb2 import Verdict

TEXT_A = ["carol", "bob", "žofie", "dave", "alice"]
TEXT_B = ["eve", "žofie", "alice", "frank", "bob", "grace"]
NUMBERS_A = [10, -5, 2**40, 7]
NUMBERS_B = [2**40, 3, -5]

TEXT_SOURCES = {
    "list": list,
    "numpy": np.array,
    "pandas": pd.Series,
    "pandas-category": lambda ids: pd.Series(ids, dtype="category"),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "large": lambda ids: pa.array(ids, pa.large_string()),
    "view": lambda ids: pa.array(ids, pa.string_view()),
    "chunked": lambda ids: pa.chunked_array([ids[:2], ids[2:]]),
    "sliced": lambda ids: pa.array(["before", *ids, "after"]).slice(1, len(ids)),
    "dataframe": lambda ids: pd.DataFrame({"id": ids}),
}
NUMBER_SOURCES = {
    "numpy": np.array,
    "pandas": pd.Series,
    "polars": pl.Series,
    "pyarrow": pa.array,
    "object": lambda ids: np.array(ids, dtype=object),
}


def intersect(ids_a, ids_b, role_a="both", role_b="both", **options):
    return run_in_memory(
        {
            "bank": lambda session: psi.intersect(session, ids_a, role=role_a, **options),
            "fund": lambda session: psi.intersect(session, ids_b, role=role_b, **options),
        }
    )


@pytest.mark.parametrize("source_a", TEXT_SOURCES)
def test_text_from_any_source(source_a):
    results = intersect(TEXT_SOURCES[source_a](TEXT_A), TEXT_B)
    a, b = results["bank"], results["fund"]
    assert [TEXT_A[i] for i in a.indices] == [TEXT_B[i] for i in b.indices]
    assert {TEXT_A[i] for i in a.indices} == {"bob", "žofie", "alice"}
    assert a.indices.dtype == np.int64
    assert (a.size, a.peer_size, b.size, b.peer_size) == (3, 6, 3, 5)


@pytest.mark.parametrize("source_a", NUMBER_SOURCES)
def test_integers_from_any_source(source_a):
    results = intersect(NUMBER_SOURCES[source_a](NUMBERS_A), NUMBERS_B)
    assert {NUMBERS_A[i] for i in results["bank"].indices} == {2**40, -5}


def test_integer_width_and_sign_do_not_matter():
    results = intersect(np.array([1, 2, 200], np.uint8), np.array([200, 1, -1], np.int64))
    assert sorted(results["bank"].indices) == [0, 2]


def test_composite_keys_join_on_all_fields():
    a = pa.table({"branch": ["a", "a,b", "x"], "number": ["b,c", "c", "1"]})
    b = pl.DataFrame({"branch": ["a,b", "ab", "x"], "number": ["c", ",c", "1"]})
    results = intersect(a, b)
    assert sorted(results["bank"].indices) == [1, 2]


@pytest.mark.parametrize(("role_a", "role_b"), [("receiver", "sender"), ("sender", "receiver")])
def test_one_party_learns(role_a, role_b):
    results = intersect(TEXT_A, TEXT_B, role_a, role_b)
    learner, other = ("bank", "fund") if role_a == "receiver" else ("fund", "bank")
    assert results[other].indices is None
    assert results[other].size is None
    own = TEXT_A if learner == "bank" else TEXT_B
    shared = set(TEXT_A) & set(TEXT_B)
    assert results[learner].indices.tolist() == [i for i, name in enumerate(own) if name in shared]


def test_the_audit_records_say_who_learned_what():
    def party(role, ids):
        def work(session):
            psi.intersect(session, ids, role=role)
            return [record["statement"] for record in session.audit if record["event"] == "disclosure"]

        return work

    records = run_in_memory({"bank": party("receiver", TEXT_A), "fund": party("sender", TEXT_B)})
    assert "bank learned which of its identifiers both have: 3" in records["bank"]
    assert "bank learned which of its identifiers both have" in records["fund"]
    assert "fund learned that bank has 5 distinct identifiers" in records["fund"]
    assert not any("fund learned which" in line for lines in records.values() for line in lines)


def test_a_peer_that_stopped_over_a_small_result_is_recorded():
    class Stopped:
        party, peer = "bank", "fund"

        def report(self, progress):
            pass

        def run(self, *_):
            raise errors.PeerFailed("the peer stopped", peer_code=errors.ResultTooSmall.code)

    session, statements = Stopped(), []
    session.disclose = statements.append
    with pytest.raises(errors.ResultTooSmall):
        psi.intersect(session, TEXT_A, role="both", min_result=4)
    assert statements == [
        "fund learned that bank has 5 distinct identifiers",
        "fund said that both share fewer than 4 identifiers",
    ]


def statements(session):
    return [record["statement"] for record in session.audit if record["event"] == "disclosure"]


def test_a_sender_records_a_small_result_as_what_the_receiver_said(monkeypatch):
    """A receiver may have all tags and say anything."""
    real = psi_ecdh._verdict

    def lying(role, large_enough):
        if role == "receiver":
            yield Send(Verdict(released=False))
            return True
        return (yield from real(role, large_enough))

    monkeypatch.setattr(psi_ecdh, "_verdict", lying)

    def party(role):
        def work(session):
            try:
                return psi.intersect(session, TEXT_A, role=role, min_result=5).size
            except errors.ResultTooSmall:
                return statements(session)

        return work

    found = run_in_memory({"bank": party("receiver"), "fund": party("sender")})
    assert found["bank"] == 5
    assert "bank said that both share fewer than 5 identifiers; it could compute which" in found["fund"]
    assert not any("both learned" in line for line in found["fund"])


@pytest.mark.parametrize("call", [psi.intersect, psi.intersection_size])
@pytest.mark.parametrize("role", ["sender", "both"])
def test_a_peer_that_leaves_with_its_answers_is_recorded(call, role):
    def leave(progress):
        if progress.detail == "matching":
            raise RuntimeError("it has what it wanted")

    counterpart = {"sender": "receiver", "both": "both"}[role]
    kept = []

    def bank(session):
        try:
            call(session, TEXT_A, role=role)
        finally:
            kept.extend(statements(session))

    def fund(session):
        session.on_progress = leave
        call(session, TEXT_B, role=counterpart)

    with pytest.raises((RuntimeError, errors.IsthmusError)):
        run_in_memory({"bank": bank, "fund": fund})
    assert kept == ["fund got answers for up to 6 of its identifiers before the run failed"]


def test_messages_are_far_below_the_longest_that_is_taken(monkeypatch):
    assert psi_ecdh.BATCH_ITEMS * 33 < psi_ecdh.MAX_MESSAGE_BYTES // 2
    monkeypatch.setitem(psi_ecdh.ecdh_psi.__kwdefaults__, "batch_items", 40_000)
    with pytest.raises(errors.TooLarge):
        intersect(list(map(str, range(40_000))), TEXT_B)


def test_stages_and_progress_are_reported():
    seen = []

    def bank(session):
        session.on_progress = seen.append
        psi.intersect(session, TEXT_A, role="both")
        return session.stages

    stages = run_in_memory({"bank": bank, "fund": lambda s: psi.intersect(s, TEXT_B, role="both")})["bank"]
    assert [stage.name for stage in stages] == ["align"]
    assert stages[0].bytes_sent > 32 * len(TEXT_A)
    both = len(TEXT_A) + len(TEXT_B)
    assert (seen[-1].done, seen[-1].total) == (both, both)


def test_several_runs_in_one_session():
    def party(ids):
        return lambda session: [psi.intersect(session, ids, role="both").size for _ in range(3)]

    assert run_in_memory({"bank": party(TEXT_A), "fund": party(TEXT_B)}) == {"bank": [3] * 3, "fund": [3] * 3}


def size_of(ids_a, ids_b, role_a="both", role_b="both", **options):
    return run_in_memory(
        {
            "bank": lambda session: (
                psi.intersection_size(session, ids_a, role=role_a, **options),
                session.audit,
            ),
            "fund": lambda session: (
                psi.intersection_size(session, ids_b, role=role_b, **options),
                session.audit,
            ),
        }
    )


@pytest.mark.parametrize(
    ("role_a", "role_b"), [("both", "both"), ("receiver", "sender"), ("sender", "receiver")]
)
def test_the_size_alone(role_a, role_b):
    found = size_of(TEXT_A, TEXT_B, role_a, role_b)
    for name, role, peers in (("bank", role_a, TEXT_B), ("fund", role_b, TEXT_A)):
        result, audit = found[name]
        assert result == psi.PsiSize(None if role == "sender" else 3, len(peers), 0)
        statements = [record["statement"] for record in audit if record["event"] == "disclosure"]
        assert any(f"{name} learned how many" in line for line in statements) == (role != "sender")
        assert not any("learned which" in line for line in statements)


def test_a_size_below_the_minimum_is_withheld():
    with pytest.raises(errors.ResultTooSmall):
        size_of(TEXT_A, TEXT_B, min_result=4)
    assert size_of(TEXT_A, TEXT_B, min_result=3)["bank"][0].size == 3


def test_rows_and_size_do_not_meet():
    with pytest.raises(errors.ParameterMismatch, match="reveal"):
        run_in_memory(
            {
                "bank": lambda session: psi.intersect(session, TEXT_A, role="both"),
                "fund": lambda session: psi.intersection_size(session, TEXT_B, role="both"),
            }
        )


def test_a_size_has_no_rows_to_choose():
    with pytest.raises(errors.InvalidArgument):
        size_of(TEXT_A, TEXT_B, duplicates="all")


def test_every_row_of_a_shared_identifier_comes_when_asked_for():
    ids = ["bob", "x", "alice", "bob", "y", "x", "bob"]
    results = intersect(ids, TEXT_B, duplicates="all")
    bank, fund = results["bank"], results["fund"]
    assert sorted(bank.indices) == [0, 2, 3, 6]
    assert (bank.size, bank.duplicates, fund.peer_size) == (2, 0, 4)
    in_order = list(dict.fromkeys(ids[row] for row in bank.indices))
    assert in_order == [TEXT_B[row] for row in fund.indices]
    lone = intersect(ids, TEXT_B, "receiver", "sender", duplicates="all")["bank"]
    assert lone.indices.tolist() == [0, 2, 3, 6]


def test_identifiers_come_as_a_stream_and_in_bounded_memory():
    ids = pa.array([f"{i:06d}" for i in range(5000)])
    stream = pa.RecordBatchReader.from_batches(
        pa.schema([("id", pa.string())]),
        (pa.record_batch({"id": ids[start : start + 700]}) for start in range(0, 5000, 700)),
    )
    results = intersect(stream, ids[4000:], memory_bytes=0)
    assert [ids[row].as_py() for row in results["bank"].indices] == [
        ids[4000 + row].as_py() for row in results["fund"].indices
    ]
    assert sorted(results["bank"].indices) == list(range(4000, 5000))


def test_progress_tells_the_rate_and_the_time_left():
    seen = []

    def bank(session):
        session.on_progress = seen.append
        psi.intersect(session, [f"{i}" for i in range(30_000)], role="both")

    run_in_memory({"bank": bank, "fund": lambda s: psi.intersect(s, ["1"], role="both")})
    stages = dict.fromkeys(progress.stage for progress in seen)
    assert list(stages) == ["read", "align"]
    moving = [progress for progress in seen if progress.stage == "align" and progress.rate]
    assert moving
    assert all(
        progress.remaining_seconds == pytest.approx((progress.total - progress.done) / progress.rate)
        for progress in moving
    )
