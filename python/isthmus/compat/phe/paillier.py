"""Keys and encrypted numbers with the names and the numbers of python-paillier."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from operator import index
from typing import Any

from isthmus._core import paillier as _native
from isthmus.compat.phe.encoding import EncodedNumber
from isthmus.compat.phe.ring import ring_of
from isthmus.compat.phe.util import getprimeover, invert, isqrt, powmod
from isthmus.errors import KeyRejected

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


class PaillierPrivateKey:
    """A private key, from the primes of ``public_key.n``.

    Attributes
    ----------
    public_key : PaillierPublicKey
    p, q, psquare, qsquare : int
        The primes, the smaller one first, and their squares.
    p_inverse : int
        ``1 / p mod q``.
    hp, hq : int
        :meth:`h_function` of the primes.

    Raises
    ------
    ValueError
        Unless p and q differ and their product is n.
    """

    def __init__(self, public_key: PaillierPublicKey, p: int, q: int) -> None:
        p, q = index(p), index(q)
        if p * q != public_key.n:
            raise ValueError("p and q are not the factors of this public key")
        if p == q:
            raise ValueError("p and q must differ")
        self.public_key = public_key
        self.p, self.q = min(p, q), max(p, q)
        self.psquare, self.qsquare = self.p**2, self.q**2
        self.p_inverse = invert(self.p, self.q)
        self.hp = self.h_function(self.p, self.psquare)
        self.hq = self.h_function(self.q, self.qsquare)
        self._native: _native.PrivateKey | None = None
        self._refused = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_native": None}  # made again on demand

    @staticmethod
    def from_totient(public_key: PaillierPublicKey, totient: int) -> PaillierPrivateKey:
        """Return the private key for ``totient = (p - 1) * (q - 1)``.

        Raises
        ------
        ValueError
            If it is not the totient of ``public_key.n``.
        """
        total = public_key.n - totient + 1  # p + q
        square = total * total - 4 * public_key.n
        difference = isqrt(square) if square > 0 else 0
        q = (total - difference) // 2
        if (total - q) * q != public_key.n:
            raise ValueError("this is not the totient of the public key")
        return PaillierPrivateKey(public_key, total - q, q)

    def __repr__(self) -> str:
        return f"<PaillierPrivateKey for {self.public_key!r}>"

    def __eq__(self, other: object) -> bool:
        return (
            (self.p, self.q) == (other.p, other.q)
            if isinstance(other, PaillierPrivateKey)
            else NotImplemented
        )

    def __hash__(self) -> int:
        return hash((self.p, self.q))

    def decrypt(self, encrypted_number: EncryptedNumber) -> int | float:
        """Decrypt and decode.

        Raises
        ------
        TypeError
            If it is not an EncryptedNumber.
        ValueError
            If it belongs to another key.
        OverflowError
            If the number overflowed.
        """
        return self.decrypt_encoded(encrypted_number).decode()

    def decrypt_encoded(
        self, encrypted_number: EncryptedNumber, Encoding: type[EncodedNumber] | None = None
    ) -> EncodedNumber:
        """Decrypt to an encoded number of the class `Encoding`; raises as :meth:`decrypt`."""
        if not isinstance(encrypted_number, EncryptedNumber):
            raise TypeError(f"an EncryptedNumber is needed, not {type(encrypted_number).__name__}")
        if self.public_key != encrypted_number.public_key:
            raise ValueError("the number was encrypted under another key")
        residue = self.raw_decrypt(encrypted_number.ciphertext(be_secure=False))
        return (Encoding or EncodedNumber)(self.public_key, residue, encrypted_number.exponent)

    def raw_decrypt(self, ciphertext: int) -> int:
        """Return the plaintext in [0, n).

        Raises
        ------
        TypeError
            If `ciphertext` is not an int.
        CiphertextNotUnit, FaultDetected
            Under keys of 2048 to 4096 bits, as :meth:`isthmus.paillier.PrivateKey.decrypt`.
        """
        if not isinstance(ciphertext, int):
            raise TypeError(f"the ciphertext must be an int, not {type(ciphertext).__name__}")
        native = self._native_key()
        if native is None:
            return self._plain_decrypt(ciphertext)
        data = (ciphertext % self.public_key.nsquare).to_bytes(native.public_key.ciphertext_bytes, "big")
        plaintexts = native.decrypt(native.public_key.ciphertexts_from_bytes(data, 1))
        return int.from_bytes(plaintexts.to_bytes(), "big")

    def _native_key(self) -> _native.PrivateKey | None:
        """The same key in the core, which refuses lengths and primes that protect nothing."""
        if self._native is None and not self._refused:
            try:
                self._native = _native.PrivateKey.from_primes(self.p, self.q)
            except KeyRejected:
                self._refused = True
        return self._native

    def _plain_decrypt(self, ciphertext: int) -> int:
        def half(prime: int, square: int, h: int) -> int:
            return self.l_function(powmod(ciphertext, prime - 1, square), prime) * h % prime

        return self.crt(half(self.p, self.psquare, self.hp), half(self.q, self.qsquare, self.hq))

    def h_function(self, x: int, xsquare: int) -> int:
        """Return ``1 / L(g ** (x - 1) mod x ** 2) mod x``."""
        return invert(self.l_function(powmod(self.public_key.g, x - 1, xsquare), x), x)

    def l_function(self, x: int, p: int) -> int:
        """Return ``(x - 1) / p``."""
        return (x - 1) // p

    def crt(self, mp: int, mq: int) -> int:
        """Return the number below n that is mp modulo p and mq modulo q."""
        return mp + (mq - mp) * self.p_inverse % self.q * self.p


class PaillierPrivateKeyring(Mapping[PaillierPublicKey, PaillierPrivateKey]):
    """Private keys by their public keys; :meth:`add` adds one, ``del`` removes one."""

    def __init__(self, private_keys: Sequence[PaillierPrivateKey] | None = None) -> None:
        self.__keyring = {key.public_key: key for key in private_keys or ()}

    def __getitem__(self, key: PaillierPublicKey) -> PaillierPrivateKey:
        return self.__keyring[key]

    def __len__(self) -> int:
        return len(self.__keyring)

    def __iter__(self) -> Iterator[PaillierPublicKey]:
        return iter(self.__keyring)

    def __delitem__(self, public_key: PaillierPublicKey) -> None:
        del self.__keyring[public_key]

    def add(self, private_key: PaillierPrivateKey) -> None:
        """Add a key. Raises TypeError unless it is a private key."""
        if not isinstance(private_key, PaillierPrivateKey):
            raise TypeError(f"a PaillierPrivateKey is needed, not {type(private_key).__name__}")
        self.__keyring[private_key.public_key] = private_key

    def decrypt(self, encrypted_number: EncryptedNumber) -> int | float:
        """Decrypt with the key that fits. Raises KeyError if there is none."""
        return self.__keyring[encrypted_number.public_key].decrypt(encrypted_number)


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
