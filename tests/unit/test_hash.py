"""SHA-2 and SM3 against hashlib and OpenSSL, the independent implementations, and SM3's vectors."""

import hashlib
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
