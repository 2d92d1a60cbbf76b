"""SHA-2 and SM3 against hashlib and OpenSSL, the independent implementations, and SM3's vectors."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from isthmus import _core

VECTORS = Path(__file__).parents[1] / "vectors"


class OpenSslSm3:
    """OpenSSL's SM3 with hashlib's interface."""

    def __init__(self, data):
        self._hash = hashes.Hash(hashes.SM3())
        self._hash.update(data)

    def digest(self):
        return self._hash.finalize()


ORACLES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512, "sm3": OpenSslSm3}


@pytest.mark.parametrize("name", ORACLES)
def test_every_length_around_the_padding_boundaries(name):
    ours, oracle = getattr(_core.hash, name), ORACLES[name]
    for length in range(3 * 128 + 2):
        data = bytes((7 * i + length) % 256 for i in range(length))
        assert ours(data) == oracle(data).digest(), length


@pytest.mark.parametrize("name", ORACLES)
@given(data=st.binary(max_size=5000))
def test_random_messages(name, data):
    assert getattr(_core.hash, name)(data) == ORACLES[name](data).digest()


@pytest.mark.parametrize("name", ORACLES)
def test_one_million_letters(name):
    # FIPS 180-4's own long example ("a" a million times).
    assert getattr(_core.hash, name)(b"a" * 1_000_000) == ORACLES[name](b"a" * 1_000_000).digest()


def test_sm3_vectors():
    count, message = 0, b""
    for line in (VECTORS / "botan/sm3.vec").read_text().splitlines():
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "In":
            message = bytes.fromhex(value)
        elif key == "Out":
            assert _core.hash.sm3(message).hex() == value.lower()
            count += 1
    assert count == 139


def test_openssl_sm3_vectors():
    # The two examples of GB/T 32905, appendix A, are the second and the third.
    text = (VECTORS / "openssl/evpmd_sm3.txt").read_text()
    cases = re.findall(r"Digest = SM3\nInput = (\w+)\nOutput = (\w+)", text)
    for message, digest in cases:
        assert _core.hash.sm3(bytes.fromhex(message)).hex() == digest.lower()
    assert len(cases) == 8


def hmac_sm3(key, message):
    """RFC 2104 over the core's SM3."""
    sm3 = _core.hash.sm3
    key = (sm3(key) if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    return sm3(outer + sm3(inner + message))


def test_wycheproof_hmac_sm3():
    counts = {"valid": 0, "invalid": 0}
    data = json.loads((VECTORS / "wycheproof/hmac_sm3_test.json").read_text())
    for group in data["testGroups"]:
        for case in group["tests"]:
            tag = hmac_sm3(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"])).hex()
            assert (tag[: group["tagSize"] // 4] == case["tag"]) == (case["result"] == "valid")
            counts[case["result"]] += 1
    assert counts == {"valid": 66, "invalid": 108}
