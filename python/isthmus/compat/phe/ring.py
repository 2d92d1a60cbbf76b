"""Arithmetic on Python integers modulo n squared: the native core where it can, Python otherwise."""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from isthmus._core import bigint
from isthmus.errors import CiphertextNotUnit

_MAX_NATIVE_BITS = 4096


class Ring(Protocol):
    """The integers modulo n squared; operands are reduced."""

    def mul(self, a: int, b: int) -> int:
        """Return a * b."""

    def pow(self, base: int, exponent: int) -> int:
        """Return base ** exponent for a public exponent >= 0."""

    def invert(self, a: int) -> int:
        """Return 1 / a, or raise ZeroDivisionError."""


class _NativeRing:
    def __init__(self, n: int) -> None:
        self._square = bigint.SquareModulus(n)

    def mul(self, a: int, b: int) -> int:
        return self._square.mul(a, b)

    def pow(self, base: int, exponent: int) -> int:
        return self._square.pow_vartime(base, exponent)

    def invert(self, a: int) -> int:
        try:
            return self._square.invert([a])[0]
        except CiphertextNotUnit:
            raise ZeroDivisionError("the number has no inverse") from None


class _PythonRing:
    def __init__(self, n: int) -> None:
        self._modulus = n * n

    def mul(self, a: int, b: int) -> int:
        return a * b % self._modulus

    def pow(self, base: int, exponent: int) -> int:
        return pow(base, exponent, self._modulus)

    def invert(self, a: int) -> int:
        try:
            return pow(a, -1, self._modulus)
        except ValueError:
            raise ZeroDivisionError("the number has no inverse") from None


@lru_cache(maxsize=16)
def ring_of(n: int) -> Ring:
    """Return the ring of a public n, built once for the keys in use."""
    native = n % 2 == 1 and n > 1 and n.bit_length() <= _MAX_NATIVE_BITS
    return _NativeRing(n) if native else _PythonRing(n)
