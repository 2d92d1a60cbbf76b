"""Fast keys: their structure by definition, both owners' randomness, bytes, refusals and faults."""

import gmpy2
import numpy as np
import pytest

from isthmus import errors
from isthmus._core import paillier as native
from isthmus.paillier import PrivateKey, PublicKey, keygen

PUBLIC, PRIVATE = keygen(2048, fast=True)
N, N2, HS = PUBLIC.n, PUBLIC.n**2, PUBLIC._native.hs
DJN_PUBLIC, DJN_PRIVATE = keygen(2048)
VALUES = [0, 1, -1, 12345, -(2**63), 2**63 - 1]


def secrets_of(private_key):
    """(p, q, p', q') from the private bytes: header (7), p, q, hs, exponent bits (2), p', q'."""
    secret = bytes(private_key._native.serialize())
    width = private_key.public_key.key_bits // 8
    half = private_key.public_key._native.exponent_bits // 16
    ends = [7 + width, 7 + 2 * width, len(secret) - half, len(secret)]
    return tuple(
        int.from_bytes(secret[end - size : end], "big")
        for end, size in zip(ends, (width, width, half, half), strict=True)
    )


P, Q, P_ORDER, Q_ORDER = secrets_of(PRIVATE)
ALPHA = P_ORDER * Q_ORDER


def integers(ct):
    data, width = ct.to_bytes(), ct.public_key.ciphertext_bytes
    return [int.from_bytes(data[i : i + width], "big") for i in range(0, len(data), width)]


def by_definition(c):
    """L(c^(2 alpha) mod n^2) / (2 alpha) mod n, centred."""
    log = (int(gmpy2.powmod(c, 2 * ALPHA, N2)) - 1) // N
    m = log * pow(2 * ALPHA, -1, N) % N
    return m if m <= N // 2 else m - N


@pytest.mark.parametrize(("bits", "exponent_bits"), [(2048, 448), (2112, 512), (3072, 512), (4096, 640)])
def test_structure(bits, exponent_bits):
    public_key, private_key = (PUBLIC, PRIVATE) if bits == 2048 else keygen(bits, fast=True)
    assert (public_key.kind, public_key.key_bits) == ("fast", bits)
    assert public_key._native.exponent_bits == exponent_bits
    p, q, p_order, q_order = secrets_of(private_key)
    n, hs = public_key.n, public_key._native.hs
    assert n == p * q
    assert n.bit_length() == bits
    assert all(gmpy2.is_prime(x) for x in (p, q, p_order, q_order))
    assert p % 4 == q % 4 == 3
    assert gmpy2.gcd(p - 1, q - 1) == 2
    assert p_order.bit_length() == q_order.bit_length() == exponent_bits // 2
    assert (p_order * q_order).bit_length() == exponent_bits
    assert (p - 1) % (2 * p_order) == (q - 1) % (2 * q_order) == 0
    assert abs(p - q).bit_length() > bits // 2 - 100
    # hs = h^n for h = -y^(2 beta): an n-th residue of exact order 2 p' q', of Jacobi symbol 1.
    order = 2 * p_order * q_order
    assert gmpy2.powmod(hs, order, n * n) == 1
    assert all(gmpy2.powmod(hs, order // prime, n * n) != 1 for prime in (2, p_order, q_order))
    assert gmpy2.jacobi(hs, p) == gmpy2.jacobi(hs, q) == -1
    values = [-(2 ** (bits - 2)) + 1, 5, 2 ** (bits - 2) - 1]
    total = private_key.encrypt(values) + public_key.encrypt([1, -5, -1])
    assert private_key.decrypt(total).tolist() == [values[0] + 1, 0, values[2] - 1]


@pytest.mark.parametrize("key", [PUBLIC, PRIVATE], ids=["public", "owner"])
def test_what_either_encrypts_the_definition_decrypts(key):
    ct = key.encrypt(VALUES * 4)
    assert [by_definition(c) for c in integers(ct)] == VALUES * 4
    assert PRIVATE.decrypt(ct).tolist() == VALUES * 4
    assert len(set(integers(key.encrypt([7] * 40)))) == 40, "every ciphertext has its own randomness"


@pytest.mark.parametrize("key", [PUBLIC, PRIVATE], ids=["public", "owner"])
def test_randomness_spans_the_subgroup_and_no_more(key):
    residues = integers(key.encrypt([0] * 64))
    assert all(gmpy2.powmod(rho, 2 * ALPHA, N2) == 1 for rho in residues)
    # Even and odd exponents: the Legendre symbols of both halves are equal and take both values.
    symbols = {(gmpy2.jacobi(rho, P), gmpy2.jacobi(rho, Q)) for rho in residues}
    assert symbols == {(1, 1), (-1, -1)}
    for prime in (2, P_ORDER, Q_ORDER):
        assert any(gmpy2.powmod(rho, 2 * ALPHA // prime, N2) != 1 for rho in residues)


def test_homomorphisms():
    a, b = PUBLIC.encrypt([3, -4, 2**40]), PRIVATE.encrypt([10, 20, -30])
    assert PRIVATE.decrypt(a + b).tolist() == [13, 16, 2**40 - 30]
    assert PRIVATE.decrypt(a - b).tolist() == [-7, -24, 2**40 + 30]
    assert PRIVATE.decrypt(a * [-2, 0, 5]).tolist() == [-6, 0, 5 * 2**40]
    assert PRIVATE.decrypt(a + np.arange(1, 4)).tolist() == [4, -2, 2**40 + 3]
    for key in (None, PRIVATE):
        again = (a + 0).rerandomize(key)
        assert not set(integers(again)) & set(integers(a))
        assert PRIVATE.decrypt(again).tolist() == [3, -4, 2**40]
    assert PRIVATE.decrypt(a[:0].sum()) == 0


def test_keys_travel_as_bytes(tmp_path):
    again = PublicKey.from_bytes(PUBLIC.to_bytes())
    assert (again, again.kind) == (PUBLIC, "fast")
    assert PRIVATE.decrypt(again.encrypt([5])).tolist() == [5]
    PRIVATE.save(tmp_path / "key", "a passphrase")
    loaded = PrivateKey.load(tmp_path / "key", "a passphrase")
    assert loaded.public_key == PUBLIC
    assert loaded.decrypt(PUBLIC.encrypt([-9])).tolist() == [-9]
    assert "kind='fast'" in repr(PUBLIC)


def test_the_byte_form():
    header = b"IPK\x01\x02" + (2048).to_bytes(2, "big")
    assert PUBLIC.to_bytes() == header + N.to_bytes(256, "big") + HS.to_bytes(512, "big") + b"\x01\xc0"
    n, hs = DJN_PUBLIC.n, DJN_PUBLIC._native.hs
    older = b"IPK\x01\x01" + (2048).to_bytes(2, "big") + n.to_bytes(256, "big") + hs.to_bytes(512, "big")
    assert PublicKey.from_bytes(older) == DJN_PUBLIC, "keys from before fast keys still load"
    assert PublicKey.from_bytes(b"IPK\x01\x00" + older[5:263]).kind == "standard"
    # The same numbers as another kind of key are another key.
    assert PublicKey.from_bytes(b"IPK\x01\x01" + PUBLIC.to_bytes()[5:-2]) != PUBLIC


def with_exponent_bits(bits):
    return PUBLIC.to_bytes()[:-2] + bits.to_bytes(2, "big")


def test_exponents_that_are_too_short_or_too_long_are_refused():
    for bits in (0, 1, 224, 447):
        with pytest.raises(errors.KeyRejected, match="too short"):
            PublicKey.from_bytes(with_exponent_bits(bits))
    with pytest.raises(errors.KeyRejected, match="longer than half"):
        PublicKey.from_bytes(with_exponent_bits(1025))
    longer = PublicKey.from_bytes(with_exponent_bits(512))
    assert longer != PUBLIC, "the length is part of the key"
    sent = longer.encrypt(VALUES).to_bytes()
    assert PRIVATE.decrypt(PUBLIC.ciphertexts_from_bytes(sent)).tolist() == VALUES


@pytest.mark.parametrize(
    "data",
    [
        b"IPK\x01\x03" + PUBLIC.to_bytes()[5:],
        PUBLIC.to_bytes()[:-1],
        PUBLIC.to_bytes()[:-2],
        PUBLIC.to_bytes() + b"\x00",
    ],
    ids=["kind", "cut", "no exponent", "long"],
)
def test_bytes_that_are_no_key_are_refused(data):
    with pytest.raises(errors.DecodeError):
        PublicKey.from_bytes(data)


def private_bytes(**changes):
    """The private key, with some of its numbers replaced."""
    numbers = {"p": P, "q": Q, "hs": HS, "exponent_bits": 448, "p_order": P_ORDER, "q_order": Q_ORDER}
    numbers.update(changes)
    widths = {"p": 256, "q": 256, "hs": 512, "exponent_bits": 2, "p_order": 28, "q_order": 28}
    parts = [numbers[name].to_bytes(width, "big") for name, width in widths.items()]
    return bytearray(b"ISK\x01\x02" + (2048).to_bytes(2, "big") + b"".join(parts))


def other_order():
    return int(gmpy2.next_prime(P_ORDER))


@pytest.mark.parametrize(
    "changes",
    [
        {"p_order": Q_ORDER, "q_order": P_ORDER},
        {"p_order": other_order()},
        {"p_order": P_ORDER - 1},
        {"p_order": P_ORDER >> 1},
        {"q_order": P_ORDER},
        {"hs": pow(5, 2 * N, N2)},
        {"hs": 1},
        {"exponent_bits": 450},
    ],
    ids=["swapped", "prime", "even", "short", "same", "hs", "one", "length"],
)
def test_damaged_private_keys_are_refused(changes):
    assert private_bytes() == PRIVATE._native.serialize()
    with pytest.raises(errors.KeyCorrupt):
        native.PrivateKey.deserialize(private_bytes(**changes))


def test_a_ciphertext_outside_the_subgroup_is_not_decrypted():
    """r^n for any r is fine under other keys; here its owner cannot remove it and says so."""
    data = bytearray(PUBLIC.encrypt([1, 2, 3]).to_bytes())
    data[512:1024] = (pow(3, N, N2) * (1 + 2 * N) % N2).to_bytes(512, "big")
    with pytest.raises(errors.FaultDetected) as caught:
        PRIVATE.decrypt(PUBLIC.ciphertexts_from_bytes(bytes(data)))
    assert caught.value.row == 1


def test_every_injected_fault_is_noticed():
    ciphertexts = native.encrypt(PRIVATE._native, np.array([3], dtype=np.int64))
    try:
        for name, fault in native._InjectedFault.__members__.items():
            if "randomizer" in name:  # of encryptions
                continue
            native._inject_fault_for_testing(fault)
            if name == "none":
                assert PRIVATE._native.decrypt(ciphertexts).to_int64().tolist() == [3]
                continue
            with pytest.raises(errors.FaultDetected) as caught:
                PRIVATE._native.decrypt(ciphertexts)
            assert caught.value.row == 0
    finally:
        native._inject_fault_for_testing(native._InjectedFault.none)


def test_key_sizes_are_refused_as_for_other_keys():
    for bits in (1024, 2040, 8192):
        with pytest.raises(errors.KeyRejected):
            keygen(bits, fast=True)
