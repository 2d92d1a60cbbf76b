"""Oblivious pseudorandom functions: laws, cheating servers, refusals, secrecy of what must not show."""

import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isthmus as ist
from isthmus import _core
from isthmus.errors import (
    DecodeError,
    InvalidArgument,
    PointEncoding,
    PointInvalid,
    ProofInvalid,
    ProtocolCount,
)

ALL = [(name, mode) for name in ist.oprf.suite_names() for mode in ("oprf", "voprf")]
NAMES = ist.oprf.suite_names()
ORDERS = {
    "ristretto255-SHA512": 2**252 + 27742317777372353535851937790883648493,
    "P256-SHA256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
}


def _parties(name, mode="voprf"):
    suite = ist.oprf.suite(name, mode)
    server = ist.oprf.Server(suite.generate_key())
    return server, ist.oprf.Client(suite, server.public_key if mode == "voprf" else None)


def _inputs(count):
    return [b"item %d" % i for i in range(count)]


# --- laws -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "mode"), ALL)
@pytest.mark.parametrize("count", [0, 1, 9, 257, 1000])
def test_both_ways_give_the_same_outputs(name, mode, count):
    server, client = _parties(name, mode)
    blinded = client.blind(_inputs(count))
    outputs = client.finalize(blinded, server.evaluate(blinded.elements))
    assert outputs.shape == (count, server.suite.output_bytes) and len(blinded) == count
    np.testing.assert_array_equal(outputs, server.evaluate_directly(_inputs(count)))
    assert len(np.unique(outputs, axis=0)) == count


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(
    inputs=st.lists(st.binary(max_size=300), min_size=1, max_size=12),
    seed=st.binary(min_size=32, max_size=32),
)
def test_any_inputs_and_keys(name, inputs, seed):
    suite = ist.oprf.suite(name)
    server = ist.oprf.Server(suite.derive_key(seed, b"label"))
    client = ist.oprf.Client(suite, server.public_key)
    blinded = client.blind(pa.array(inputs, pa.binary()))
    outputs = client.finalize(blinded, server.evaluate(blinded.elements))
    np.testing.assert_array_equal(outputs, server.evaluate_directly(inputs))
    again = ist.oprf.Server(suite.derive_key(seed, b"label"))
    np.testing.assert_array_equal(outputs, again.evaluate_directly(inputs))


@pytest.mark.parametrize("name", NAMES)
def test_longest_input(name):
    server, client = _parties(name)
    blinded = client.blind([b"x" * 65535, b""])
    outputs = client.finalize(blinded, server.evaluate(blinded.elements))
    np.testing.assert_array_equal(outputs, server.evaluate_directly([b"x" * 65535, b""]))


@pytest.mark.parametrize("name", NAMES)
def test_results_do_not_depend_on_threads(name):
    suite = ist.oprf.suite(name)
    native = suite.group._native
    server = ist.oprf.Server(suite.derive_key(bytes(32), b""))
    client = ist.oprf.Client(suite, server.public_key)
    width = suite.group.scalar_bytes
    order = "big" if suite.group.name == "P-256" else "little"
    blinds = b"".join(pow(7, i + 1, ORDERS[name]).to_bytes(width, order) for i in range(700))
    results = []
    for threads in (1, 2):
        _core.system.set_thread_count(threads)
        blinded = ist.oprf.Blinded(suite, _inputs(700), native.scalars(blinds))
        evaluation = server._evaluate(blinded.elements, native.scalar(blinds[:width]))
        outputs = client.finalize(blinded, evaluation)
        results.append(
            (
                blinded.elements.tobytes(),
                evaluation.elements.tobytes(),
                evaluation.proof.tobytes(),
                outputs.tobytes(),
            )
        )
    _core.system.set_thread_count(0)
    assert results[0] == results[1]


def test_blinds_and_proofs_are_fresh():
    server, client = _parties("ristretto255-SHA512")
    first, second = client.blind([b"a", b"a"]), client.blind([b"a", b"a"])
    assert len(np.unique(np.concatenate([first.elements, second.elements]), axis=0)) == 4
    once, twice = server.evaluate(first.elements), server.evaluate(first.elements)
    np.testing.assert_array_equal(once.elements, twice.elements)
    assert not np.array_equal(once.proof, twice.proof)


def test_a_batch_above_the_proof_limit_takes_several_proofs():
    server, client = _parties("ristretto255-SHA512")
    count = _core.oprf.MAX_PROOF_BATCH + 2
    blinded = client.blind([b"%d" % (i % 50) for i in range(count)])
    evaluation = server.evaluate(blinded.elements)
    assert evaluation.proof.shape == (2, 64)
    outputs = client.finalize(blinded, evaluation)
    assert len(np.unique(outputs, axis=0)) == 50
    with pytest.raises(ProofInvalid):
        client.finalize(blinded, replace(evaluation, proof=evaluation.proof[::-1]))
    elements = evaluation.elements.copy()
    elements[-1] = 0
    with pytest.raises(PointInvalid) as caught:
        client.finalize(blinded, replace(evaluation, elements=elements))
    assert caught.value.row == count - 1


def test_modes_are_separate():
    seed = bytes(range(32))
    outputs = [
        ist.oprf.Server(ist.oprf.suite(NAMES[0], mode).derive_key(seed)).evaluate_directly([b"x"]).tobytes()
        for mode in ("oprf", "voprf")
    ]
    assert outputs[0] != outputs[1]


# --- servers that cheat -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
class TestCheatingServer:
    @pytest.fixture
    def run(self, name):
        server, client = _parties(name)
        blinded = client.blind(_inputs(20))
        return server, client, blinded, server.evaluate(blinded.elements)

    def test_one_element_under_another_key(self, run):
        server, client, blinded, evaluation = run
        elements = evaluation.elements.copy()
        elements[7:8] = server.suite.group.scalar_mult(
            server.suite.group.random_scalar(), blinded.elements[7:8]
        )
        with pytest.raises(ProofInvalid) as caught:
            client.finalize(blinded, replace(evaluation, elements=elements))
        assert caught.value.code == "ERR_PROOF_INVALID"

    def test_proof_over_the_wrong_elements(self, run):
        server, client, blinded, evaluation = run
        # An honest prover over dishonest multiples.
        elements = evaluation.elements.copy()
        elements[3] = evaluation.elements[4]
        proof = server.suite._native.proof.prove(
            server._key._scalar, server.public_key, blinded.elements, elements
        )
        forged = ist.oprf.Evaluation(elements, np.frombuffer(proof, dtype=np.uint8).reshape(1, -1))
        with pytest.raises(ProofInvalid):
            client.finalize(blinded, forged)

    def test_every_byte_of_the_proof_counts(self, run):
        _, client, blinded, evaluation = run
        for at in range(evaluation.proof.shape[1]):
            proof = evaluation.proof.copy()
            proof[0, at] ^= 1
            with pytest.raises((ProofInvalid, DecodeError)):
                client.finalize(blinded, replace(evaluation, proof=proof))

    def test_swapped_elements(self, run):
        _, client, blinded, evaluation = run
        elements = evaluation.elements.copy()
        elements[[0, 1]] = elements[[1, 0]]
        with pytest.raises(ProofInvalid):
            client.finalize(blinded, replace(evaluation, elements=elements))

    def test_another_batch(self, run):
        server, client, blinded, _ = run
        other = server.evaluate(client.blind(_inputs(20)).elements)
        with pytest.raises(ProofInvalid):
            client.finalize(blinded, other)

    def test_another_public_key(self, run):
        server, _, blinded, evaluation = run
        other = ist.oprf.Client(server.suite, server.suite.generate_key().public_key)
        with pytest.raises(ProofInvalid):
            other.finalize(blinded, evaluation)

    def test_no_proof(self, run):
        _, client, blinded, evaluation = run
        with pytest.raises(ProofInvalid):
            client.finalize(blinded, replace(evaluation, proof=None))

    def test_other_counts(self, run):
        _, client, blinded, evaluation = run
        with pytest.raises(ProtocolCount):
            client.finalize(blinded, replace(evaluation, elements=evaluation.elements[:-1]))
        with pytest.raises(ProtocolCount):
            client.finalize(blinded, replace(evaluation, proof=evaluation.proof[:0]))
        for elements in (
            evaluation.elements[:, :-1],
            evaluation.elements[0],
            evaluation.elements.astype(np.int64),
        ):
            with pytest.raises(PointEncoding):
                client.finalize(blinded, replace(evaluation, elements=elements))
        for proof in (evaluation.proof[:, :-1], evaluation.proof[0], evaluation.proof.astype(np.uint16)):
            with pytest.raises(DecodeError):
                client.finalize(blinded, replace(evaluation, proof=proof))

    def test_scalars_that_are_not_reduced(self, run, name):
        server, client, blinded, evaluation = run
        order = "big" if server.suite.group.name == "P-256" else "little"
        width = server.suite.group.scalar_bytes
        for half in (0, 1):
            proof = evaluation.proof.copy()
            part = slice(half * width, (half + 1) * width)
            value = int.from_bytes(proof[0, part].tobytes(), order) + ORDERS[name]
            if value >= 2**256:
                value = ORDERS[name]
            proof[0, part] = np.frombuffer(value.to_bytes(width, order), dtype=np.uint8)
            with pytest.raises(DecodeError):
                client.finalize(blinded, replace(evaluation, proof=proof))

    @pytest.mark.parametrize("mode", ["oprf", "voprf"])
    def test_elements_that_are_none(self, name, mode):
        server, client = _parties(name, mode)
        blinded = client.blind(_inputs(5))
        evaluation = server.evaluate(blinded.elements)
        for bad, errors in ((0, (PointInvalid, PointEncoding)), (255, (PointEncoding,))):
            for call in ("evaluate", "finalize"):
                elements = (blinded if call == "evaluate" else evaluation).elements.copy()
                elements[3] = bad
                with pytest.raises(errors) as caught:
                    if call == "evaluate":
                        server.evaluate(elements)
                    else:
                        client.finalize(blinded, replace(evaluation, elements=elements))
                assert caught.value.row == 3


# --- what is refused, and what does not show --------------------------------------------------------------


def test_arguments():
    with pytest.raises(InvalidArgument, match="P256-SHA256"):
        ist.oprf.suite("P521-SHA512")
    with pytest.raises(InvalidArgument, match="voprf"):
        ist.oprf.suite(NAMES[0], "poprf")
    suite, plain = ist.oprf.suite(NAMES[0]), ist.oprf.suite(NAMES[0], "oprf")
    key = suite.generate_key()
    with pytest.raises(InvalidArgument):
        ist.oprf.Client(suite)
    with pytest.raises(InvalidArgument):
        ist.oprf.Client(plain, key.public_key)
    for seed, info in ((bytes(31), b""), (bytes(32), bytes(65536))):
        with pytest.raises(InvalidArgument):
            suite.derive_key(seed, info)
    client = ist.oprf.Client(suite, key.public_key)
    with pytest.raises(InvalidArgument) as caught:
        client.blind([b"fine", b"x" * 65536])
    assert caught.value.row == 1
    with pytest.raises(InvalidArgument) as caught:
        ist.oprf.Server(key).evaluate_directly([b"fine", b"x" * 65536])
    assert caught.value.row == 1
    with pytest.raises(InvalidArgument, match="another suite"):
        blinded = ist.oprf.Client(plain).blind([b"a"])
        client.finalize(blinded, ist.oprf.Server(key).evaluate(blinded.elements))
    with pytest.raises(TypeError):
        client.blind(["text"])


@pytest.mark.parametrize("name", NAMES)
def test_public_keys_are_checked(name):
    suite = ist.oprf.suite(name)
    width = suite.group.element_bytes
    for bad in (b"", bytes(width - 1), bytes([255]) * width):
        with pytest.raises(PointEncoding):
            ist.oprf.Client(suite, bad)
    with pytest.raises((PointInvalid, PointEncoding)):
        ist.oprf.Client(suite, bytes(width))


def test_secrets_do_not_show():
    server, client = _parties("P256-SHA256")
    key, blinded = server._key, client.blind([b"a secret input"])
    assert repr(key) == "PrivateKey('P256-SHA256', 'voprf', secret)"
    assert repr(blinded) == "Blinded(1 inputs, secret)"
    assert "secret input" not in repr(blinded)
    for secret in (key, blinded, blinded._blinds):
        with pytest.raises(TypeError):
            pickle.dumps(secret)


def test_a_group_without_addition_proves_nothing():
    with pytest.raises(InvalidArgument, match="no addition"):
        _core.oprf.EqualityProof(ist.group("X25519")._native, b"context")
    with pytest.raises(InvalidArgument, match="no addition"):
        _ = ist.group("X25519").generator


def test_sm2_proves_too():
    """No suite of the RFC, but a group in which proofs hold."""
    group = ist.group("SM2")
    proof = _core.oprf.EqualityProof(group._native, b"context")
    key = group.random_scalar()
    points = group.hash_to_group(_inputs(30), dst=b"test")
    multiples = group.scalar_mult(key, points)
    public_key = group.scalar_mult(
        key, np.frombuffer(group.generator, dtype=np.uint8).reshape(1, -1)
    ).tobytes()
    claimed = proof.prove(key, public_key, points, multiples)
    proof.verify(public_key, points, multiples, claimed)
    other = _core.oprf.EqualityProof(group._native, b"another context")
    with pytest.raises(ProofInvalid):
        other.verify(public_key, points, multiples, claimed)
    for bad in (points[:0], np.concatenate([points, points])):
        with pytest.raises(InvalidArgument):
            proof.verify(public_key, points, bad, claimed)
