"""New key pairs; and every name of python-paillier's module of the same name."""

from __future__ import annotations

import math

from isthmus.compat.phe.encoding import EncodedNumber
from isthmus.compat.phe.private import PaillierPrivateKey, PaillierPrivateKeyring
from isthmus.compat.phe.public import EncryptedNumber, PaillierPublicKey
from isthmus.compat.phe.util import getprimeover, invert, isqrt, powmod

__all__ = [
    "DEFAULT_KEYSIZE",
    "EncodedNumber",
    "EncryptedNumber",
    "PaillierPrivateKey",
    "PaillierPrivateKeyring",
    "PaillierPublicKey",
    "generate_paillier_keypair",
    "getprimeover",
    "invert",
    "isqrt",
    "powmod",
]

DEFAULT_KEYSIZE = 3072
_MIN_KEYSIZE = 8


def generate_paillier_keypair(
    private_keyring: PaillierPrivateKeyring | None = None, n_length: int = DEFAULT_KEYSIZE
) -> tuple[PaillierPublicKey, PaillierPrivateKey]:
    """Return a new key pair whose n has exactly `n_length` bits; a keyring, if given, takes the private key.

    Raises
    ------
    ValueError
        Below 8 bits, where there are too few primes. Only lengths from 2048 bits on protect anything.
    """
    if n_length < _MIN_KEYSIZE:
        raise ValueError(f"a key needs at least {_MIN_KEYSIZE} bits")
    p = q = 0
    while p == q or (p * q).bit_length() != n_length or math.gcd(p * q, (p - 1) * (q - 1)) != 1:
        p, q = getprimeover(n_length - n_length // 2), getprimeover(n_length // 2)
    public_key = PaillierPublicKey(p * q)
    private_key = PaillierPrivateKey(public_key, p, q)
    if private_keyring is not None:
        private_keyring.add(private_key)
    return public_key, private_key
