"""One pass of the cubic sigmoid over a batch: shares of the correction to the linear normal equations.

On m rows S of the table, with z = x_p·v_p + x_a·v_a + bias:
    r(z)  = (c1 - s) z + c3 z³                (cubic minus linear sigmoid)
    k     = X_Sᵀ (r - mean(r)) / (m s),   mean(r) / s for the bias
The label part of the gradient and its linear part come from all rows (``logistic_moments``); only this
small, label-free remainder is estimated on the batch, so a batch of a few thousand rows is enough. Rows are
taken at equal distances.

Every product of a value of one party with a share of the other goes the same way: the share is encrypted
under its holder's key, the other multiplies, masks and returns (Chen et al., arXiv:2008.08753, section 4).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isthmus.aggregate import compress, packed_products
from isthmus.protocol.logistic_messages import (
    CHUNK,
    RowSums,
    Side,
    chunks,
    receive_ciphertexts,
    receive_masked,
    send_ciphertexts,
    send_masked,
)
from isthmus.protocol.logistic_moments import (
    COEFFICIENT_BITS,
    FEATURE_BITS,
    FEATURE_MAGNITUDE_BITS,
    SLOPE,
    WEIGHT_BITS,
    Blocks,
)
from isthmus.protocol.machine import Progress, Steps
from isthmus.protocol.sharing import (
    RING_BITS,
    BigIntegers,
    Integers,
    Shared,
    SlotPlan,
    Words,
    slot_counts,
    to_words,
)
from isthmus.protocol.wire.logistic_pb2 import (
    CUBES,
    FORWARD,
    GRADIENT,
    PEER_WEIGHTS,
    RESIDUALS,
    SCORE_POWERS,
    Stage,
)

# c1 and c3 of 1/2 + c1 z + c3 z³: least squares on [-5, 5], COEFFICIENT_BITS fractional bits.
CUBIC_LINEAR = 12996
CUBIC = -293
SCORE_BITS = 7  # fractional bits of scores in the polynomial
STAGE = "logistic: refine"
_PARTS = 3


def batch(rows: int, size: int, index: int, passes: int) -> Integers:
    """Return ``size`` rows at equal distances; the passes start at different offsets."""
    size = min(size, rows)
    offset = (2 * index + 1) * rows // (2 * passes)
    return (np.arange(size, dtype=np.int64) * rows + offset) // size % rows


def correction(
    side: Side, features: Integers, weights: Blocks, *, index: int = 0, passes: int = 1
) -> Steps[Blocks]:
    """Return shares of k for the batch ``features`` (already selected), at the weights' scale."""
    done, all_parts = index * _PARTS, passes * _PARTS
    yield Progress(STAGE, done, all_parts)
    score = (yield from _scores(side, features, weights)).truncated(SCORE_BITS)
    yield Progress(STAGE, done + 1, all_parts)
    cube = (yield from _cubes(side, score)).truncated(SCORE_BITS)
    linear = score.times(CUBIC_LINEAR - SLOPE, COEFFICIENT_BITS)
    residual = linear + cube.times(CUBIC, COEFFICIENT_BITS)
    yield Progress(STAGE, done + 2, all_parts)
    total = residual.total()
    # All columns have mean 0 over the whole table: a constant in r adds only the batch's noise to k.
    centred = residual - total.divide(len(features), residual.scale)
    passive, active = yield from _gradient(side, features, centred)
    yield Progress(STAGE, done + 3, all_parts)
    bias = total.divide(_mean_divisor(len(features), total.scale), WEIGHT_BITS)
    return Blocks(passive, active, bias)


# --- scores ------------------------------------------------------------------------------------------------


def _scores(side: Side, features: Integers, weights: Blocks) -> Steps[Shared]:
    """Return shares of z with WEIGHT_BITS + FEATURE_BITS fractional bits.

    Each party holds x in the clear and shares of v: x·(own share) is local, x·(peer's share) needs the peer's
    ciphertexts. |x·share| < 2^10·2^64 per feature.
    """
    own_block, peer_block = (
        (weights.active, weights.passive) if side.active else (weights.passive, weights.active)
    )
    own_plan, peer_plan = (
        SlotPlan(RING_BITS + FEATURE_MAGNITUDE_BITS + size.bit_length(), side.key_bits)
        for size in (side.own_features, side.peer_features)
    )
    words = _to_ring(features) @ own_block.words + (weights.bias.words << np.uint64(FEATURE_BITS))
    if side.peer_features:
        yield from send_ciphertexts(PEER_WEIGHTS, side.key.encrypt(peer_block.words))
    if side.own_features:
        kept = yield from _answer_scores(side, features, own_plan)
        words = words + to_words(kept)
    if side.peer_features:
        words = words + (yield from _collect(side, FORWARD, len(words), CHUNK, peer_plan))
    return Shared(words, WEIGHT_BITS + FEATURE_BITS, side.active)


def _answer_scores(side: Side, features: Integers, plan: SlotPlan) -> Steps[BigIntegers]:
    """Multiply own rows with the peer's encrypted share of the own weights; send masked, keep the masks."""
    theirs = yield from receive_ciphertexts(PEER_WEIGHTS, side.own_features, side.peer_key)
    kept = []
    for start, stop, position in _slot_chunks(len(features), CHUNK, plan):
        products = packed_products(features[start:stop], theirs, plan.slot_bits)
        counts = slot_counts(stop - start, plan.slots)
        kept.append((yield from send_masked(side, FORWARD, products, plan, counts, start=position)))
    return np.concatenate(kept)


# --- cubes -------------------------------------------------------------------------------------------------


def _cubes(side: Side, score: Shared) -> Steps[Shared]:
    """Return shares of z³ = z_a³ + z_p³ + 3 z_a² z_p + 3 z_a z_p², with three times the scale."""
    own = score.words
    # |3 z_a² z_p + 3 z_a z_p²| < 2·2^63·2^64 with the factors reduced mod 2^64 first.
    plan = SlotPlan(2 * RING_BITS, side.key_bits)
    cross = _cross_terms(side, own, plan) if side.active else _offer_powers(side, own, plan)
    return Shared(own * own * own + (yield from cross), 3 * score.scale, side.active)


def _cross_terms(side: Side, own: Words, plan: SlotPlan) -> Steps[Words]:
    three = np.uint64(3)
    kept = []
    for start, stop, position in _slot_chunks(len(own), CHUNK // 2, plan):
        pair = yield from receive_ciphertexts(SCORE_POWERS, 2 * (stop - start), side.peer_key, 2 * start)
        part = own[start:stop]
        factors = np.concatenate([three * part * part, three * part]).view(np.int64)
        products = pair * factors
        terms = products[: stop - start] + products[stop - start :]
        packed = compress(terms, plan.slot_bits)
        counts = slot_counts(stop - start, plan.slots)
        kept.append((yield from send_masked(side, CUBES, packed, plan, counts, start=position)))
    return to_words(np.concatenate(kept))


def _offer_powers(side: Side, own: Words, plan: SlotPlan) -> Steps[Words]:
    for start, stop, _ in _slot_chunks(len(own), CHUNK // 2, plan):
        part = own[start:stop]
        ct = side.key.encrypt(np.concatenate([part, part * part]))
        yield from send_ciphertexts(SCORE_POWERS, ct, 2 * start)
    return (yield from _collect(side, CUBES, len(own), CHUNK // 2, plan))


# --- gradient ----------------------------------------------------------------------------------------------


def _gradient(side: Side, features: Integers, residual: Shared) -> Steps[tuple[Shared, Shared]]:
    """Return shares of X_Sᵀ r / (m s) for the passive and the active block."""
    plan = SlotPlan(RING_BITS + FEATURE_MAGNITUDE_BITS + len(features).bit_length(), side.key_bits)
    sums = RowSums(features)
    for start, stop in chunks(len(features)):
        if side.peer_features:
            ct = side.key.encrypt(residual.words[start:stop])
            yield from send_ciphertexts(RESIDUALS, ct, start)
        if side.own_features:
            sums.add((yield from receive_ciphertexts(RESIDUALS, stop - start, side.peer_key, start)))
    own = _to_ring(features).T @ residual.words
    if side.own_features:
        counts = [1] * side.own_features
        own = own + to_words((yield from send_masked(side, GRADIENT, sums.total(), plan, counts)))
    peer = np.empty(0, dtype=np.uint64)
    if side.peer_features:
        peer = to_words((yield from receive_masked(side, GRADIENT, plan, [1] * side.peer_features)))
    scale = residual.scale + FEATURE_BITS
    divisor = _mean_divisor(len(features), scale)
    mine, other = (Shared(w, scale, side.active).divide(divisor, WEIGHT_BITS) for w in (own, peer))
    return (other, mine) if side.active else (mine, other)


def _mean_divisor(count: int, scale: int) -> int:
    """Return D with (sum held at ``scale``) / D = sum / (count·s), held at WEIGHT_BITS."""
    return max(round(count * SLOPE / (1 << (WEIGHT_BITS + COEFFICIENT_BITS - scale))), 1)


# --- both --------------------------------------------------------------------------------------------------


def _slot_chunks(count: int, size: int, plan: SlotPlan) -> Iterator[tuple[int, int, int]]:
    """Yield (start, stop, first plaintext) over chunks of about ``size`` values in whole plaintexts."""
    for start, stop in chunks(count, max(size // plan.slots, 1) * plan.slots):
        yield start, stop, start // plan.slots


def _collect(side: Side, stage: Stage, count: int, size: int, plan: SlotPlan) -> Steps[Words]:
    """Receive and decrypt masked values that the peer sends in chunks of about ``size`` values."""
    parts = []
    for start, stop, position in _slot_chunks(count, size, plan):
        counts = slot_counts(stop - start, plan.slots)
        parts.append((yield from receive_masked(side, stage, plan, counts, start=position)))
    return to_words(np.concatenate(parts))


def _to_ring(features: Integers) -> Words:
    return features.view(np.uint64)
