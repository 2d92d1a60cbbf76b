"""Private-key exponentiation, decryption and encoding do not branch or index on secrets."""

import re
from pathlib import Path

import gmpy2
import pytest

from isthmus._core import system

BACKENDS = [name for name in system.available_backends() if name != "avx512ifma"]  # that valgrind runs
VECTORS = Path(__file__).parent.parent / "vectors/paillier/milagro_keygen.txt"


@pytest.fixture(scope="module")
def program(build_probe):
    return build_probe("ct_paillier")


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture(scope="module")
def primes():
    text = VECTORS.read_text()
    return [re.findall(rf"^{name} = (\w+)", text, re.MULTILINE)[1] for name in "PQ"]


@pytest.fixture(scope="module")
def fast_key():
    """p, q, p', q' and hs of a fast key: the first primes of their form after fixed numbers."""

    def subgroup_prime(seed):
        order = gmpy2.next_prime(gmpy2.mpz_urandomb(gmpy2.random_state(seed), 222) | 3 << 222)
        cofactor = (3 << 1022) // (2 * order) + gmpy2.mpz_urandomb(gmpy2.random_state(seed), 700) | 1
        while not gmpy2.is_prime(2 * order * cofactor + 1):
            cofactor += 2
        return 2 * order * cofactor + 1, order, cofactor

    (p, p_order, k), (q, q_order, m) = subgroup_prime(1), subgroup_prime(2)
    n2 = (p * q) ** 2
    hs = gmpy2.powmod(n2 - gmpy2.powmod(5, 2 * k * m, n2), p * q, n2)
    widths = (128, 128, 28, 28, 512)
    return [f"{x:0{2 * width}x}" for x, width in zip((p, q, p_order, q_order, hs), widths, strict=True)]


@pytest.mark.parametrize("mode", ["decrypt", "draw"])
def test_no_branch_or_address_depends_on_a_fast_keys_secret(program, memcheck, fast_key, mode, backend):
    reported, output, report = memcheck(program, mode, *fast_key, backend=backend)
    assert not reported, report
    if mode == "decrypt":
        n = int(fast_key[0], 16) * int(fast_key[1], 16)
        assert output == f"{n - 5:0512x}{7:0512x}"


def test_the_leaky_draw_is_reported(program, memcheck, fast_key):
    reported, _, report = memcheck(program, "leaky-draw", *fast_key)
    assert reported, report


@pytest.mark.parametrize("mode", ["decrypt", "power", "masked-lookup", "encrypt"])
def test_no_branch_or_address_depends_on_a_secret(program, memcheck, primes, mode, backend):
    reported, _, report = memcheck(program, mode, *primes, backend=backend)
    assert not reported, report


def test_the_poisoned_decryption_is_right(program, memcheck, primes, backend):
    _, output, _ = memcheck(program, "decrypt", *primes, backend=backend)
    n = int(primes[0], 16) * int(primes[1], 16)
    assert output == f"{n - 5:0512x}{7:0512x}"


@pytest.mark.parametrize("mode", ["leaky-window", "leaky-lookup"])
def test_the_leaky_twins_are_reported(program, memcheck, primes, mode):
    reported, _, report = memcheck(program, mode, *primes)
    assert reported, report
