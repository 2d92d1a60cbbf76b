"""P-256 and SM2 against independent implementations: Python integers, and OpenSSL for P-256."""

import json
import random
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from isthmus.errors import PointEncoding, PointInvalid
from tests.unit import weierstrass_calls as calls
from tests.unit.weierstrass_model import CURVES, P256

VECTORS = Path(__file__).parents[1] / "vectors"
DST = b"QUUX-V01-CS02-with-a-model-of-the-suites"
both = pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)


def edge_scalars(curve):
    n = curve.n
    near_half = [n // 2 - 1, n // 2, n // 2 + 1]
    powers = [2**bit for bit in range(256) if 2**bit < n]
    # The recoding has digits of 5 bits: all small ones, their opposites, and both sides of its boundaries.
    small = list(range(1, 70))
    boundaries = [2 ** (5 * i + 1) + d for i in range(1, 51) for d in (-1, 1)]
    return sorted(
        {*small, *(n - k for k in small), *near_half, *powers, *(n - k for k in powers), *boundaries}
    )


def messages():
    rng = random.Random(9380)
    lengths = [0, 1, 31, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 70_000]
    return [rng.randbytes(n) for n in lengths] + [rng.randbytes(rng.randrange(200)) for _ in range(300)]


# Results of the model, once for all backends.


@cache
def hashed(curve, dst):
    return [curve.encode(curve.hash_to_curve(message, dst)) for message in messages()]


@cache
def encoded(curve, dst):
    return [curve.encode(curve.encode_to_curve(message, dst)) for message in messages()]


@cache
def edge_products(curve):
    point = curve.hash_to_curve(b"edge", DST)
    return [curve.encode(curve.times(k, point)) for k in edge_scalars(curve)]


# --- Z, by RFC 9380, appendix H.2 -------------------------------------------------------------------------


def polynomial_remainder(a, b, p):
    """a modulo b, both lists of coefficients, lowest first."""
    a = a[:]
    inverse = pow(b[-1], -1, p)
    while len(a) >= len(b):
        factor = a[-1] * inverse
        shift = len(a) - len(b)
        for i, coefficient in enumerate(b):
            a[shift + i] = (a[shift + i] - factor * coefficient) % p
        while a and a[-1] == 0:
            a.pop()
    return a


def product_modulo(a, b, modulus, p):
    total = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            total[i + j] = (total[i + j] + x * y) % p
    return polynomial_remainder(total, modulus, p)


def has_root(cubic, p):
    """Whether a cubic has a root modulo p: gcd(x^p - x, cubic) is not 1. Without one it is irreducible."""
    power = [1]
    for bit in bin(p)[2:]:
        power = product_modulo(power, power, cubic, p)
        if bit == "1":
            power = product_modulo(power, [0, 1], cubic, p)
    power += [0] * (2 - len(power))
    power[1] = (power[1] - 1) % p
    while power and power[-1] == 0:
        power.pop()
    a, b = cubic, power
    while b:
        a, b = b, polynomial_remainder(a, b, p)
    return len(a) > 1


def find_z_sswu(curve):
    a, p = -3, curve.p
    for magnitude in range(1, 100):
        for z in (magnitude, -magnitude):
            if curve.is_square(z % p) or z % p == p - 1:  # criteria 1 and 2
                continue
            # 3: g(x) - Z is irreducible.
            if has_root([(curve.b - z) % p, a % p, 0, 1], p):
                continue
            # 4: g(B / (Z A)) is square.
            if curve.is_square(curve.g(curve.b * pow(z * a, -1, p))):
                return z
    raise AssertionError("no Z")


def test_roots_of_cubics_are_found():
    p = 103
    for c0 in range(p):
        cubic = [c0, p - 3, 0, 1]
        assert has_root(cubic, p) == any((x**3 - 3 * x + c0) % p == 0 for x in range(p))


@both
def test_z_follows_from_the_criteria(curve):
    assert find_z_sswu(curve) == curve.z


# --- the model against published vectors ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RO", "NU"])
def test_the_model_gives_rfc9380s_intermediate_values(kind):
    data = json.loads((VECTORS / f"rfc9380/P256_XMD_SHA-256_SSWU_{kind}_.json").read_text())
    assert len(data["vectors"]) == 5
    for case in data["vectors"]:
        message, dst = case["msg"].encode(), data["dst"].encode()
        u = P256.hash_to_field(message, dst, len(case["u"]))
        assert u == [int(value, 16) for value in case["u"]]
        names = ["Q0", "Q1"] if kind == "RO" else ["Q"]
        mapped = [tuple(int(case[name][c], 16) for c in "xy") for name in names]
        assert [P256.map_to_curve(value) for value in u] == mapped
        hashed = (P256.hash_to_curve if kind == "RO" else P256.encode_to_curve)(message, dst)
        assert hashed == tuple(int(case["P"][c], 16) for c in "xy")
    assert int(data["Z"], 16) == P256.p + P256.z


# --- the core against the model ---------------------------------------------------------------------------


@both
def test_hashing_matches_the_model(on_backend, curve):
    for dst in (DST, b"d", b"long" * 100):
        assert on_backend(calls.hash_to_curve, curve.suite, messages(), dst) == hashed(curve, dst)
    nonuniform = curve.suite.replace("RO", "NU")
    assert on_backend(calls.hash_to_curve, nonuniform, messages(), DST) == encoded(curve, DST)


@both
def test_multiplication_matches_the_model(on_backend, curve):
    rng = random.Random(256)
    points = [curve.hash_to_curve(b"%d" % i, DST) for i in range(20)]
    for k in [1, 2, curve.n - 2, curve.n - 1, rng.randrange(1, curve.n), rng.randrange(1, curve.n)]:
        products = on_backend(calls.multiply_all, curve.name, k, [curve.encode(p) for p in points])
        assert products == [curve.encode(curve.times(k, p)) for p in points]


@both
def test_edge_scalars_match_the_model(on_backend, curve):
    point = curve.hash_to_curve(b"edge", DST)
    scalars = edge_scalars(curve)
    products = on_backend(calls.multiply, curve.name, [(k, curve.encode(point)) for k in scalars])
    assert products == edge_products(curve)
    assert len(products) == 737


@both
def test_any_x_is_decoded_or_refused_as_in_the_model(on_backend, curve):
    rng = random.Random(1)
    near = [d for d in range(40)] + [curve.p - d for d in range(1, 40)]
    above = [curve.p + d for d in range(20)] + [2**256 - 1]
    for x in near + above + [rng.randrange(curve.p) for _ in range(60)]:
        rows = [bytes([tag]) + x.to_bytes(32, "big") for tag in (0, 1, 2, 3, 4, 5, 255)]
        answers = on_backend(calls.multiply, curve.name, [(1, row) for row in rows])
        if x >= curve.p:
            assert answers == [PointEncoding] * 7
            continue
        taken = curve.is_square(curve.g(x))
        middle = rows[2:4] if taken else [PointInvalid] * 2
        assert answers == [PointEncoding, PointEncoding, *middle, *[PointEncoding] * 3]


# --- the core against OpenSSL -----------------------------------------------------------------------------


def openssl_public(k):
    public = ec.derive_private_key(k, ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def openssl_shared(k, point):
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return ec.derive_private_key(k, ec.SECP256R1()).exchange(ec.ECDH(), peer)


def test_multiples_of_the_generator_match_openssl(on_backend):
    rng = random.Random(2)
    scalars = edge_scalars(P256) + [rng.randrange(1, P256.n) for _ in range(500)]
    base = P256.encode(P256.generator)
    products = on_backend(calls.multiply, "P-256", [(k, base) for k in scalars])
    assert products == [openssl_public(k) for k in scalars]


def test_shared_secrets_match_openssl(on_backend):
    rng = random.Random(3)
    scalars = edge_scalars(P256) + [rng.randrange(1, P256.n) for _ in range(500)]
    points = [openssl_public(rng.randrange(1, P256.n)) for _ in scalars]
    products = on_backend(calls.multiply, "P-256", list(zip(scalars, points, strict=True)))
    assert [product[1:] for product in products] == [
        openssl_shared(k, point) for k, point in zip(scalars, points, strict=True)
    ]


def test_one_scalar_and_many_points_match_openssl(on_backend):
    rng = random.Random(4)
    points = [openssl_public(rng.randrange(1, P256.n)) for _ in range(600)]
    for k in (rng.randrange(1, P256.n), P256.n - 1):
        products = on_backend(calls.multiply_all, "P-256", k, points)
        assert [product[1:] for product in products] == [openssl_shared(k, point) for point in points]
