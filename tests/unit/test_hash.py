"""SHA-2 against hashlib, the independent implementation."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus import _core

ORACLES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}


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
