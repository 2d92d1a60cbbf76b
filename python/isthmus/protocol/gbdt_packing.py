"""How (h, g) pairs travel inside Paillier plaintexts.

One row is one ciphertext with two slots; sums of rows keep the slots apart because a tree's sample bounds the
number of additions. Before sums leave the passive party, as many as fit are folded into one ciphertext.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.aggregate import PackLayout, compress
from isthmus.errors import PeerValue, PlaintextOverflow, ProtocolCount
from isthmus.paillier import CiphertextArray, PrivateKey
from isthmus.protocol.gbdt_splits import (
    G_BITS,
    H_BITS,
)
from isthmus.protocol.gbdt_tree import (
    IntArray,
)


@dataclass(frozen=True)
class PairPacking:
    """Slots of one row's (h, g) pair, and of several folded pairs."""

    row: PackLayout
    key_bits: int

    @staticmethod
    def for_sample(key_bits: int, n_sampled: int) -> PairPacking:
        """Room for sums over ``n_sampled`` rows; PlaintextOverflow if the key is too small."""
        return PairPacking(
            PackLayout(key_bits=key_bits, value_bits=(H_BITS, G_BITS), max_addends=n_sampled), key_bits
        )

    @property
    def pair_bits(self) -> int:
        """Bits of one pair."""
        return self.row.slots * self.row.slot_bits

    @property
    def pairs_per_ciphertext(self) -> int:
        """Pairs that fold into one ciphertext."""
        return (self.key_bits - 2) // self.pair_bits

    def folded(self, pairs: int) -> int:
        """Ciphertexts that carry this many pairs."""
        return -(-pairs // self.pairs_per_ciphertext)

    def fold(self, sums: CiphertextArray) -> CiphertextArray:
        """Fold pairs and rerandomise: what leaves shows neither which rows were added nor an empty bucket."""
        return compress(sums, self.pair_bits).rerandomize()

    def unfold(self, key: PrivateKey, ciphertexts: CiphertextArray, pairs: int) -> IntArray:
        """Decrypt folded pairs, shape (2, pairs): h sums, then g sums. Unused slots must be zero."""
        slots = 2 * self.pairs_per_ciphertext
        layout = PackLayout.uniform(self.key_bits, self.row.slot_bits)
        try:
            words = key.decrypt_packed(ciphertexts, layout)
        except PlaintextOverflow:
            raise PeerValue("a decrypted sum is wider than its slots") from None
        flat = np.asarray(words[:, :slots], dtype=np.int64).reshape(-1, 2)
        if words[:, slots:].any() or flat[pairs:].any():
            raise PeerValue("an unused slot of a folded ciphertext is not zero")
        return np.ascontiguousarray(flat[:pairs].T)


def expect_ciphertexts(data: bytes, count: int, key_bits: int) -> None:
    """Refuse a byte string that is not exactly ``count`` ciphertexts."""
    width = key_bits // 4
    if len(data) != count * width:
        raise ProtocolCount(f"{count} ciphertexts of {width} bytes expected, got {len(data)} bytes")
