"""Solves (I + K) v = r on shares, where K = [[0, C], [Cᵀ, 0]] holds the shared cross moments.

Both parties' feature blocks are scaled so that their own moments, with the L2 penalty, are the identity; so
the eigenvalues of I + K are 1 ± (canonical correlations) and lie in (0, 2]. Chebyshev's semi-iteration for
the public interval [``LOWEST``, ``HIGHEST``] converges for any data; components below LOWEST, where the
parties' columns say almost the same thing, converge slower, which acts as a penalty on them.

Each step needs the products C v_a and Cᵀ v_p of shared values. They cost two words per weight: a random
matrix U hides C once, random vectors hide v in each step, and shares of U times these vectors are made
beforehand with Paillier (Beaver triples with a fixed matrix).

Ref  Golub and Varga, Numer. Math. 3 (1961); Beaver, CRYPTO '91; Mohassel and Zhang, S&P 2017, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.aggregate import weighted_sum
from isthmus.paillier import CiphertextArray, concatenate
from isthmus.protocol.logistic_messages import (
    Side,
    exchange_words,
    receive_ciphertexts,
    receive_masked,
    send_ciphertexts,
    send_masked,
)
from isthmus.protocol.logistic_moments import CROSS_BITS, WEIGHT_BITS, Blocks
from isthmus.protocol.machine import Progress, Steps
from isthmus.protocol.sharing import (
    RING_BITS,
    Shared,
    SlotPlan,
    Words,
    random_words,
    slot_counts,
    to_words,
)
from isthmus.protocol.wire.logistic_pb2 import OPEN_MATRIX, OPEN_VECTORS, TRIPLE_PRODUCTS, TRIPLE_VECTORS

LOWEST, HIGHEST = 0.1, 2.0
STEPS = 12
FACTOR_BITS = 10
STAGE = "logistic: solve"


def chebyshev_factors() -> list[tuple[int, int]]:
    """Return (w, w/c) of each step with FACTOR_BITS fractional bits; c is the middle of the interval.

    next = w (v - before) + (w/c) (r - (I + K) v) + before
    """
    middle = (LOWEST + HIGHEST) / 2
    radius = (HIGHEST - LOWEST) / (HIGHEST + LOWEST)
    factors, omega = [], 1.0
    for step in range(STEPS):
        if step:
            omega = 1 / (1 - radius**2 * (omega / 4 if step > 1 else 1 / 2))
        factors.append((round(omega * (1 << FACTOR_BITS)), round(omega / middle * (1 << FACTOR_BITS))))
    return factors


@dataclass(frozen=True)
class Products:
    """Shares of random vectors and of the random matrix times them, one column per product to come."""

    vectors: Words
    images: Words


class Solver:
    """Solves for one matrix and any number of right-hand sides, as long as prepared products last."""

    def __init__(self, side: Side, opened: Words, mask: Words, forward: Products, backward: Products) -> None:
        self._first = side.active
        self._opened = opened
        self._mask = mask
        self._forward = forward
        self._backward = backward
        self._used = 0
        self._prepared = forward.vectors.shape[1]

    def solve(self, rhs: Blocks, start: Blocks) -> Steps[Blocks]:
        """Take ``STEPS`` steps from ``start`` towards the solution for ``rhs``."""
        passive, active = start.passive, start.active
        before_passive, before_active = passive, active
        for factors in chebyshev_factors():
            forward, backward = yield from self._multiply(passive, active)
            next_passive = _advance(passive, before_passive, rhs.passive - passive - forward, factors)
            next_active = _advance(active, before_active, rhs.active - active - backward, factors)
            before_passive, before_active = passive, active
            passive, active = next_passive, next_active
            yield Progress(STAGE, self._used, self._prepared)
        return Blocks(passive, active, rhs.bias)

    def _multiply(self, passive: Shared, active: Shared) -> Steps[tuple[Shared, Shared]]:
        """Return shares of C·active and Cᵀ·passive: open v - p, then (E + U)(f + p) term by term."""
        t = self._used
        self._used += 1
        p, q = self._forward.vectors[:, t], self._backward.vectors[:, t]
        own = np.concatenate([active.words - p, passive.words - q])
        opened = own + (yield from exchange_words(OPEN_VECTORS, own))
        f, g = opened[: p.size], opened[p.size :]
        public = np.uint64(self._first)
        forward = self._opened @ (f * public + p) + self._mask @ f + self._forward.images[:, t]
        backward = self._opened.T @ (g * public + q) + self._mask.T @ g + self._backward.images[:, t]
        scale = WEIGHT_BITS + CROSS_BITS
        return (
            Shared(forward, scale, self._first).truncated(WEIGHT_BITS),
            Shared(backward, scale, self._first).truncated(WEIGHT_BITS),
        )


def _advance(now: Shared, before: Shared, residual: Shared, factors: tuple[int, int]) -> Shared:
    step = (now - before).times(factors[0], FACTOR_BITS) + residual.times(factors[1], FACTOR_BITS)
    return step.truncated(WEIGHT_BITS) + before


def prepare_solver(side: Side, cross: Shared, solves: int) -> Steps[Solver]:
    """Make the random matrix and vectors for ``solves`` solutions, and open the masked matrix."""
    total = solves * STEPS
    yield Progress(STAGE, 0, total)
    mask = random_words(cross.words.shape)
    forward = random_words((side.active_features, total))
    backward = random_words((side.passive_features, total))
    images = yield from _images(side, mask, forward, backward)
    difference = cross.words - mask
    opened = difference + (yield from exchange_words(OPEN_MATRIX, difference))
    return Solver(side, opened, mask, Products(forward, images[0]), Products(backward, images[1]))


def _images(side: Side, mask: Words, forward: Words, backward: Words) -> Steps[tuple[Words, Words]]:
    """Return shares of U·P and Uᵀ·Q, where U, P and Q are the sums of both parties' random arrays."""
    largest = max(side.passive_features, side.active_features)
    # |sum_j u_j p_j| with u signed 64-bit, p unsigned 64-bit.
    plan = SlotPlan(2 * RING_BITS - 1 + largest.bit_length(), side.key_bits)
    widths = slot_counts(forward.shape[1], plan.slots)
    own_ct = concatenate([_encrypt_columns(side, words, plan) for words in (forward, backward)])
    yield from send_ciphertexts(TRIPLE_VECTORS, own_ct)
    theirs = yield from receive_ciphertexts(TRIPLE_VECTORS, len(own_ct), side.peer_key)
    split = side.active_features * len(widths)
    outgoing = concatenate([_apply(mask, theirs[:split], widths), _apply(mask.T, theirs[split:], widths)])
    counts = [width for rows in mask.shape for width in widths for _ in range(rows)]
    kept = yield from send_masked(side, TRIPLE_PRODUCTS, outgoing, plan, counts)
    rest = yield from receive_masked(side, TRIPLE_PRODUCTS, plan, counts)
    shares = to_words(kept) + to_words(rest)
    cut = mask.shape[0] * forward.shape[1]
    return (
        mask @ forward + _columns(shares[:cut], widths, mask.shape[0]),
        mask.T @ backward + _columns(shares[cut:], widths, mask.shape[1]),
    )


def _encrypt_columns(side: Side, words: Words, plan: SlotPlan) -> CiphertextArray:
    """Encrypt each row of ``words`` with its columns packed; the order is (pack, row)."""
    plaintexts = []
    for start in range(0, words.shape[1], plan.slots):
        for row in words[:, start : start + plan.slots].tolist():
            plaintexts.append(sum(word << (s * plan.slot_bits) for s, word in enumerate(row)))
    return side.key.encrypt(np.array(plaintexts, dtype=object))


def _apply(matrix: Words, ct: CiphertextArray, widths: list[int]) -> CiphertextArray:
    """Return matrix·[[vectors]] for each pack, in the order (pack, row)."""
    weights = np.ascontiguousarray(matrix.T).view(np.int64)
    size = matrix.shape[1]
    return concatenate([weighted_sum(weights, ct[k * size : (k + 1) * size]) for k in range(len(widths))])


def _columns(words: Words, widths: list[int], rows: int) -> Words:
    """Turn words in the order (pack, row, slot) into a (row, column) matrix."""
    blocks, start = [], 0
    for width in widths:
        blocks.append(words[start : start + rows * width].reshape(rows, width))
        start += rows * width
    return np.hstack(blocks)
