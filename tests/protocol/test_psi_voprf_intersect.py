"""psi.intersect with protocol="voprf" between two sessions: rows, audit records, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from isthmus import errors, psi
from isthmus.party import run_in_memory
from isthmus.protocol import psi_voprf
from isthmus.protocol.machine import Send
from isthmus.protocol.registry import PSI_PROTOCOLS
from tests.protocol.test_psi_voprf import SUITES, TEXT_A, TEXT_B, statements


def intersect(ids_a, ids_b, role_a="receiver", role_b="sender", **options):
    return run_in_memory(
        {
            "bank": lambda s: psi.intersect(s, ids_a, role=role_a, protocol="voprf", **options),
            "fund": lambda s: psi.intersect(s, ids_b, role=role_b, protocol="voprf", **options),
        }
    )


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("memory_bytes", [0, 1 << 30])
def test_the_receiver_learns_its_rows(suite, memory_bytes):
    found = intersect(TEXT_A, TEXT_B, suite=suite, memory_bytes=memory_bytes)
    assert found["bank"].indices.tolist() == [1, 2, 4]
    assert (found["bank"].size, found["bank"].peer_size) == (3, 6)
    assert found["fund"].indices is None
    assert (found["fund"].size, found["fund"].peer_size) == (None, 5)


@pytest.mark.parametrize(("duplicates", "rows", "left_out"), [("first", [0, 1], 2), ("all", [0, 1, 2, 4], 0)])
def test_repeated_identifiers_are_this_partys_own_affair(duplicates, rows, left_out):
    ids = ["bob", "eve", "bob", "zoe", "eve"]
    found = intersect(ids, TEXT_B + TEXT_B, duplicates=duplicates)["bank"]
    assert found.indices.tolist() == rows
    assert (found.duplicates, found.size, found.peer_size) == (left_out, 2, 6)
    with pytest.raises(errors.DuplicateId):
        intersect(ids, TEXT_B)


def test_canonical_forms_and_composite_keys():
    a = pa.table({"branch": ["A ", "b"], "number": [1, 2]})
    b = pa.table({"area": ["a", "b", "a"], "n": [1, 3, 2]})
    results = run_in_memory(
        {
            "bank": lambda s: psi.intersect(
                s, a, role="receiver", protocol="voprf", normalize={"branch": "trim,lower"}
            ),
            "fund": lambda s: psi.intersect(
                s, b, role="sender", protocol="voprf", normalize={"area": "trim,lower"}
            ),
        }
    )
    assert results["bank"].indices.tolist() == [0]


def test_the_audit_records_say_who_learned_what():
    def party(role, ids):
        def work(session):
            psi.intersect(session, ids, role=role, protocol="voprf")
            return statements(session)

        return work

    records = run_in_memory({"bank": party("receiver", TEXT_A), "fund": party("sender", TEXT_B)})
    counts = [
        "bank learned that fund has 6 distinct identifiers",
        "fund learned that bank has 5 distinct identifiers",
    ]
    assert records["bank"] == [*counts, "bank learned which of its identifiers both have: 3"]
    assert records["fund"] == [*counts[::-1], "bank learned which of its identifiers both have"]


def test_a_small_result_is_recorded_as_what_the_receiver_said():
    seen = {}

    def party(role, ids):
        def work(session):
            with pytest.raises(errors.ResultTooSmall):
                psi.intersect(session, ids, role=role, protocol="voprf", min_result=4)
            seen[role] = statements(session)

        return work

    run_in_memory({"bank": party("receiver", TEXT_A), "fund": party("sender", TEXT_B)})
    assert seen["receiver"][-1] == "both learned that they share fewer than 4 identifiers"
    assert seen["sender"][-1] == "bank said that both share fewer than 4 identifiers; it could compute which"


def test_a_receiver_that_leaves_with_its_answers_is_recorded():
    def leave(progress):
        if progress.detail == "matching":
            raise RuntimeError("it has what it wanted")

    kept = []

    def bank(session):
        try:
            psi.intersect(session, TEXT_A, role="sender", protocol="voprf")
        finally:
            kept.extend(statements(session))

    def fund(session):
        session.on_progress = leave
        psi.intersect(session, TEXT_B, role="receiver", protocol="voprf")

    with pytest.raises((RuntimeError, errors.IsthmusError)):
        run_in_memory({"bank": bank, "fund": fund})
    assert kept == ["fund got answers for up to 6 of its identifiers before the run failed"]


def test_a_lost_connection_ends_the_run():
    """A second run in the same call would answer a receiver for other identifiers."""

    class Lost:
        party, peer, can_reconnect = "bank", "fund", True

        def report(self, progress):
            pass

        def run(self, *_):
            raise errors.PeerGone("the connection is lost")

    with pytest.raises(errors.PeerGone):
        psi.intersect(Lost(), TEXT_A, role="sender", protocol="voprf")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"role": "both"}, "no role both: use receiver or sender, or protocol ecdh"),
        ({"suite": "SM2"}, "no suite SM2: use ristretto255 or P-256, or protocol ecdh"),
        ({"suite": "X25519"}, "no suite X25519"),
        ({"engine": "ray"}, "no engine ray: use local"),
        ({"state_dir": "state"}, "cannot resume a run: give no state folder"),
        ({"suite": "P-255"}, "suite must be one of"),
        ({"protocol": "oprf"}, "protocol must be one of ecdh, voprf"),
    ],
)
def test_what_the_protocol_does_not_do_is_refused_before_anything_is_read(options, said):
    with pytest.raises(errors.InvalidArgument, match=said):
        psi.intersect(None, None, **{"role": "receiver", "protocol": "voprf", **options})


def test_a_size_alone_is_refused():
    with pytest.raises(errors.InvalidArgument, match="for their number, use protocol ecdh"):
        psi.intersection_size(None, None, role="receiver", protocol="voprf")


def test_a_peer_that_runs_the_other_protocol_is_refused():
    with pytest.raises((errors.ParameterMismatch, errors.PeerFailed)):
        run_in_memory(
            {
                "bank": lambda s: psi.intersect(s, TEXT_A, role="receiver", protocol="voprf"),
                "fund": lambda s: psi.intersect(s, TEXT_B, role="sender"),
            }
        )


def test_messages_are_far_below_the_longest_that_is_taken(monkeypatch):
    sizes, row = [], PSI_PROTOCOLS["voprf"]

    def steps(*args, **options):
        inner, answer = row.steps(*args, **options), None
        while True:
            try:
                step = inner.send(answer)
            except StopIteration as stop:
                return stop.value
            if isinstance(step, Send):
                sizes.append(step.message.ByteSize())
            answer = yield step

    monkeypatch.setitem(PSI_PROTOCOLS, "voprf", replace(row, steps=steps))
    ids = np.arange(psi_voprf.BATCH_ITEMS + 1)
    assert intersect(ids, ids)["bank"].size == len(ids)
    assert 32 * psi_voprf.BATCH_ITEMS < max(sizes) < psi_voprf.MAX_MESSAGE_BYTES // 2
