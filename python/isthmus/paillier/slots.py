"""Several integers in one plaintext: what a layout says of them, and their encryption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from isthmus._core import paillier as _native
from isthmus.errors import InvalidArgument, PlaintextOverflow
from isthmus.paillier.array import CiphertextArray
from isthmus.paillier.plaintexts import native_integers

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from isthmus.paillier.keys import PublicKey


class SlotLayout(Protocol):
    """What packing needs to know: equal slots of one plaintext, low slot first."""

    @property
    def key_bits(self) -> int:
        """Bits of the key the layout was made for."""

    @property
    def slots(self) -> int:
        """Slots per plaintext."""

    @property
    def slot_bits(self) -> int:
        """Bits of one slot."""

    @property
    def value_bits(self) -> tuple[int, ...]:
        """Bits of each field's largest value; the rest of a slot is headroom for sums."""


def encrypt_slots(
    source: _native.ResidueSource, public_key: PublicKey, columns: ArrayLike, layout: SlotLayout
) -> CiphertextArray:
    """Encrypt a row of `columns` per plaintext; see :meth:`isthmus.paillier.PublicKey.encrypt_packed`."""
    require_layout(layout, public_key)
    words, shape = native_integers(columns, 64, signed=False)
    if len(shape) != 2 or shape[1] != layout.slots:
        raise InvalidArgument(f"expected shape (n, {layout.slots}), got {shape}")
    words = words.reshape(shape)
    _require_fields(words, layout.value_bits)
    packed = _native.encrypt_packed(source, words, layout.slot_bits)
    return CiphertextArray(packed, public_key, (shape[0],), 0)


def _require_fields(words: NDArray[np.uint64], value_bits: tuple[int, ...]) -> None:
    largest = np.array([(1 << min(bits, 64)) - 1 for bits in value_bits], dtype=np.uint64)
    wide = (words > largest).any(axis=1)
    if wide.any():
        raise PlaintextOverflow("a value is wider than its field of the layout", row=int(np.argmax(wide)))


def require_layout(layout: SlotLayout, public_key: PublicKey) -> None:
    """Refuse a layout that was made for keys of another length."""
    if layout.key_bits != public_key.key_bits:
        raise InvalidArgument(f"the layout is for {layout.key_bits}-bit keys, not {public_key.key_bits}")
