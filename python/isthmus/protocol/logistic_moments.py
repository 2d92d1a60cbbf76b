"""Shares of the cross moments: one encrypted pass over all rows.

With X the integer features (``FEATURE_BITS`` fractional bits), n rows and labels y, the parties end with
shares of
    C    = X_pᵀ X_a / n            (passive x active features)
    b_p  = X_pᵀ (y - 1/2) / (n s)  (passive block)
and the active party knows b_a and the bias part of its own block. s is the slope of the linear sigmoid.

The active party sends each row [x_a + 2^10, y] packed into few plaintexts under its own key; the passive
party forms X_pᵀ[[row]] for all fields at once, masks the integers and sends them back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.aggregate import PackLayout
from isthmus.paillier import concatenate
from isthmus.protocol.logistic_messages import (
    RowSums,
    Side,
    chunks,
    receive_ciphertexts,
    receive_masked,
    send_ciphertexts,
    send_masked,
)
from isthmus.protocol.machine import Progress, Steps
from isthmus.protocol.sharing import (
    BigIntegers,
    Integers,
    Shared,
    SlotPlan,
    divide_share,
    slot_counts,
    to_words,
)
from isthmus.protocol.wire.logistic_pb2 import MOMENT_ROWS, MOMENT_SUMS

FEATURE_BITS = 6  # fractional bits of a scaled feature
FEATURE_LIMIT = (1 << 10) - 1  # its largest integer magnitude: 16 standard deviations
FEATURE_MAGNITUDE_BITS = 10
CROSS_BITS = 12  # fractional bits of C
WEIGHT_BITS = 18  # fractional bits of weights and right-hand sides
COEFFICIENT_BITS = 16  # fractional bits of the sigmoid's coefficients
SLOPE = 10039  # of the linear sigmoid 1/2 + s z: least squares on [-4, 4]

STAGE = "logistic: moments"


@dataclass(frozen=True)
class Blocks:
    """Shares of one vector over all weights: passive block, active block, bias."""

    passive: Shared
    active: Shared
    bias: Shared

    def __add__(self, other: Blocks) -> Blocks:
        return Blocks(self.passive + other.passive, self.active + other.active, self.bias + other.bias)

    def __sub__(self, other: Blocks) -> Blocks:
        return Blocks(self.passive - other.passive, self.active - other.active, self.bias - other.bias)


@dataclass(frozen=True)
class Moments:
    """Shares of C, shape (passive, active), and of the right-hand side b."""

    cross: Shared
    rhs: Blocks


def moment_plan(rows: int, key_bits: int) -> SlotPlan:
    """Return the slots for |sum over rows of x·(x' + 2^10)| < rows·2^10·2^11."""
    return SlotPlan(rows.bit_length() + 2 * FEATURE_MAGNITUDE_BITS + 1, key_bits)


def active_moments(side: Side, features: Integers, labels: Integers) -> Steps[Moments]:
    """Run the active party's part."""
    plan = moment_plan(side.rows, side.key_bits)
    layout = PackLayout.uniform(side.key_bits, plan.slot_bits)
    fields = np.column_stack([features + (1 << FEATURE_MAGNITUDE_BITS), labels])
    packs = slot_counts(fields.shape[1], plan.slots)
    yield Progress(STAGE, 0, side.rows)
    for start, stop in chunks(side.rows):
        for k, width in enumerate(packs):
            columns = np.zeros((stop - start, plan.slots), dtype=np.int64)
            columns[:, :width] = fields[start:stop, k * plan.slots : k * plan.slots + width]
            ct = side.key.encrypt_packed(columns, layout)
            yield from send_ciphertexts(MOMENT_ROWS, ct, start)
        yield Progress(STAGE, stop, side.rows)
    widths = [width for width in packs for _ in range(side.passive_features)]
    shares = yield from receive_masked(side, MOMENT_SUMS, plan, widths)
    sums = _arrange(shares, packs, side.passive_features)
    return _shares(side, sums[:, :-1], 2 * sums[:, -1], _own_rhs(features, labels))


def passive_moments(side: Side, features: Integers) -> Steps[Moments]:
    """Run the passive party's part."""
    plan = moment_plan(side.rows, side.key_bits)
    packs = slot_counts(side.active_features + 1, plan.slots)
    sums = [RowSums(features) for _ in packs]
    yield Progress(STAGE, 0, side.rows)
    for start, stop in chunks(side.rows):
        for pack in sums:
            pack.add((yield from receive_ciphertexts(MOMENT_ROWS, stop - start, side.peer_key, start)))
        yield Progress(STAGE, stop, side.rows)
    widths = [width for width in packs for _ in range(side.passive_features)]
    joined = concatenate([pack.total() for pack in sums])
    own = yield from send_masked(side, MOMENT_SUMS, joined, plan, widths)
    shares = _arrange(own, packs, side.passive_features)
    column_sums = features.sum(axis=0).astype(object)
    cross = shares[:, :-1] - (column_sums << FEATURE_MAGNITUDE_BITS)[:, None]
    nothing = np.zeros(side.active_features + 1, dtype=object)
    return _shares(side, cross, 2 * shares[:, -1] - column_sums, nothing)


def _own_rhs(features: Integers, labels: Integers) -> BigIntegers:
    """Return sum over rows of x·(2y - 1) for the active block and, last, for the bias (x = 1.0)."""
    signs = 2 * labels - 1
    bias = int(signs.sum()) << FEATURE_BITS
    return np.array([*(features.T @ signs).tolist(), bias], dtype=object)


def _arrange(values: BigIntegers, packs: list[int], features: int) -> BigIntegers:
    """Turn values in the order (pack, feature, slot) into a (feature, field) matrix."""
    blocks, start = [], 0
    for width in packs:
        blocks.append(values[start : start + features * width].reshape(features, width))
        start += features * width
    return np.hstack(blocks)


def _shares(side: Side, cross: BigIntegers, passive_rhs: BigIntegers, active_rhs: BigIntegers) -> Moments:
    """Scale integer shares of the sums to fixed point; over the integers no wrap can occur.

    cross = 2^(2·FEATURE_BITS) n C; rhs = 2^(FEATURE_BITS + 1) n s b.
    """
    first = side.active
    numerator = 1 << max(CROSS_BITS - 2 * FEATURE_BITS, 0)
    denominator = side.rows << max(2 * FEATURE_BITS - CROSS_BITS, 0)
    shared_cross = Shared(
        to_words(divide_share(cross, numerator, denominator, first=first)), CROSS_BITS, first
    )
    up = 1 << (WEIGHT_BITS + COEFFICIENT_BITS - FEATURE_BITS - 1)
    words = [
        to_words(divide_share(rhs, up, side.rows * SLOPE, first=first)) for rhs in (passive_rhs, active_rhs)
    ]
    passive, active = (Shared(word, WEIGHT_BITS, first) for word in words)
    return Moments(shared_cross, Blocks(passive, active[:-1], active[-1:]))
