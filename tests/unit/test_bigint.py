"""The big-integer layer against GMP: random, edge-shaped and all-ones operands at every length in use."""

import random

import gmpy2
import pytest

from isthmus import errors
from isthmus._core import bigint

RANDOM = random.Random(20240917)
# Lengths around the digit widths of the kernels, and those of p, n and their squares at every key size.
BITS = (
    3,
    5,
    59,
    60,
    61,
    64,
    118,
    120,
    122,
    130,
    512,
    1023,
    1024,
    1025,
    1536,
    1558,
    2047,
    2048,
    3072,
    4094,
    4096,
)


def moduli(bits):
    ones, sparse = (1 << bits) - 1, (1 << (bits - 1)) | 1
    return {ones, sparse, RANDOM.getrandbits(bits) | sparse}


def operands(m):
    ones = [(1 << j) - 1 for j in (60, 64, 120, m.bit_length() - 1) if (1 << j) - 1 < m]
    return [0, 1, 2 % m, m - 1, m - 2, (m - 1) // 2, *ones, *(RANDOM.randrange(m) for _ in range(6))]


@pytest.mark.parametrize("bits", BITS)
def test_arithmetic_modulo_m(bits):
    for m in moduli(bits):
        modulus, values = bigint.Modulus(m), operands(m)
        for _ in range(25):
            a, b = RANDOM.choice(values), RANDOM.choice(values)
            assert modulus.mul(a, b) == a * b % m
            assert modulus.sqr(a) == a * a % m
            assert modulus.add(a, b) == (a + b) % m
            assert modulus.sub(a, b) == (a - b) % m


@pytest.mark.parametrize("bits", BITS)
def test_pairs_modulo_m_squared(bits):
    for m in moduli(bits):
        square, digits = bigint.SquareModulus(m), operands(m)
        values = [RANDOM.choice(digits) + RANDOM.choice(digits) * m for _ in range(12)]
        values += [0, 1, m, m - 1, m * m - 1, m * m - m]
        for _ in range(25):
            x, y, d = RANDOM.choice(values), RANDOM.choice(values), RANDOM.choice(digits)
            assert square.mul(x, y) == x * y % (m * m)
            assert square.sqr(x) == x * x % (m * m)
            assert square.mul_one_plus(x, d) == x * (1 + d * m) % (m * m)
            assert square.log_one_plus(1 + d * m) == d
        assert square.log_one_plus(2 + m) is None


@pytest.mark.parametrize("bits", [64, 1024, 1536, 2048, 3072, 4096])
def test_powers_modulo_m_squared(bits):
    m = RANDOM.getrandbits(bits) | 1 | 1 << (bits - 1)
    square, n = bigint.SquareModulus(m), m * m
    bases = [RANDOM.randrange(n) for _ in range(3)]
    secret = RANDOM.getrandbits(70)
    expected = [int(gmpy2.powmod(b, secret, n)) for b in bases]
    assert square.pow(bases, secret, 70) == expected
    assert square.pow(bases, secret, 75) == expected, "leading zero windows change nothing"
    assert square.pow(bases, 0, 1) == [1, 1, 1]
    for exponent in (0, 1, 2, 3, 5, 17, 63, 64, secret, (1 << 97) - 1, RANDOM.getrandbits(330)):
        assert square.pow_vartime(bases[0], exponent) == gmpy2.powmod(bases[0], exponent, n)


@pytest.mark.parametrize("count", [1, 3, 8, 9, 67])
def test_fixed_base_tables_equal_plain_powers(count):
    m = bigint.random_prime_3_mod_4(512) * bigint.random_prime_3_mod_4(512)
    square, n = bigint.SquareModulus(m), m * m
    base = RANDOM.randrange(n)
    exponents = [0, 1, (1 << 67) - 1, *(RANDOM.getrandbits(67) for _ in range(count))][-count:]
    expected = [int(gmpy2.powmod(base, e, n)) for e in exponents]
    for kilobytes in (0, 1, 8, 64, 512, 4096):  # from one small table to one for each of few windows
        for uses in (1, 50, 1 << 30):
            assert square.masked_base_pow(base, exponents, 67, kilobytes << 10, uses) == expected
            assert square.fixed_base_pow(base, exponents, 67, kilobytes << 10, uses) == expected


def test_powers_of_many_bases_by_their_own_exponents():
    m = bigint.random_prime_3_mod_4(512) * bigint.random_prime_3_mod_4(512)
    square, n = bigint.SquareModulus(m), m * m
    for bits in (5, 40, 130):
        exponents = [0, 1, 2, 1 << (bits - 1), *(RANDOM.getrandbits(bits) for _ in range(66))]
        bases = [RANDOM.randrange(n) for _ in exponents]
        assert square.pow_each_vartime(bases, exponents) == [
            int(gmpy2.powmod(b, e, n)) for b, e in zip(bases, exponents, strict=True)
        ]


def test_longest_moduli():
    for bits in (5000, 7680, 8192):
        for m in moduli(bits):
            modulus, a = bigint.Modulus(m), RANDOM.randrange(m)
            assert modulus.mul(a, m - 1) == a * (m - 1) % m
            assert modulus.sqr(m - 1) == 1
    for bad in ((1 << 8192) | 1, 1 << 100, 1):
        with pytest.raises(errors.InvalidArgument):
            bigint.Modulus(bad)


def test_batched_inversion():
    p, q = (bigint.random_prime_3_mod_4(512) for _ in range(2))
    square, n = bigint.SquareModulus(p * q), (p * q) ** 2
    values = [RANDOM.randrange(1, n) for _ in range(300)]  # more than one block
    assert square.invert(values) == [int(gmpy2.invert(v, n)) for v in values]
    values[270] = 5 * p
    with pytest.raises(errors.CiphertextNotUnit) as caught:
        square.invert(values)
    assert caught.value.row == 270


def test_natural_arithmetic():
    for _ in range(400):
        a = RANDOM.getrandbits(RANDOM.randrange(1, 4000))
        b = RANDOM.getrandbits(RANDOM.randrange(1, 2500)) + 1
        if RANDOM.random() < 0.5:  # quotient digits that Algorithm D guesses wrong at first
            a, b = (
                (1 << RANDOM.randrange(200, 4000)) - 1,
                (1 << RANDOM.randrange(64, 200)) - RANDOM.getrandbits(3),
            )
        assert bigint.multiply(a, b) == a * b
        assert bigint.divide(a, b) == divmod(a, b)
        assert bigint.remainder(a, b) == a % b
        assert bigint.square_root(a) == gmpy2.isqrt(a)
    with pytest.raises(errors.InvalidArgument):
        bigint.divide(1, 0)


@pytest.mark.parametrize("bits", BITS)
def test_gcd_and_inverse(bits):
    for m in moduli(bits):
        for a in (*operands(m), m, 3 * m, m * RANDOM.getrandbits(30) + 1, RANDOM.getrandbits(2 * bits)):
            gcd = gmpy2.gcd(a, m)
            assert bigint.gcd_odd(a, m) == gcd
            assert bigint.inverse(a, m) == (int(gmpy2.invert(a, m)) if gcd == 1 else None)


def test_tiny_moduli_exhaustively():
    for m in (3, 5, 7, 9, 15):
        square, n = bigint.SquareModulus(m), m * m
        for x in range(n):
            assert square.sqr(x) == x * x % n
            for y in range(n):
                assert square.mul(x, y) == x * y % n
    for m in range(3, 128, 2):
        for x in range(m):
            assert bigint.inverse(x, m) == (pow(x, -1, m) if gmpy2.gcd(x, m) == 1 else None)


def test_random_primes():
    for bits in (512, 1024):
        p = bigint.random_prime_3_mod_4(bits)
        assert gmpy2.is_prime(p, 30)
        assert p % 4 == 3
        assert p >> (bits - 2) == 3, "the two top bits are set"
    with pytest.raises(errors.InvalidArgument):
        bigint.random_prime_3_mod_4(256)


def test_miller_rabin_rounds_meet_fips_186_5():
    """Table B.1 asks for 5, 4 and 4 rounds at errors of 2^-112, 2^-128 and 2^-144."""
    rounds = [bigint.miller_rabin_rounds(bits) for bits in (1024, 1536, 2048)]
    assert rounds == [7, 5, 4]


def test_primality_agrees_with_gmp():
    for x in [*range(3000), *(RANDOM.getrandbits(64) | 1 for _ in range(300)), (1 << 521) - 1, 2**89 - 1]:
        assert bigint.is_probable_prime(x) == gmpy2.is_prime(x), x


def test_small_factors():
    big = bigint.random_prime_3_mod_4(512)
    for prime in (2, 3, 2039, 2053, 65537, 1048573):
        assert bigint.has_small_factor(prime * big)
    assert not bigint.has_small_factor(1048583 * big)  # the first prime above 2^20
    assert not bigint.has_small_factor(big)


@pytest.mark.parametrize("bits", range(4, 17))
def test_masked_powers_of_short_exponents(bits):
    """Few windows for ever so many uses: the plan once outgrew what the look-up can read."""
    m = RANDOM.getrandbits(4096) | 1 << 4095 | 1
    square = bigint.SquareModulus(m)
    exponents = [*range(8), (1 << bits) - 1, (1 << bits) - 2, 1 << (bits - 1)]
    exponents = [e % (1 << bits) for e in exponents]
    for some in (exponents, exponents[-1:]):
        assert square.masked_base_pow(2, some, bits, 1 << 25) == [pow(2, e, m * m) for e in some]
