"""Additive secret shares in Z_2^64 with fixed-point scales, and the way from ciphertexts to shares.

A value x with ``scale`` fractional bits is held as two words: x·2^scale = first + second mod 2^64. Adding
shares and multiplying by public integers is local; :meth:`Shared.divide` rounds locally. A share alone is
uniform, so it says nothing.

``masked`` and ``unmasked`` turn ciphertexts into shares: the party that computed ciphertexts under the
peer's key adds a random mask at least 2^40 times as large as any value and keeps the negated mask; the
owner of the key decrypts and keeps the rest.

Ref  SecureML (Mohassel and Zhang, S&P 2017), local truncation; Chen et al., arXiv:2008.08753, HE to shares.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InvalidArgument, PeerValue, PlaintextOverflow
from isthmus.paillier import CiphertextArray, PrivateKey, PublicKey

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
BigIntegers = npt.NDArray[np.object_]

RING_BITS = 64
STATISTICAL_BITS = 40
# A slot holds value + 2^value_bits + mask < 2^(value_bits + STATISTICAL_BITS + 1); two more bits stay zero,
# so that an ill-formed answer is noticed.
_SLOT_EXTRA_BITS = STATISTICAL_BITS + 3


def random_words(shape: tuple[int, ...]) -> Words:
    """Return uniform words from the operating system's generator."""
    count = int(np.prod(shape))
    return np.frombuffer(secrets.token_bytes(8 * count), dtype="<u8").astype(np.uint64).reshape(shape)


def to_words(values: npt.NDArray[Any]) -> Words:
    """Reduce integers (int64 or Python ints) modulo 2^64."""
    if values.dtype == object:
        mask = (1 << RING_BITS) - 1
        flat = [int(value) & mask for value in values.ravel()]
        return np.array(flat, dtype=np.uint64).reshape(values.shape)
    return values.astype(np.int64).view(np.uint64)


def encode(values: npt.NDArray[np.float64], scale: int) -> Words:
    """Round floats to fixed point with ``scale`` fractional bits; PlaintextOverflow above 2^62."""
    scaled = np.rint(np.ldexp(values, scale))
    if not bool((np.abs(scaled) < 2.0**62).all()):
        raise PlaintextOverflow(f"a value exceeds the fixed-point range at {scale} fractional bits")
    return to_words(scaled.astype(np.int64))


def decode(words: Words, scale: int) -> npt.NDArray[np.float64]:
    """Read opened words as signed fixed point."""
    return np.ldexp(words.view(np.int64).astype(np.float64), -scale)


def divide_share(
    share: npt.NDArray[Any], numerator: int, denominator: int, *, first: bool
) -> npt.NDArray[Any]:
    """Return this party's share of x·numerator/denominator, rounded, from its share of x over the integers.

    Both parties' results add up to the quotient with an error below 1 in the last place: the first party
    rounds down, the second up.
    """
    if first:
        return share * numerator // denominator
    return -(-share * numerator // denominator)


@dataclass(frozen=True)
class Shared:
    """This party's share of fixed-point values; ``first`` tells which of the two shares it is."""

    words: Words
    scale: int
    first: bool

    def __add__(self, other: Shared) -> Shared:
        self._check(other)
        return Shared(self.words + other.words, self.scale, self.first)

    def __sub__(self, other: Shared) -> Shared:
        self._check(other)
        return Shared(self.words - other.words, self.scale, self.first)

    def __getitem__(self, index: Any) -> Shared:
        return Shared(self.words[index], self.scale, self.first)

    def total(self) -> Shared:
        """Return the sum over all values, shape (1,)."""
        return Shared(self.words.sum(keepdims=True, dtype=np.uint64), self.scale, self.first)

    def times(self, factor: int, scale: int) -> Shared:
        """Multiply by the public constant factor / 2^scale; the scales add."""
        return Shared(self.words * _word(factor), self.scale + scale, self.first)

    def shifted(self, scale: int) -> Shared:
        """Return the same values with more fractional bits."""
        if scale < self.scale:
            raise InvalidArgument("shifted() only raises a scale; divide() lowers it")
        return Shared(self.words << np.uint64(scale - self.scale), scale, self.first)

    def divide(self, divisor: int, scale: int) -> Shared:
        """Divide the held integers by ``divisor`` and call the result's scale ``scale``.

        The error is below 1 in the last place, except with probability 2^(bits(x) + 1 - 64), where x is the
        held value at its present scale: then the result is wrong by 2^64/divisor. Keep x below 2^40.
        """
        quotient = divide_share(self.words.view(np.int64), 1, divisor, first=self.first)
        return Shared(quotient.view(np.uint64), scale, self.first)

    def truncated(self, scale: int) -> Shared:
        """Drop fractional bits until ``scale`` are left; see :meth:`divide` for the error."""
        return self.divide(1 << (self.scale - scale), scale)

    def _check(self, other: Shared) -> None:
        if (self.scale, self.first) != (other.scale, other.first):
            raise InvalidArgument(f"shares at scales {self.scale} and {other.scale} do not add")


def _word(value: int) -> np.uint64:
    return np.uint64(value & ((1 << RING_BITS) - 1))


@dataclass(frozen=True)
class SlotPlan:
    """How masked values of magnitude below 2^value_bits lie side by side in plaintexts of a key.

    Plaintext = sum over s of (value_s + 2^value_bits + mask_s)·2^(s·slot_bits), with 0 <= mask <
    2^(value_bits+40), and random bits above the slots in use.
    """

    value_bits: int
    key_bits: int

    def __post_init__(self) -> None:
        if self.slots < 1:
            raise PlaintextOverflow(
                f"masked values of {self.value_bits} bits do not fit a plaintext of a {self.key_bits}-bit key"
            )

    @property
    def slot_bits(self) -> int:
        """Bits from one slot to the next."""
        return self.value_bits + _SLOT_EXTRA_BITS

    @property
    def slots(self) -> int:
        """Slots per plaintext; the top two bits of n stay free, so a plaintext is never negative."""
        return (self.key_bits - 2) // self.slot_bits

    def plaintexts(self, count: int) -> int:
        """Return how many plaintexts hold ``count`` values."""
        return -(-count // self.slots)


def masked(
    ct: CiphertextArray, plan: SlotPlan, counts: list[int], key: PublicKey
) -> tuple[CiphertextArray, BigIntegers]:
    """Mask ciphertexts under the peer's ``key``: returns what to send and this party's integer shares.

    ``counts[i]`` values lie in the slots of ``ct[i]``; random bits cover the plaintext above them. The fresh
    encryption of the masks also rerandomises.

    Security  Each value is hidden statistically: distance below 2^-39 from a mask alone. A peer that encrypts
              more than the protocol says reads at most the three spare bits of each slot and the two above
              the last, never a whole unmasked slot.
    """
    masks: list[int] = []
    plaintexts: list[int] = []
    for count in counts:
        own = [secrets.randbits(plan.value_bits + STATISTICAL_BITS) for _ in range(count)]
        masks.extend(own)
        used = count * plan.slot_bits
        cover = secrets.randbits(plan.key_bits - 2 - used) << used
        plaintexts.append(_pack((mask + (1 << plan.value_bits) for mask in own), plan.slot_bits) | cover)
    packed = np.array(plaintexts, dtype=object)
    return ct + key.encrypt(packed), -np.array(masks, dtype=object)


def unmasked(ct: CiphertextArray, plan: SlotPlan, counts: list[int], key: PrivateKey) -> BigIntegers:
    """Decrypt what the peer masked and return this party's integer shares, in slot order.

    Raises
    ------
    PeerValue    a slot holds more than any honest mask and value can add up to
    """
    limit = 1 << (plan.value_bits + STATISTICAL_BITS + 1)
    slots: list[int] = []
    for plaintext, count in zip(map(int, key.decrypt(ct).tolist()), counts, strict=True):
        values = _unpack(plaintext, plan.slot_bits, count)
        if plaintext >> (plan.key_bits - 2) or max(values) >= limit:
            raise PeerValue("a masked value lies outside the protocol's bound")
        slots += values
    return np.array([slot - (1 << plan.value_bits) for slot in slots], dtype=object)


def slot_counts(total: int, slots: int) -> list[int]:
    """Return how many values each plaintext holds when ``total`` values fill slots in order."""
    return [min(slots, total - start) for start in range(0, total, slots)]


def _pack(values: Iterator[int], slot_bits: int) -> int:
    plaintext = 0
    for s, value in enumerate(values):
        plaintext |= value << (s * slot_bits)
    return plaintext


def _unpack(plaintext: int, slot_bits: int, count: int) -> list[int]:
    """Split into ``count`` slots; what lies above them is random cover."""
    mask = (1 << slot_bits) - 1
    return [(plaintext >> (s * slot_bits)) & mask for s in range(count)]
