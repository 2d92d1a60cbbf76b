"""isthmus.compat.phe against python-paillier itself: the same numbers, results and errors, both ways."""

import math
import pickle
import sys
from fractions import Fraction

import numpy as np
import phe as theirs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import isthmus as ist
from isthmus import errors
from isthmus.compat import phe as ours

BITS = (128, 1024, 2048)
few = settings(max_examples=60)
PAIRS = {bits: ours.generate_paillier_keypair(n_length=bits) for bits in BITS}
PUBLIC, PRIVATE = PAIRS[1024]
VALUES = [0, 1, -1, 10**12, -(10**12), 0.5, -2.25, 3.14159, 1e-9, -6.02e8]


def in_theirs(bits):
    """The same key as python-paillier's objects."""
    public_key, private_key = PAIRS[bits]
    their_public = theirs.PaillierPublicKey(public_key.n)
    return their_public, theirs.PaillierPrivateKey(their_public, private_key.p, private_key.q)


THEIR_PUBLIC, THEIR_PRIVATE = in_theirs(1024)


def number(module, public_key, encrypted):
    """One side's encrypted number as the other's, by what crosses a wire."""
    return module.EncryptedNumber(public_key, encrypted.ciphertext(), encrypted.exponent)


@pytest.mark.parametrize("bits", BITS)
def test_either_decrypts_what_the_other_encrypts(bits):
    public_key, private_key = PAIRS[bits]
    their_public, their_private = in_theirs(bits)
    for value in (v for v in VALUES if bits > 128 or isinstance(v, int)):
        to_them = number(theirs, their_public, public_key.encrypt(value))
        to_us = number(ours, public_key, their_public.encrypt(value))
        assert their_private.decrypt(to_them) == private_key.decrypt(to_us) == value
        assert type(private_key.decrypt(to_us)) is type(their_private.decrypt(to_them))


@pytest.mark.parametrize("bits", BITS)
def test_keys_have_the_same_attributes(bits):
    (public_key, private_key), (their_public, their_private) = PAIRS[bits], in_theirs(bits)
    assert public_key.n.bit_length() == bits
    for name in ("n", "g", "nsquare", "max_int"):
        assert getattr(public_key, name) == getattr(their_public, name)
    for name in ("p", "q", "psquare", "qsquare", "p_inverse", "hp", "hq"):
        assert getattr(private_key, name) == getattr(their_private, name)
    assert repr(public_key).startswith("<PaillierPublicKey ")
    assert repr(private_key) == f"<PaillierPrivateKey for {public_key!r}>"
    assert hash(public_key) == hash(their_public) and hash(private_key) == hash(their_private)
    for secret in (private_key.p, private_key.q):
        assert str(secret) not in repr(private_key)


ints = st.one_of(st.integers(-(2**70), 2**70), st.integers(-PUBLIC.max_int, PUBLIC.max_int))
floats = st.floats(-1e40, 1e40).filter(lambda x: x == 0 or abs(x) > 1e-40)
exponents = st.one_of(st.none(), st.integers(-40, 3))


def encoded(module, key, value, **how):
    """Return the encoded number, or None where it is refused."""
    try:
        return module.EncodedNumber.encode(key, value, **how)
    except ValueError:
        return None


@few
@given(st.one_of(ints, floats), st.one_of(st.none(), st.floats(1e-12, 1e6)), exponents)
@example(PUBLIC.max_int, None, -1)
def test_numbers_are_encoded_alike(value, precision, max_exponent):
    mine, other = (
        encoded(module, key, value, precision=precision, max_exponent=max_exponent)
        for module, key in ((ours, PUBLIC), (theirs, THEIR_PUBLIC))
    )
    if mine is None or other is None:
        assert mine is other  # too large for the key, in the eyes of both
        return
    assert (mine.encoding, mine.exponent) == (other.encoding, other.exponent)
    assert mine.decode() == other.decode()
    lower = mine.decrease_exponent_to(mine.exponent - 5)
    again = other.decrease_exponent_to(other.exponent - 5)
    assert (lower.encoding, lower.exponent) == (again.encoding, again.exponent)


@few
@given(ints, st.one_of(ints, floats), floats, st.integers(2, 2**60))
def test_operators_give_the_same_ciphertexts(a, b, k, r):
    """With the randomness given, every operation is deterministic."""
    results = []
    for module, key in ((ours, PUBLIC), (theirs, THEIR_PUBLIC)):
        x, y = key.encrypt(a % 2**70, r_value=r), key.encrypt(b, r_value=r + 1)
        z = module.EncodedNumber.encode(key, k)
        computed = [x + y, x - y, x + k, k - x, x * k, -3 * x, x / 4, y * z, y + z, sum([x, x])]
        computed.append(x.decrease_exponent_to(-7))
        results.append([(c.ciphertext(be_secure=False), c.exponent) for c in computed])
        assert not any(c._EncryptedNumber__is_obfuscated for c in computed)
    assert results[0] == results[1]


@pytest.mark.parametrize("bits", BITS)
def test_raw_numbers_agree(bits):
    (public_key, private_key), (their_public, their_private) = PAIRS[bits], in_theirs(bits)
    n = public_key.n
    for plaintext in (0, 1, n // 2, n - 1, n, n + 1, 12345):
        ciphertext = public_key.raw_encrypt(plaintext, 7)
        assert ciphertext == their_public.raw_encrypt(plaintext, 7)
        fresh = public_key.raw_encrypt(plaintext)
        assert private_key.raw_decrypt(fresh) == their_private.raw_decrypt(fresh) == plaintext % n
    encrypted = public_key.encrypt(21, r_value=5)
    for factor in (0, 1, 2, 1000, n - 1, n - 1000, public_key.max_int):
        other = theirs.EncryptedNumber(their_public, encrypted.ciphertext(False), 0)
        assert encrypted._raw_mul(factor) == other._raw_mul(factor)


def test_obfuscation():
    encrypted = PUBLIC.encrypt(3.5)
    assert encrypted._EncryptedNumber__is_obfuscated
    product = encrypted * 2
    before = product.ciphertext(be_secure=False)
    assert before == product.ciphertext(be_secure=False)
    after = product.ciphertext()
    assert after != before and after == product.ciphertext() == product._EncryptedNumber__ciphertext
    assert PRIVATE.decrypt(product) == 7.0
    assert len({PUBLIC.encrypt(1).ciphertext() for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("error", "attempt"),
    [
        (TypeError, lambda m, pub, priv: pub.encrypt("1")),
        (TypeError, lambda m, pub, priv: pub.encrypt(1j)),
        (TypeError, lambda m, pub, priv: pub.raw_encrypt("1")),
        (TypeError, lambda m, pub, priv: priv.raw_decrypt("1")),
        (TypeError, lambda m, pub, priv: priv.decrypt(5)),
        (TypeError, lambda m, pub, priv: m.EncryptedNumber("key", 5)),
        (TypeError, lambda m, pub, priv: m.PaillierPrivateKeyring().add(pub)),
        (TypeError, lambda m, pub, priv: pub.encrypt(1)._raw_mul(1.0)),
        (ValueError, lambda m, pub, priv: pub.encrypt(1)._raw_mul(-1)),
        (ValueError, lambda m, pub, priv: pub.encrypt(1)._raw_mul(pub.n)),
        (ValueError, lambda m, pub, priv: pub.encrypt(pub.max_int + 1)),
        (ValueError, lambda m, pub, priv: pub.encrypt(-pub.max_int - 1)),
        (ValueError, lambda m, pub, priv: pub.encrypt(0.1).decrease_exponent_to(0)),
        (ValueError, lambda m, pub, priv: m.EncodedNumber.encode(pub, 0.1).decrease_exponent_to(0)),
        (ValueError, lambda m, pub, priv: m.EncodedNumber(pub, pub.n, 0).decode()),
        (OverflowError, lambda m, pub, priv: m.EncodedNumber(pub, pub.n // 2, 0).decode()),
        (OverflowError, lambda m, pub, priv: priv.decrypt(pub.encrypt(pub.max_int) * 2)),
        (ValueError, lambda m, pub, priv: m.PaillierPrivateKey(pub, priv.p, priv.q + 2)),
        (ValueError, lambda m, pub, priv: m.PaillierPrivateKey(m.PaillierPublicKey(49), 7, 7)),
        (ValueError, lambda m, pub, priv: m.PaillierPrivateKey.from_totient(pub, pub.n - 1)),
        (ValueError, lambda m, pub, priv: priv.decrypt(m.PaillierPublicKey(15).encrypt(1))),
        (ValueError, lambda m, pub, priv: pub.encrypt(1) + m.PaillierPublicKey(15).encrypt(1)),
        (ValueError, lambda m, pub, priv: pub.encrypt(1) + m.EncodedNumber(m.PaillierPublicKey(15), 1, 0)),
        (NotImplementedError, lambda m, pub, priv: pub.encrypt(1) * pub.encrypt(1)),
        (KeyError, lambda m, pub, priv: m.PaillierPrivateKeyring([]).decrypt(pub.encrypt(1))),
        (ZeroDivisionError, lambda m, pub, priv: m.util.invert(4, 6)),
    ],
    ids=str,
)
def test_what_one_refuses_the_other_refuses(error, attempt):
    for sides in ((ours, PUBLIC, PRIVATE), (theirs, THEIR_PUBLIC, THEIR_PRIVATE)):
        with pytest.raises(error):
            attempt(*sides)


def test_results_beyond_floats_overflow():
    for module, key in ((ours, PAIRS[2048][0]), (theirs, in_theirs(2048)[0])):
        with pytest.raises(OverflowError):
            module.EncodedNumber(key, key.max_int, -1).decode()


def test_the_keyring():
    ring = ours.PaillierPrivateKeyring([PRIVATE])
    public_key, private_key = ours.generate_paillier_keypair(ring, n_length=256)
    assert len(ring) == 2 and ring[public_key] == private_key and set(ring) == {PUBLIC, public_key}
    assert ring == ours.PaillierPrivateKeyring([private_key, PRIVATE])
    assert ring.decrypt(public_key.encrypt(-5)) == -5
    del ring[public_key]
    with pytest.raises(KeyError):
        ring.decrypt(public_key.encrypt(1))


@pytest.mark.parametrize("bits", BITS)
def test_private_keys_from_the_totient(bits):
    public_key, private_key = PAIRS[bits]
    again = ours.PaillierPrivateKey.from_totient(public_key, (private_key.p - 1) * (private_key.q - 1))
    assert again == private_key
    assert again.decrypt(public_key.encrypt(77)) == 77


@pytest.mark.parametrize("bits", BITS)
def test_objects_survive_pickling(bits):
    public_key, private_key = PAIRS[bits]
    encrypted = public_key.encrypt(-1234)
    assert private_key.decrypt(encrypted) == -1234
    copies = pickle.loads(pickle.dumps([public_key, private_key, encrypted]))
    assert copies[:2] == [public_key, private_key]
    assert copies[1].decrypt(copies[2]) == -1234
    assert copies[2].ciphertext() == encrypted.ciphertext()


def test_numpy_and_sums():
    values = np.array([0.25, -1.5, 4.0, 1e6])
    encrypted = [PUBLIC.encrypt(v) for v in values]
    assert PRIVATE.decrypt(np.mean(encrypted)) == values.mean()
    assert PRIVATE.decrypt(np.dot(encrypted, values.tolist())) == values @ values
    assert PRIVATE.decrypt(sum(encrypted)) == values.sum()


def test_other_bases():
    class Octal(ours.EncodedNumber):
        BASE = 8
        LOG2_BASE = math.log2(8)

    encoded = Octal.encode(PUBLIC, -31.4)
    assert 8 ** Fraction(encoded.exponent) * (encoded.encoding - PUBLIC.n) == Fraction(-31.4)
    back = PRIVATE.decrypt_encoded(PUBLIC.encrypt(encoded), Octal)
    assert type(back) is Octal and back.decode() == -31.4


@pytest.mark.parametrize("bits", [8, 9, 16, 64, 129, 512, 4160])
def test_keys_of_any_length_work(bits):
    """4160 bits lie beyond the native core's keys."""
    public_key, private_key = ours.generate_paillier_keypair(n_length=bits)
    assert public_key.n.bit_length() == bits
    assert private_key.decrypt(public_key.encrypt(7) * 3 + -1) == 20
    assert private_key.decrypt(public_key.encrypt(2) - 4) == -2


def test_keys_that_are_too_short_to_exist_are_refused():
    for bits in (0, 7, -1):
        with pytest.raises(ValueError, match="at least 8 bits"):
            ours.generate_paillier_keypair(n_length=bits)


def test_secure_keys_are_decrypted_by_the_core():
    public_key, private_key = PAIRS[2048]
    core = ist.paillier.PrivateKey.from_primes(private_key.p, private_key.q)
    sent = public_key.encrypt(99).ciphertext().to_bytes(512, "big")
    assert core.decrypt(core.public_key.ciphertexts_from_bytes(sent)).tolist() == [99]
    back = int.from_bytes(core.encrypt([-98]).to_bytes(), "big")
    assert private_key.decrypt(ours.EncryptedNumber(public_key, back)) == -98
    for bad, error in ((private_key.p, errors.CiphertextNotUnit), (0, errors.CiphertextRange)):
        with pytest.raises(error):
            private_key.raw_decrypt(bad)


def test_numbers_of_phe_util():
    for module in (ours.util, theirs.util):
        assert module.powmod(5, 3, 3) == 2 and module.powmod(3, 10**30, 2**61 - 1) == pow(
            3, 10**30, 2**61 - 1
        )
        assert module.mulmod(2**900, 3**700, 10**400) == 2**900 * 3**700 % 10**400
        assert module.invert(3, 4) == 3
        assert module.isqrt(10**40 - 1) == 10**20 - 1
        assert module.is_prime(2**127 - 1) and not module.is_prime(2**127 + 1)
        assert [n for n in range(-3, 30) if module.is_prime(n)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]
        assert module.base64_to_int(module.int_to_base64(2**100 + 1)) == 2**100 + 1
    for value in (1, 255, 256, 10**50):
        assert ours.util.int_to_base64(value) == theirs.util.int_to_base64(value)
    for bits in (2, 3, 8, 64, 511, 512):
        prime = ours.util.getprimeover(bits)
        assert prime.bit_length() >= bits and theirs.util.is_prime(prime)


def test_one_changed_import_is_enough():
    for name in theirs.paillier.__dict__:
        if (
            isinstance(getattr(theirs.paillier, name), type)
            and getattr(theirs.paillier, name).__module__ == "phe.paillier"
        ):
            assert hasattr(ours.paillier, name) and hasattr(ours, name)
    assert ours.paillier.DEFAULT_KEYSIZE == theirs.paillier.DEFAULT_KEYSIZE
    assert ours.encoding.EncodedNumber is ours.EncodedNumber
    assert sys.modules["isthmus.compat.phe"] is ist.compat.phe
