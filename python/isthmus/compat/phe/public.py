"""Public keys, and the numbers encrypted under them, with the names and the numbers of python-paillier."""

from __future__ import annotations

import math
import secrets
from operator import index
from typing import Any

from isthmus.compat.phe.encoding import EncodedNumber
from isthmus.compat.phe.ring import ring_of


class PaillierPublicKey:
    """A public key.

    Attributes
    ----------
    n, nsquare, g : int
        The modulus, its square, and n + 1.
    max_int : int
        The largest mantissa that :class:`EncodedNumber` takes.
    """

    def __init__(self, n: int) -> None:
        n = index(n)
        self.g = n + 1
        self.n = n
        self.nsquare = n * n
        self.max_int = n // 3 - 1

    def __repr__(self) -> str:
        return f"<PaillierPublicKey {f'{hash(self):x}'[:10]}>"

    def __eq__(self, other: object) -> bool:
        return self.n == other.n if isinstance(other, PaillierPublicKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.n)

    def get_random_lt_n(self) -> int:
        """Return a random unit below n."""
        while math.gcd(r := secrets.randbelow(self.n), self.n) != 1:
            pass
        return r

    def raw_encrypt(self, plaintext: int, r_value: int | None = None) -> int:
        """Return ``(1 + n * plaintext) * r ** n mod n ** 2``, with a random r unless `r_value` is given.

        Raises
        ------
        TypeError
            If `plaintext` is not an int.
        """
        if not isinstance(plaintext, int):
            raise TypeError(f"the plaintext must be an int, not {type(plaintext).__name__}")
        visible = (1 + self.n * plaintext) % self.nsquare
        return visible if r_value == 1 else self._randomized(visible, r_value)

    def _randomized(self, ciphertext: int, r_value: int | None) -> int:
        ring, r = ring_of(self.n), r_value or self.get_random_lt_n()
        return ring.mul(ciphertext % self.nsquare, ring.pow(r % self.nsquare, self.n))

    def encrypt(
        self, value: Any, precision: float | None = None, r_value: int | None = None
    ) -> EncryptedNumber:
        """Encode (see :meth:`EncodedNumber.encode`) and encrypt an int, a float or an EncodedNumber."""
        if not isinstance(value, EncodedNumber):
            value = EncodedNumber.encode(self, value, precision)
        return self.encrypt_encoded(value, r_value)

    def encrypt_encoded(self, encoding: EncodedNumber, r_value: int | None) -> EncryptedNumber:
        """Encrypt an encoded number, obfuscated unless `r_value` is given."""
        ciphertext = self.raw_encrypt(encoding.encoding, r_value or 1)
        encrypted = EncryptedNumber(self, ciphertext, encoding.exponent)
        if r_value is None:
            encrypted.obfuscate()
        return encrypted


class EncryptedNumber:
    """An encrypted int or float: ``+``, ``-`` with its like and plain numbers, ``*``, ``/`` with the latter.

    Parameters
    ----------
    public_key : PaillierPublicKey
    ciphertext : int
    exponent : int
        That of the encoded plaintext; in the clear.
    """

    def __init__(self, public_key: PaillierPublicKey, ciphertext: int, exponent: int = 0) -> None:
        if isinstance(ciphertext, EncryptedNumber):
            raise TypeError("the ciphertext must be an int")
        if not isinstance(public_key, PaillierPublicKey):
            raise TypeError("a PaillierPublicKey is needed")
        self.public_key = public_key
        self.exponent = exponent
        # These two keep their mangled names: code that serialises numbers reads them.
        self.__ciphertext = ciphertext
        self.__is_obfuscated = False

    def __add__(self, other: Any) -> EncryptedNumber:
        if isinstance(other, EncryptedNumber):
            return self._add_encrypted(other)
        if isinstance(other, EncodedNumber):
            return self._add_encoded(other)
        return self._add_scalar(other)

    __radd__ = __add__

    def __mul__(self, other: Any) -> EncryptedNumber:
        if isinstance(other, EncryptedNumber):
            raise NotImplementedError("encrypted numbers cannot be multiplied with each other")
        if not isinstance(other, EncodedNumber):
            other = EncodedNumber.encode(self.public_key, other)
        product = self._raw_mul(other.encoding)
        return EncryptedNumber(self.public_key, product, self.exponent + other.exponent)

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> EncryptedNumber:
        return self.__add__(other * -1)

    def __rsub__(self, other: Any) -> EncryptedNumber:
        return self.__mul__(-1).__add__(other)

    def __truediv__(self, scalar: Any) -> EncryptedNumber:
        return self.__mul__(1 / scalar)

    def ciphertext(self, be_secure: bool = True) -> int:
        """Return the ciphertext, after obfuscating it if that was not done yet.

        With ``be_secure=False`` what was computed may show: never send that to anyone.
        """
        if be_secure and not self.__is_obfuscated:
            self.obfuscate()
        return self.__ciphertext

    def obfuscate(self) -> None:
        """Multiply by fresh randomness, so that nothing links this ciphertext to those it was made of."""
        self.__ciphertext = self.public_key._randomized(self.__ciphertext, None)
        self.__is_obfuscated = True

    def decrease_exponent_to(self, new_exp: int) -> EncryptedNumber:
        """Return the same number with a lower exponent; an overflow goes unnoticed.

        Raises
        ------
        ValueError
            If `new_exp` is above the exponent.
        """
        if new_exp > self.exponent:
            raise ValueError(f"the exponent {self.exponent} cannot be raised to {new_exp}")
        lowered = self.__mul__(EncodedNumber.BASE ** (self.exponent - new_exp))
        lowered.exponent = new_exp
        return lowered

    def _add_scalar(self, scalar: Any) -> EncryptedNumber:
        return self._add_encoded(EncodedNumber.encode(self.public_key, scalar, max_exponent=self.exponent))

    def _add_encoded(self, encoded: EncodedNumber) -> EncryptedNumber:
        if self.public_key != encoded.public_key:
            raise ValueError("the number was encoded for another key")
        exponent = min(self.exponent, encoded.exponent)
        mine, theirs = self._at_exponent(exponent), encoded
        if encoded.exponent > exponent:
            theirs = encoded.decrease_exponent_to(exponent)
        visible = self.public_key.raw_encrypt(theirs.encoding, 1)
        total = self._raw_add(mine.ciphertext(False), visible)
        return EncryptedNumber(self.public_key, total, exponent)

    def _add_encrypted(self, other: EncryptedNumber) -> EncryptedNumber:
        if self.public_key != other.public_key:
            raise ValueError("the numbers were encrypted under different keys")
        exponent = min(self.exponent, other.exponent)
        a, b = self._at_exponent(exponent), other._at_exponent(exponent)
        total = self._raw_add(a.ciphertext(False), b.ciphertext(False))
        return EncryptedNumber(self.public_key, total, exponent)

    def _at_exponent(self, exponent: int) -> EncryptedNumber:
        return self if self.exponent == exponent else self.decrease_exponent_to(exponent)

    def _raw_add(self, e_a: int, e_b: int) -> int:
        """Return the ciphertext of the sum of two ciphertexts' plaintexts."""
        key = self.public_key
        return ring_of(key.n).mul(e_a % key.nsquare, e_b % key.nsquare)

    def _raw_mul(self, plaintext: int) -> int:
        """Return the ciphertext of ``plaintext`` times this one's.

        Raises
        ------
        TypeError
            If `plaintext` is not an int.
        ValueError
            Unless ``0 <= plaintext < n``.
        """
        key = self.public_key
        if not isinstance(plaintext, int):
            raise TypeError(f"the factor must be an int, not {type(plaintext).__name__}")
        if not 0 <= plaintext < key.n:
            raise ValueError("the factor must lie in 0 <= factor < n")
        ring, base = ring_of(key.n), self.ciphertext(False) % key.nsquare
        if plaintext >= key.n - key.max_int:  # a negative one: a short exponent for the inverse
            return ring.pow(ring.invert(base), key.n - plaintext)
        return ring.pow(base, plaintext)
