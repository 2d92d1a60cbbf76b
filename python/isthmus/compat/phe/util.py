"""Number theory and text forms that users of ``phe.util`` call."""

from __future__ import annotations

import base64
import math
import secrets
from operator import index

from isthmus._core import bigint

_MIN_NATIVE_PRIME_BITS = 512
_MAX_NATIVE_BITS = 8192
_MIN_FIELD = 5  # the native primality test begins above


def powmod(a: int, b: int, c: int) -> int:
    """Return ``a ** b mod c``."""
    a, b, c = index(a), index(b), index(c)
    if b >= 0 and c > 1 and c % 2 == 1 and c.bit_length() <= _MAX_NATIVE_BITS:
        return bigint.mod_exp(a % c, b, c)
    return pow(a, b, c)


def mulmod(a: int, b: int, c: int) -> int:
    """Return ``a * b mod c``."""
    return a * b % c


def invert(a: int, b: int) -> int:
    """Return the inverse of a modulo b, or raise ZeroDivisionError."""
    try:
        return pow(a, -1, b)
    except ValueError:
        raise ZeroDivisionError("the number has no inverse") from None


def isqrt(N: int) -> int:
    """Return the integer part of the square root."""
    return math.isqrt(N)


def is_prime(n: int, mr_rounds: int = 25) -> bool:
    """Whether n is prime; wrong with probability at most ``4 ** -mr_rounds``."""
    if n < _MIN_FIELD:
        return n in (2, 3)
    return bigint.is_probable_prime(index(n), mr_rounds)


def getprimeover(N: int) -> int:
    """Return a random prime of at least N bits."""
    if N >= _MIN_NATIVE_PRIME_BITS:
        return bigint.random_prime_3_mod_4(N)
    candidate = secrets.randbits(N) | 1 << (N - 1) | 1
    while not is_prime(candidate):
        candidate += 2
    return candidate


def int_to_base64(source: int) -> str:
    """Return a positive integer in the base64url text of its big-endian bytes, without padding (RFC 7515)."""
    assert source > 0, "only positive integers have this form"
    data = source.to_bytes((source.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64_to_int(source: str) -> int:
    """Return the integer that :func:`int_to_base64` wrote."""
    return int.from_bytes(base64.urlsafe_b64decode(source + "=" * (-len(source) % 4)), "big")
