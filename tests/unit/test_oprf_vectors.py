"""RFC 9497, mode 0 (OPRF) over ristretto255-SHA512, composed from the group's operations."""

import json
from pathlib import Path

import numpy as np

import isthmus as ist
from isthmus import _core

SUITES = json.loads((Path(__file__).parents[1] / "vectors/rfc9497/allVectors.json").read_text())
GROUP = ist.group("ristretto255")
ORDER = 2**252 + 27742317777372353535851937790883648493


def _prefixed(data):
    return len(data).to_bytes(2, "big") + data


def _derive_key(seed, info, context):
    """DeriveKeyPair, section 3.2.1."""
    for counter in range(256):
        message = seed + _prefixed(info) + bytes([counter])
        wide = _core.hash.expand_message_xmd_sha512(message, b"DeriveKeyPair" + context, 64)
        if key := int.from_bytes(wide, "little") % ORDER:
            return key.to_bytes(32, "little")
    raise AssertionError("no key after 256 attempts")


def test_oprf_vectors():
    (suite,) = [s for s in SUITES if (s["identifier"], s["mode"]) == ("ristretto255-SHA512", 0)]
    context = b"OPRFV1-" + bytes([0]) + b"-" + suite["identifier"].encode()
    key = _derive_key(bytes.fromhex(suite["seed"]), bytes.fromhex(suite["keyInfo"]), context)
    assert key.hex() == suite["skSm"]
    count = 0
    for case in suite["vectors"]:
        item, blind = bytes.fromhex(case["Input"]), GROUP.scalar(bytes.fromhex(case["Blind"]))
        blinded = GROUP.scalar_mult(blind, GROUP.hash_to_group([item], dst=b"HashToGroup-" + context))
        assert blinded.tobytes().hex() == case["BlindedElement"]
        evaluated = GROUP.scalar_mult(key, blinded)
        assert evaluated.tobytes().hex() == case["EvaluationElement"]
        unblinded = GROUP.scalar_mult(blind.inverse(), evaluated)
        assert np.array_equal(
            unblinded, GROUP.scalar_mult(key, GROUP.hash_to_group([item], b"HashToGroup-" + context))
        )
        output = _core.hash.sha512(_prefixed(item) + _prefixed(unblinded.tobytes()) + b"Finalize")
        assert output.hex() == case["Output"]
        count += 1
    assert count == 2
