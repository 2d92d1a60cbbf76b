"""psi_voprf: the answer of psi_ecdh, and a sender that does not answer with its one key is found out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import errors, oprf, psi
from isthmus.party import run_in_memory
from isthmus.protocol import psi_voprf
from isthmus.protocol.psi_voprf import voprf_psi
from isthmus.protocol.registry import PSI_PROTOCOLS
from isthmus.protocol.wire import psi_voprf_pb2 as wire
from tests.protocol.cases import drive
from tests.protocol.psi_parties import COUNTERPART, PsiParty

SUITES = PSI_PROTOCOLS["voprf"].suites
TEXT_A = ["carol", "bob", "žofie", "dave", "alice"]
TEXT_B = ["eve", "žofie", "alice", "frank", "bob", "grace"]


def run(a, b, *, role="receiver", tamper_a=None, tamper_b=None, protocol="voprf", **options):
    """Run two parties; return their matches and the identifiers that the receiver learned."""
    parties = [PsiParty(pa.array(ids, pa.string())) for ids in (a, b)]
    machines = [
        party.steps(r, protocol=PSI_PROTOCOLS[protocol].steps, **options)
        for party, r in zip(parties, (role, COUNTERPART[role]), strict=True)
    ]
    matches = drive(*machines, tamper_a=tamper_a, tamper_b=tamper_b)
    learner = 0 if role == "receiver" else 1
    rows = matches[learner].positions
    return matches, None if rows is None else sorted(
        (a, b)[learner][i] for i in parties[learner].rows(matches[learner])
    )


ids = st.lists(st.text("abé中", min_size=1, max_size=3), unique=True, max_size=20)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("role", ["receiver", "sender"])
@settings(max_examples=25)
@given(a=ids, b=ids, batch_items=st.integers(1, 8))
def test_the_result_is_that_of_psi_ecdh(role, suite, a, b, batch_items):
    options = {"role": role, "suite": suite, "batch_items": batch_items}
    matches, learned = run(a, b, **options)
    assert learned == run(a, b, protocol="ecdh", **options)[1] == sorted(set(a) & set(b))
    sizes = [match.size for match in matches]
    assert sizes == ([len(learned), None] if role == "receiver" else [None, len(learned)])
    assert [match.peer_count for match in matches] == [len(b), len(a)]


@pytest.mark.parametrize(("a_count", "b_count"), [(90, 1), (1, 90), (0, 9), (9, 0), (0, 0), (90, 90)])
@pytest.mark.parametrize("role", ["receiver", "sender"])
def test_sets_of_unequal_size_and_more_batches_than_the_window(role, a_count, b_count):
    a, b = [f"{i}" for i in range(a_count)], [f"{i}" for i in range(b_count)]
    assert run(a, b, role=role, batch_items=2)[1] == sorted(set(a) & set(b))


def test_disjoint_sets_share_nothing():
    matches, found = run(["a", "b"], ["c", "d"])
    assert found == []
    assert matches[0].size == 0


@pytest.mark.parametrize("min_result", [2, 3])
def test_a_result_below_the_minimum_is_withheld(min_result):
    matches, found = run(["a", "b", "c"], ["b", "c", "d"], min_result=min_result)
    assert [match.released for match in matches] == [min_result == 2] * 2
    assert found == (["b", "c"] if min_result == 2 else None)
    assert matches[0].size == (2 if min_result == 2 else None)


@pytest.mark.parametrize(
    ("receiver", "sender", "width"), [(1, 1, 6), (2**20, 2**20, 11), (1, 2**32, 14), (2**32, 2**32, 14)]
)
def test_tags_are_long_enough(receiver, sender, width):
    plans = [
        psi_voprf._Plan(oprf.suite("P256-SHA256"), b"", own, peer, learns, 1)
        for own, peer, learns in ((receiver, sender, True), (sender, receiver, False))
    ]
    assert [plan.tag_bytes for plan in plans] == [width, width]
    # P[an item of the sender's and another of either party's share a tag], with no bit that is constant
    assert (receiver + sender) * sender * 2**40 <= 2 ** (8 * width)


def recorded(**options):
    """The messages of both parties in a run of 60 items each."""
    messages = []

    def record(_, message):
        messages.append(message)
        return message

    ids = [f"customer-{i}" for i in range(60)]
    run(ids, ids, tamper_a=record, tamper_b=record, batch_items=7, **options)
    return messages


def test_keys_blinds_and_tags_are_fresh_in_every_run():
    first, second = recorded(), recorded()
    for field, width in (("public_key", 32), ("elements", 32), ("proof", 64), ("tags", 7)):
        values = [
            [
                getattr(m, field)[i : i + width]
                for m in run
                for i in range(0, len(getattr(m, field, b"")), width)
            ]
            for run in (first, second)
        ]
        assert not set(values[0]) & set(values[1])
        assert len(set(values[0])) == len(values[0])


def test_the_receiver_sends_no_further_ahead_than_the_window():
    ahead = most = 0
    for message in recorded():
        ahead += isinstance(message, wire.Blinded) - isinstance(message, wire.Evaluated)
        most = max(most, ahead)
    assert most == psi_voprf.WINDOW


# --- a sender that cheats ----------------------------------------------------------------------------------


def one_by_another_key(server, blinded, honest, _):
    elements = honest.elements.copy()
    elements[1:2] = server.suite.group.scalar_mult(server.suite.group.random_scalar(), blinded[1:2])
    return replace(honest, elements=elements)


def one_by_another_key_and_a_proof_about_it(server, blinded, honest, _):
    elements = one_by_another_key(server, blinded, honest, _).elements
    prover, key = server.suite._native.proof, server._key._scalar
    proof = prover.prove(key, server.public_key, blinded, elements)
    return oprf.Evaluation(elements, np.frombuffer(proof, dtype=np.uint8).reshape(1, -1))


def two_swapped(server, blinded, honest, _):
    return replace(honest, elements=honest.elements[[1, 0, *range(2, len(blinded))]])


def all_by_another_key(server, blinded, honest, _):
    return REAL(oprf.Server(server.suite.generate_key()), blinded)


def the_last_proof(server, blinded, honest, before):
    return replace(honest, proof=before.proof)


def the_last_answer(server, blinded, honest, before):
    return before


def no_proof(server, blinded, honest, _):
    return replace(honest, proof=np.empty((0, 64), dtype=np.uint8))


REAL = oprf.Server.evaluate
CHEATS = (
    one_by_another_key,
    one_by_another_key_and_a_proof_about_it,
    two_swapped,
    all_by_another_key,
    the_last_proof,
    the_last_answer,
    no_proof,
)


def cheat(monkeypatch, change):
    """Change the sender's second answer, with all that the sender knows."""
    answers = []

    def evaluate(server, blinded):
        answers.append(REAL(server, blinded))
        return change(server, blinded, answers[-1], answers[0]) if len(answers) == 2 else answers[-1]

    monkeypatch.setattr(oprf.Server, "evaluate", evaluate)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("change", CHEATS)
def test_an_answer_under_another_key_is_found_out(monkeypatch, change, suite):
    cheat(monkeypatch, change)
    ids = [f"customer-{i}" for i in range(12)]
    with pytest.raises(errors.ProofInvalid) as caught:
        run(ids, ids, suite=suite, batch_items=4)
    assert "customer" not in str(caught.value)


def test_a_public_key_that_is_not_the_senders_is_found_out():
    def replaced(_, message):
        if isinstance(message, wire.Start):
            message.public_key = oprf.suite("ristretto255-SHA512").generate_key().public_key
        return message

    with pytest.raises(errors.ProofInvalid):
        run(TEXT_A, TEXT_B, tamper_b=replaced)


def statements(session):
    return [record["statement"] for record in session.audit if record["event"] == "disclosure"]


def test_a_false_proof_ends_the_session_of_both_and_discloses_nothing(monkeypatch):
    monkeypatch.setitem(voprf_psi.__kwdefaults__, "batch_items", 2)
    cheat(monkeypatch, two_swapped)
    seen = {}

    def party(role, ids):
        def work(session):
            try:
                psi.intersect(session, ids, role=role, protocol="voprf")
            except errors.IsthmusError as error:
                seen[role] = (error, statements(session), session.audit[-1])

        return work

    run_in_memory({"bank": party("receiver", TEXT_A), "fund": party("sender", TEXT_B)})
    assert type(seen["receiver"][0]) is errors.ProofInvalid
    assert seen["receiver"][1] == []
    assert seen["receiver"][2]["code"] == "ERR_PROOF_INVALID"
    assert seen["sender"][0].peer_code == "ERR_PROOF_INVALID"
    answered = {f"bank got answers for up to {n} of its identifiers before the run failed" for n in (4, 5)}
    assert len(seen["sender"][1]) == 1
    assert seen["sender"][1][0] in answered
