"""Private-key exponentiation, decryption and encoding do not branch or index on secrets."""

import re
from pathlib import Path

import pytest

VECTORS = Path(__file__).parent.parent / "vectors/paillier/milagro_keygen.txt"


@pytest.fixture(scope="module")
def program(build_probe):
    return build_probe("ct_paillier")


@pytest.fixture(scope="module")
def primes():
    text = VECTORS.read_text()
    return [re.findall(rf"^{name} = (\w+)", text, re.MULTILINE)[1] for name in "PQ"]


@pytest.mark.parametrize("mode", ["decrypt", "power", "encrypt"])
def test_no_branch_or_address_depends_on_a_secret(program, memcheck, primes, mode):
    reported, _, report = memcheck(program, mode, *primes)
    assert not reported, report


def test_the_poisoned_decryption_is_right(program, memcheck, primes):
    _, output, _ = memcheck(program, "decrypt", *primes)
    n = int(primes[0], 16) * int(primes[1], 16)
    assert output == f"{n - 5:0512x}{7:0512x}"


@pytest.mark.parametrize("mode", ["leaky-window", "leaky-lookup"])
def test_the_leaky_twins_are_reported(program, memcheck, primes, mode):
    reported, _, report = memcheck(program, mode, *primes)
    assert reported, report
