"""What errors of the native boundary say: never an argument, which may be a prime or a plaintext."""

import gmpy2
import numpy as np
import pytest

from isthmus import _core, aggregate
from isthmus.compat import phe
from isthmus.errors import InvalidArgument
from isthmus.paillier import PrivateKey, PublicKey, keygen

P = _core.bigint.random_prime_3_mod_4(1024)
Q = _core.bigint.random_prime_3_mod_4(1024)
SECRETS = [str(x)[:20] for x in (P, Q, P - 1, Q - 1, P * P, Q * Q)] + ["31337"]


def message_of(call):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    text = f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert not any(secret in text for secret in SECRETS)
    return str(caught.value)


@pytest.mark.parametrize("wrong", [None, 1.5, "31337", b"31337", [31337]])
def test_a_private_key_of_a_wrong_type_is_not_printed(wrong):
    for primes in ((P, wrong), (wrong, Q), (float(P >> 8), Q)):
        message_of(lambda p=primes: PrivateKey.from_primes(*p))
        with pytest.raises(InvalidArgument):
            PrivateKey.from_primes(*primes)
        message_of(lambda p=primes: phe.PaillierPrivateKey(phe.PaillierPublicKey(P * Q), *p))
    message_of(lambda: phe.util.powmod(P, wrong, Q * Q))
    message_of(lambda: phe.util.is_prime(str(P)))


def test_no_native_function_prints_its_arguments():
    """Functions, constructors, static methods, methods and properties, of every kind of module."""
    modulus = _core.bigint.Modulus(7)
    for call in (
        lambda: _core.paillier.PrivateKey.from_primes(P, None),
        lambda: _core.bigint.mod_exp(gmpy2.mpz(P), P - 1, P * P),
        lambda: _core.bigint.Modulus(str(P)),
        lambda: _core.bigint.SquareModulus(root=P),
        lambda: modulus.mul(P, str(Q)),
        lambda: modulus.multiply_repeatedly(bases=[P], factors=[Q], rounds="31337"),
        lambda: _core.paillier.PublicKey.n.fget(P),
        lambda: _core.paillier.KeyKind("31337"),
        lambda: _core.aggregate.PackLayout(key_bits=P, value_bits=[31337], max_addends=None),
        lambda: _core.paillier.PrivateKey.deserialize(b"31337"),
    ):
        assert "incompatible" in message_of(call)


def test_arguments_out_of_range_are_not_printed():
    public_key, _ = keygen(2048)
    ct = public_key.encrypt([1, 2])
    reals, buckets = np.full((2, 1), 31337.0), np.full((2, 1), 31337)
    for scale_bits in (-1, 2**70, 1.5, None):
        message_of(lambda s=scale_bits: aggregate.weighted_sum(reals, ct, scale_bits=s))
    for n_buckets in (-1, 2**70, 1.5, None):
        message_of(lambda n=n_buckets: aggregate.bucket_sum(ct, buckets, n))
        message_of(lambda n=n_buckets: aggregate.compress(ct, n))


def test_integers_of_other_libraries_are_taken():
    """gmpy2's, as python-paillier's own callers pass them."""
    key = PrivateKey.from_primes(gmpy2.mpz(P), gmpy2.mpz(Q))
    assert key.decrypt(key.public_key.encrypt([5])).tolist() == [5]
    assert isinstance(key.public_key, PublicKey)
    public_key = phe.PaillierPublicKey(gmpy2.mpz(P) * Q)
    theirs = phe.PaillierPrivateKey(public_key, gmpy2.mpz(P), gmpy2.mpz(Q))
    assert theirs.decrypt(public_key.encrypt(5)) == 5
    assert type(public_key.n) is int and type(theirs.p) is int
    assert phe.util.powmod(gmpy2.mpz(P), gmpy2.mpz(3), gmpy2.mpz(Q)) == pow(P, 3, Q)
    assert phe.util.is_prime(gmpy2.mpz(P))
