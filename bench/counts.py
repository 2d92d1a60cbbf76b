"""How many products mod n² each operation needs: the floor that measured times are divided by.

A product of pairs costs 5 k² word products, a squaring 3.5 k², a product with a one-digit table row 4 k²; one
modulo p² costs a quarter, because p has half the words. For the aggregates the formulas restate the cost
model of ``cpp/src/aggregate`` for uniformly distributed buckets and weights, and search the same choices, so
that a floor is the cheapest plan, not whichever plan ran.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_CELLS = 1 << 19
SQUARING = 0.7
TABLE_PRODUCT = 0.8
HALF_LENGTH = 0.25
TABLE_BYTES = 32 << 20
OWNER_WINDOW = 6
POWER_WINDOW = 5


def encrypt_public(key_bits: int) -> float:
    """A row of hs's tables for each window of the randomizer's key_bits / 2; the message is almost free.

    Windows that share a table, so that all tables fit their memory, cost squarings.
    """
    rows = TABLE_BYTES // (16 * math.ceil((key_bits + 2) / 52))
    best = math.inf
    for window in range(1, 13):
        windows = math.ceil(key_bits / 2 / window)
        levels = next((n for n in range(1, windows + 1) if math.ceil(windows / n) << window <= rows), 0)
        if levels:
            best = min(best, TABLE_PRODUCT * windows + SQUARING * window * (levels - 1))
    return best


def encrypt_owner(key_bits: int) -> float:
    """A row for each 6 bits, modulo p² and modulo q²; every row is read, so wider windows do not pay."""
    return 2 * HALF_LENGTH * TABLE_PRODUCT * math.ceil(key_bits / 2 / OWNER_WINDOW)


def decrypt(key_bits: int) -> float:
    """Two exponentiations, modulo p² and q², with exponents of key_bits / 2 bits and 5-bit windows."""
    return 2 * HALF_LENGTH * _power(key_bits // 2)


def mul_plain(bits: int) -> float:
    """Squarings, sliding windows of 3 bits over 4 odd powers, and an inversion for half of the factors."""
    return SQUARING * bits + 3 + bits / 4 + 3 / 2


def _power(bits: int) -> float:
    return SQUARING * bits + bits / POWER_WINDOW


def _occupied(rows: int, columns: int, radix: int) -> float:
    cells = float(radix) ** columns
    return -cells * math.expm1(-rows / cells)


def _marginal(rows: int, columns: int, radix: int) -> float:
    if columns == 1:
        return 0.0
    upper = columns // 2
    lower = columns - upper
    halves = _occupied(rows, upper, radix) + _occupied(rows, lower, radix)
    deeper = _marginal(rows, upper, radix) + _marginal(rows, lower, radix)
    return 2 * _occupied(rows, columns, radix) - halves + deeper


def _joint(rows: int, columns: int, radix: int) -> float:
    return rows - _occupied(rows, columns, radix) + _marginal(rows, columns, radix)


def bucket_sum(rows: int, columns: int, n_buckets: int) -> float:
    """Products of the cheapest grouping of `columns` bucket columns."""
    best = math.inf
    for largest in range(1, columns + 1):
        if largest > 1 and n_buckets**largest > min(MAX_CELLS, 4 * rows + 1024):
            break
        groups = -(-columns // largest)
        small, large_groups = divmod(columns, groups)
        products = (groups - large_groups) * _joint(rows, small, n_buckets)
        if large_groups:
            products += large_groups * _joint(rows, small + 1, n_buckets)
        best = min(best, products)
    return best


@dataclass(frozen=True)
class Digits:
    """Signed digits of `width` bits for weights of up to `bits` bits, and the entries a table of them has."""

    count: int
    entries: int


def digits(bits: int, width: int) -> Digits:
    half, offset, count = 1 << (width - 1), 0, 1
    while (top := (2**bits - 1 + offset) >> (width * (count - 1))) > half:
        offset += half << (width * (count - 1))
        count += 1
    return Digits(count, (count - 1) * half + top)


def weighted_sum(rows: int, columns: int, bits: int) -> float:
    """Products of Xᵀ·[[d]]: bucket sums over digits, then running sums and squarings per digit column."""

    def products(width: int) -> float:
        digit_columns = columns * digits(bits, width).count
        return bucket_sum(rows, digit_columns, 2**width + 1) + digit_columns * (2 * 2**width + width + 6)

    return min(products(width) for width in range(1, 17))


def packed_products(rows: int, columns: int, bits: int, slots: int, slot_bits: int) -> float:
    """Products of X·[[w]] by tables per (column, slot), their multiples and one squaring chain per column."""

    def products(width: int) -> int:
        d = digits(bits, width)
        return rows * d.count + slots * d.entries

    return columns * (min(products(width) for width in range(1, 15)) + SQUARING * slots * slot_bits)


def compress(ciphertexts: int, slot_bits: int, slots: int) -> float:
    """One product per folded ciphertext, and slot_bits squarings for all but one of each fold."""
    folds = -(-ciphertexts // slots)
    return ciphertexts + SQUARING * slot_bits * (ciphertexts - folds)
