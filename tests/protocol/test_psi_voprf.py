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
from isthmus.protocol.machine import Send
from isthmus.protocol.psi_ecdh import ecdh_psi
from isthmus.protocol.psi_voprf import voprf_psi
from isthmus.protocol.registry import PSI_PROTOCOLS
from isthmus.protocol.wire import psi_voprf_pb2 as wire
from tests.protocol.cases import drive
from tests.protocol.psi_parties import COUNTERPART, PsiParty

SUITES = PSI_PROTOCOLS["voprf"].suites
TEXT_A = ["carol", "bob", "žofie", "dave", "alice"]
TEXT_B = ["eve", "žofie", "alice", "frank", "bob", "grace"]


def run(a, b, *, role="receiver", tamper_a=None, tamper_b=None, protocol=voprf_psi, **options):
    """Run two parties; return their matches and the identifiers that the receiver learned."""
    parties = [PsiParty(pa.array(ids, pa.string())) for ids in (a, b)]
    machines = [
        party.steps(r, protocol=protocol, **options)
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
@settings(max_examples=25, deadline=None)
@given(a=ids, b=ids, batch_items=st.integers(1, 8))
def test_the_result_is_that_of_psi_ecdh(role, suite, a, b, batch_items):
    options = {"role": role, "suite": suite, "batch_items": batch_items}
    matches, learned = run(a, b, **options)
    assert learned == run(a, b, protocol=ecdh_psi, **options)[1] == sorted(set(a) & set(b))
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


# --- in sessions -------------------------------------------------------------------------------------------


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
    sizes = []

    def steps(*args, **options):
        inner, answer = voprf_psi(*args, **options), None
        while True:
            try:
                step = inner.send(answer)
            except StopIteration as stop:
                return stop.value
            if isinstance(step, Send):
                sizes.append(step.message.ByteSize())
            answer = yield step

    monkeypatch.setitem(PSI_PROTOCOLS, "voprf", replace(PSI_PROTOCOLS["voprf"], steps=steps))
    ids = np.arange(psi_voprf.BATCH_ITEMS + 1)
    assert intersect(ids, ids)["bank"].size == len(ids)
    assert 32 * psi_voprf.BATCH_ITEMS < max(sizes) < psi_voprf.MAX_MESSAGE_BYTES // 2
