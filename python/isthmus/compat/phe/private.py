"""Private keys, and rings of them, with the names and the numbers of python-paillier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import index
from typing import Any

from isthmus._core import paillier as _native
from isthmus.compat.phe.encoding import EncodedNumber
from isthmus.compat.phe.public import EncryptedNumber, PaillierPublicKey
from isthmus.compat.phe.util import invert, isqrt, powmod
from isthmus.errors import KeyRejected


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
