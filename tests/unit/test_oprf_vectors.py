"""RFC 9497: every vector of ristretto255-SHA512 and P256-SHA256 in modes 0 (OPRF) and 1 (VOPRF)."""

import json
from pathlib import Path

import numpy as np
import pytest

import isthmus as ist
from isthmus.oprf import Blinded

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/rfc9497/allVectors.json").read_text())
MODES = {0: "oprf", 1: "voprf"}
CASES = [
    (group["identifier"], MODES[group["mode"]])
    for group in VECTORS
    if group["identifier"] in ist.oprf.suite_names() and group["mode"] in MODES
]


def _vectors(identifier, mode):
    (found,) = [v for v in VECTORS if v["identifier"] == identifier and MODES.get(v["mode"]) == mode]
    return found


def _parts(text):
    return [bytes.fromhex(part) for part in text.split(",")]


def _rows(text):
    return np.array([list(part) for part in _parts(text)], dtype=np.uint8)


def test_all_suites_and_modes_have_vectors():
    assert sorted(CASES) == [
        ("P256-SHA256", "oprf"),
        ("P256-SHA256", "voprf"),
        ("ristretto255-SHA512", "oprf"),
        ("ristretto255-SHA512", "voprf"),
    ]


@pytest.mark.parametrize(("identifier", "mode"), CASES)
def test_keys_are_derived_as_published(identifier, mode):
    vectors = _vectors(identifier, mode)
    suite = ist.oprf.suite(identifier, mode)
    key = suite.derive_key(bytes.fromhex(vectors["seed"]), bytes.fromhex(vectors["keyInfo"]))
    generator = np.frombuffer(suite.group.generator, dtype=np.uint8).reshape(1, -1)
    expected = suite.group.scalar_mult(bytes.fromhex(vectors["skSm"]), generator).tobytes()
    assert key.public_key == expected
    if mode == "voprf":
        assert key.public_key.hex() == vectors["pkSm"]


@pytest.mark.parametrize(("identifier", "mode"), CASES)
def test_published_exchanges(identifier, mode):
    vectors = _vectors(identifier, mode)
    suite = ist.oprf.suite(identifier, mode)
    native = suite.group._native
    server = ist.oprf.Server(
        suite.derive_key(bytes.fromhex(vectors["seed"]), bytes.fromhex(vectors["keyInfo"]))
    )
    client = ist.oprf.Client(suite, server.public_key if mode == "voprf" else None)
    batches = []
    for case in vectors["vectors"]:
        inputs = _parts(case["Input"])
        blinded = Blinded(suite, inputs, native.scalars(b"".join(_parts(case["Blind"]))))
        np.testing.assert_array_equal(blinded.elements, _rows(case["BlindedElement"]))
        nonce = native.scalar(bytes.fromhex(case["Proof"]["r"])) if mode == "voprf" else None
        evaluation = server._evaluate(blinded.elements, nonce)
        np.testing.assert_array_equal(evaluation.elements, _rows(case["EvaluationElement"]))
        if mode == "voprf":
            assert evaluation.proof.tobytes().hex() == case["Proof"]["proof"]
        np.testing.assert_array_equal(client.finalize(blinded, evaluation), _rows(case["Output"]))
        np.testing.assert_array_equal(server.evaluate_directly(inputs), _rows(case["Output"]))
        batches.append(case["Batch"])
    assert batches == ([1, 1] if mode == "oprf" else [1, 1, 2])
