"""Public and private keys."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus._core import paillier as _native
from isthmus.errors import DecodeError, InvalidArgument, PlaintextOverflow
from isthmus.paillier.array import CiphertextArray, require_ciphertexts
from isthmus.paillier.plaintexts import encode
from isthmus.paillier.pool import DEFAULT_CAPACITY, RandomizerPool, residue_source
from isthmus.paillier.slots import SlotLayout, encrypt_slots, require_layout

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray


def keygen(key_bits: int = 3072, *, fast: bool = False) -> tuple[PublicKey, PrivateKey]:
    """Make a key pair.

    Parameters
    ----------
    key_bits : int, default 3072
        Bits of n, a multiple of 64 from 2048 (112-bit security) to 4096. 3072 gives 128-bit security.
    fast : bool, default False
        Make a fast key: randomness in a subgroup of short order, for encryption two to four times as fast and
        decryption about four times, under an assumption of its own (docs/security.md). Peers see the kind.

    Returns
    -------
    (PublicKey, PrivateKey)

    Raises
    ------
    KeyRejected
        If `key_bits` is not allowed.
    RngError
        If the operating system's random number generator fails.
    """
    private_key = PrivateKey(_native.PrivateKey.generate(key_bits, fast))
    return private_key.public_key, private_key


class PublicKey:
    """A public key: what a party needs to encrypt for the owner and to compute on its ciphertexts."""

    __slots__ = ("_native", "_pool")

    def __init__(self, native: _native.PublicKey) -> None:
        self._native = native
        self._pool: RandomizerPool | None = None

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> PublicKey:
        """Parse and check a peer's key.

        Raises
        ------
        DecodeError
            If the bytes are not a key.
        KeyRejected
            If the key breaks a rule; the message names it: 2048 to 4096 bits, odd, no factor below 2^20, no
            perfect square, not prime, hs in range and a unit, a fast key's exponents long enough.
        """
        return cls(_native.PublicKey.from_bytes(data))

    def to_bytes(self) -> bytes:
        """Serialise, with the version in front."""
        return self._native.to_bytes()

    @property
    def n(self) -> int:
        """The modulus."""
        return self._native.n

    @property
    def key_bits(self) -> int:
        """Bits of n."""
        return self._native.key_bits

    @property
    def kind(self) -> str:
        """How ciphertexts are randomized: "djn" or "fast" under keys made here, "standard" under others."""
        return self._native.kind.name

    @property
    def max_plaintext_bits(self) -> int:
        """Every integer of at most this many bits, plus sign, can be encrypted."""
        return self._native.max_plaintext_bits

    @property
    def ciphertext_bytes(self) -> int:
        """Bytes of one serialised ciphertext."""
        return self._native.ciphertext_bytes

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the key, 32 bytes."""
        return self._native.fingerprint

    def encrypt(self, values: ArrayLike, *, scale_bits: int | None = None) -> CiphertextArray:
        """Encrypt numbers, each with fresh randomness.

        Parameters
        ----------
        values : array of integers or reals, any shape
            Integers are exact, of any width. Reals are rounded to ``scale_bits`` fractional bits.
        scale_bits : int, optional
            Fractional bits; default 40 for reals and 0 for integers. It is public.

        Raises
        ------
        PlaintextOverflow
            If a scaled value does not fit; ``row`` is its position in C order. Nothing was encrypted.
        FeatureValue
            If a real is NaN or infinite.
        """
        return _encrypt(residue_source(self), self, values, scale_bits)

    def encrypt_packed(self, columns: ArrayLike, layout: SlotLayout) -> CiphertextArray:
        """Encrypt several non-negative integers in each plaintext.

        plaintext[i] = sum over s of columns[i, s] << (s * layout.slot_bits).

        Parameters
        ----------
        columns : array of integers, shape (n, slots)
        layout : PackLayout

        Returns
        -------
        CiphertextArray, shape (n,)

        Raises
        ------
        PlaintextOverflow
            If a value is negative or wider than its field (``layout.value_bits``): the layout's bound on sums
            would not hold. ``row`` says where. Nothing was encrypted.
        """
        return encrypt_slots(residue_source(self), self, columns, layout)

    def start_pool(self, capacity: int = DEFAULT_CAPACITY) -> RandomizerPool:
        """Start making randomness ahead of time, for this key object; see :class:`RandomizerPool`.

        Parameters
        ----------
        capacity : int, default 4096
            Randomizers to store at most, up to 2^20; about 0.6 KB each for 2048-bit keys, 1 KB for 3072.

        Raises
        ------
        InvalidArgument
            If a pool of this key object runs already, or `capacity` is out of range.
        """
        return RandomizerPool(self, capacity)

    def ciphertexts_from_bytes(
        self, data: bytes | bytearray | memoryview, shape: tuple[int, ...] | None = None, scale_bits: int = 0
    ) -> CiphertextArray:
        """Parse ciphertexts from a peer and check each one.

        Parameters
        ----------
        data : bytes-like
            As :meth:`CiphertextArray.to_bytes` makes them.
        shape : tuple of int, optional
            Default: one axis, as long as the bytes allow.
        scale_bits : int, default 0
            Fractional bits the parties agreed on.

        Raises
        ------
        DecodeError
            If the length does not match.
        CiphertextRange
            Unless ``0 < c < n**2``; with ``row``.
        CiphertextNotUnit
            If a ciphertext shares a factor with n; with ``row``.
        """
        size = math.prod(shape) if shape is not None else memoryview(data).nbytes // self.ciphertext_bytes
        if any(extent < 0 for extent in shape or ()):
            raise DecodeError("a shape cannot be negative")
        if size * self.ciphertext_bytes != memoryview(data).nbytes:
            raise DecodeError("the bytes are not as many ciphertexts as the shape has")
        native = self._native.ciphertexts_from_bytes(data, size)
        return CiphertextArray(native, self, (size,) if shape is None else tuple(shape), scale_bits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        fingerprint = self.fingerprint.hex()[:16]
        return f"PublicKey(key_bits={self.key_bits}, kind={self.kind!r}, fingerprint={fingerprint})"


class PrivateKey:
    """The private key: in native memory, wiped when released, never pickled or printed."""

    __slots__ = ("_native", "_pool", "public_key")

    def __init__(self, native: _native.PrivateKey) -> None:
        self._native = native
        self._pool: RandomizerPool | None = None
        self.public_key = PublicKey(native.public_key)

    @classmethod
    def from_primes(cls, p: int, q: int) -> PrivateKey:
        """Import a standard Paillier key, with randomizers r^n.

        Raises
        ------
        InvalidArgument
            If p or q is not an integer; anything with ``__index__`` is one.
        KeyRejected
            Unless p and q are distinct primes, n = p*q has 2048 to 4096 bits and no factor in common with
            (p-1)(q-1), and the lengths of p and q differ by at most 32 bits. The message names the rule.
        """
        try:
            primes = operator.index(p), operator.index(q)
        except TypeError:
            raise InvalidArgument("p and q must be integers") from None
        return cls(_native.PrivateKey.from_primes(*primes))

    def encrypt(self, values: ArrayLike, *, scale_bits: int | None = None) -> CiphertextArray:
        """Encrypt as :meth:`PublicKey.encrypt` does, about twice as fast.

        Raises also FaultDetected, if the randomness failed its check; nothing was encrypted.
        """
        return _encrypt(residue_source(self), self.public_key, values, scale_bits)

    def encrypt_packed(self, columns: ArrayLike, layout: SlotLayout) -> CiphertextArray:
        """Encrypt as :meth:`PublicKey.encrypt_packed` does, about twice as fast."""
        return encrypt_slots(residue_source(self), self.public_key, columns, layout)

    def start_pool(self, capacity: int = DEFAULT_CAPACITY) -> RandomizerPool:
        """Start making randomness ahead of time, as :meth:`PublicKey.start_pool` does."""
        return RandomizerPool(self, capacity)

    def decrypt(self, ciphertexts: CiphertextArray) -> NDArray[Any]:
        """Decrypt, and check every result before returning any.

        Up to the plaintexts, time depends on nothing secret; turning them into numbers here depends on their
        lengths and signs.

        Never hand the plaintext of a ciphertext that a peer chose back to that peer.

        Returns
        -------
        array of the same shape
            float64 when ``scale_bits`` is positive; else int64, or Python ints when a value is wider.

        Raises
        ------
        KeyMismatch
            If the ciphertexts belong to another key; nothing was decrypted.
        PlaintextOverflow
            If ``scale_bits`` is positive and a value exceeds float64; ``row`` says where.
        FaultDetected
            If the computation failed its own check, or, under a fast key, a ciphertext's randomness lies
            outside the key's subgroup; ``row`` says where, and nothing is returned.
        """
        plaintexts = self._plaintexts(ciphertexts)
        if ciphertexts.scale_bits > 0:
            reals = plaintexts.to_double(ciphertexts.scale_bits)
            if np.any(infinite := np.isinf(reals)):
                raise PlaintextOverflow("a plaintext is beyond float64", row=int(np.argmax(infinite)))
            return reals.reshape(ciphertexts.shape)
        narrow = plaintexts.to_int64()
        if narrow is not None:
            return narrow.reshape(ciphertexts.shape)
        return self._wide_integers(plaintexts).reshape(ciphertexts.shape)

    def _plaintexts(self, ciphertexts: CiphertextArray) -> _native.Plaintexts:
        require_ciphertexts(ciphertexts)
        return self._native.decrypt(ciphertexts._native)

    def _wide_integers(self, plaintexts: _native.Plaintexts) -> NDArray[np.object_]:
        data, n = plaintexts.to_bytes(), self.public_key.n
        width = self.public_key.ciphertext_bytes // 2
        values = np.empty(len(data) // width, dtype=object)
        for i in range(len(values)):
            m = int.from_bytes(data[i * width : (i + 1) * width], "big")
            values[i] = m if m <= n >> 1 else m - n
        return values

    def decrypt_packed(self, ciphertexts: CiphertextArray, layout: SlotLayout) -> NDArray[Any]:
        """Decrypt packed plaintexts into their non-negative slots.

        Returns
        -------
        array, shape (n, layout.slots)
            int64 for slots of at most 63 bits, else object.

        Raises
        ------
        PlaintextOverflow
            If a plaintext reaches beyond its slots; ``row`` says which.
        """
        require_layout(layout, self.public_key)
        plaintexts = self._plaintexts(ciphertexts)
        plaintexts.require_at_most_bits(layout.slots * layout.slot_bits)
        words = plaintexts.to_words(layout.slot_bits, layout.slots, 0)
        if layout.slot_bits < 64:
            return words.astype(np.int64)
        slots = words.astype(object)
        for shift in range(64, layout.slot_bits, 64):
            slots += plaintexts.to_words(layout.slot_bits, layout.slots, shift).astype(object) << shift
        return slots

    def decrypt_words(
        self, ciphertexts: CiphertextArray, slot_bits: int, slots: int, *, shift: int = 0
    ) -> NDArray[np.uint64]:
        """Decrypt to the low 64 bits of ``slot >> shift`` for every slot of each plaintext in [0, n).

        Returns
        -------
        uint64 array, shape (n, slots)
        """
        return self._plaintexts(ciphertexts).to_words(slot_bits, slots, shift)

    def save(self, path: str | os.PathLike[str], passphrase: str) -> None:
        """Write the key to a file of mode 0600, encrypted with AES-256-GCM under scrypt(passphrase).

        Raises
        ------
        StorageError
            If the file cannot be written; an older file of that name is then intact.
        """
        from isthmus.paillier.keyfile import write_key_file

        write_key_file(path, passphrase, self._native.serialize())

    @classmethod
    def load(cls, path: str | os.PathLike[str], passphrase: str) -> PrivateKey:
        """Read a key that :meth:`save` wrote, and test it.

        Raises
        ------
        KeyCorrupt
            If the passphrase is wrong, or the file or the key in it is damaged.
        PathError, StorageError
            If `path` is not a regular file or cannot be read.
        """
        from isthmus.paillier.keyfile import read_key_file

        secret = read_key_file(path, passphrase)
        try:
            return cls(_native.PrivateKey.deserialize(secret))
        finally:
            secret[:] = bytes(len(secret))

    def __reduce__(self) -> Any:
        raise TypeError("private keys cannot be pickled; use save() and load()")

    def __repr__(self) -> str:
        return f"PrivateKey(key_bits={self.public_key.key_bits}, secret)"


def _encrypt(
    source: _native.ResidueSource, public_key: PublicKey, values: ArrayLike, scale_bits: int | None
) -> CiphertextArray:
    integers, shape, scale_bits = encode(values, scale_bits, public_key.max_plaintext_bits)
    return CiphertextArray(_native.encrypt(source, integers), public_key, shape, scale_bits)
