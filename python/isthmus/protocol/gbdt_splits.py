"""Arithmetic of splits: gradients and their fixed point, gains, and which candidates may leave a party."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.protocol.gbdt_tree import (
    BinnedColumns,
    Bins,
    BoolArray,
    Family,
    FloatArray,
    GBDTParameters,
    IntArray,
    OwnSplit,
    RowPartition,
)

FRACTION_BITS = 16
G_OFFSET = 1 << FRACTION_BITS
G_BITS = FRACTION_BITS + 1  # g + 1 lies in [0, 2)
H_BITS = FRACTION_BITS - 2  # h lies in [0, 1/4]
MIN_GAIN = 1e-6  # below the fixed point's resolution a gain is noise


def logistic_gradients(labels: FloatArray, margin: FloatArray) -> tuple[FloatArray, FloatArray]:
    """First and second derivative of the logistic loss: g = p - y, h = p(1 - p)."""
    probability = 1.0 / (1.0 + np.exp(-margin))
    return probability - labels, probability * (1.0 - probability)


def quantise(g: FloatArray, h: FloatArray) -> IntArray:
    """Fixed-point (h, g + 1) pairs, each within its bit bound.

    out[i] = (round(h 2^f), round((g + 1) 2^f)) with f = 16, clipped to [0, 2^14) and [0, 2^17): the clip
    touches only h = 1/4 and g = 1, by one unit, and makes the overflow bound of the packing exact.

    Shapes: (n,), (n,) -> (n, 2), the low slot of the packing first.
    """
    out = np.empty((len(g), 2), dtype=np.int64)
    out[:, 0] = np.clip(np.rint(h * (1 << FRACTION_BITS)), 0, (1 << H_BITS) - 1)
    out[:, 1] = np.clip(np.rint(g * (1 << FRACTION_BITS)) + G_OFFSET, 0, (1 << G_BITS) - 1)
    return out


def leaf_weight(g: FloatArray, h: FloatArray, parameters: GBDTParameters) -> float:
    """Shrunken Newton step of a leaf, -eta * G / (H + lambda), over all its rows."""
    return -parameters.learning_rate * float(g.sum()) / (float(h.sum()) + parameters.reg_lambda + 1e-12)


def base_margin(labels: FloatArray) -> float:
    """Log odds of the positive class: the margin before the first tree."""
    rate = float(labels.mean())
    return float(np.log(rate / (1.0 - rate)))


def draw_sample(rng: np.random.Generator, n_rows: int, parameters: GBDTParameters) -> BoolArray:
    """Mark the rows of one tree's sample, uniform without replacement."""
    sample = np.zeros(n_rows, dtype=np.bool_)
    sample[rng.choice(n_rows, parameters.sample_size(n_rows), replace=False)] = True
    return sample


# --- split candidates --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LeftSums:
    """What lies to the left of each split candidate of one node: rows, and integer sums of (h, g + 1).

    ``values`` has shape (3, candidates), rows first; ``total`` has shape (3,) and covers the whole node.
    """

    values: IntArray
    total: IntArray

    def __len__(self) -> int:
        return int(self.values.shape[1])


def totals(quantised: IntArray) -> IntArray:
    """Row count and sums over the given rows, shape (3,)."""
    return np.array([len(quantised), *quantised.sum(axis=0)], dtype=np.int64)


def _score(sums: IntArray, reg_lambda: float) -> FloatArray:
    """G^2 / (H + lambda) of integer sums with the offset of g removed."""
    scale = 1.0 / (1 << FRACTION_BITS)
    g = (sums[2] - sums[0] * G_OFFSET) * scale
    score: FloatArray = np.square(g) / (sums[1] * scale + reg_lambda + 1e-12)
    return score


def split_gains(left: LeftSums, parameters: GBDTParameters) -> FloatArray:
    """Gain of each candidate: GL²/(HL+λ) + GR²/(HR+λ) − G²/(H+λ); −inf where a side is under ``min_leaf``.

    Ref: XGBoost, arXiv:1603.02754, equation 7 (without the factor 1/2 and the cost per leaf).
    """
    right = left.total[:, None] - left.values
    gains = _score(left.values, parameters.reg_lambda) + _score(right, parameters.reg_lambda)
    gains -= _score(left.total[:, None], parameters.reg_lambda)
    small = np.minimum(left.values[0], right[0]) < parameters.min_leaf
    gains[small] = -np.inf
    return gains


def best_candidate(left: LeftSums, parameters: GBDTParameters) -> tuple[int, float]:
    """Index and gain of the best candidate; (-1, 0.0) when none improves the loss."""
    if len(left) == 0:
        return -1, 0.0
    gains = split_gains(left, parameters)
    best = int(np.argmax(gains))
    return (best, float(gains[best])) if gains[best] > MIN_GAIN else (-1, 0.0)


def bin_counts(bins: Bins, rows: IntArray, n_bins: int) -> IntArray:
    """Rows per feature and bin, shape (F, n_bins)."""
    out = np.empty((bins.shape[1], n_bins), dtype=np.int64)
    for feature in range(bins.shape[1]):
        out[feature] = np.bincount(bins[rows, feature], minlength=n_bins)
    return out


def left_sums(bins: Bins, quantised: IntArray, rows: IntArray, n_bins: int) -> LeftSums:
    """Left sums of every candidate (feature, bin <= b), b < n_bins - 1, feature by feature, in the clear."""
    n_features = bins.shape[1]
    values = np.zeros((3, n_features, n_bins), dtype=np.int64)
    for feature in range(n_features):
        column = bins[rows, feature]
        values[0, feature] = np.bincount(column, minlength=n_bins)
        for slot in (0, 1):  # float64 sums of integers below 2^53 are exact
            values[1 + slot, feature] = np.bincount(column, weights=quantised[rows, slot], minlength=n_bins)
    left = np.cumsum(values, axis=2)[:, :, : n_bins - 1]
    return LeftSums(left.reshape(3, -1), totals(quantised[rows]))


def releasable(small: IntArray, large: IntArray, allowed: BoolArray, parameters: GBDTParameters) -> BoolArray:
    """Choose the boundaries whose sums may leave, for two siblings at once.

    A boundary is offered only if it can split at least one sibling under ``min_leaf``. Between two offered
    neighbours, and before the first and after the last, each sibling has either no row or at least
    ``min_bucket`` rows, so no difference of a feature's released sums covers fewer rows. Both siblings share
    one choice, because the receiver gets the larger one's sums by subtraction. Buckets are merged greedily
    from the left; the tail then takes back what it needs.

    Shapes: small, large (F, B) row counts (``large`` all zero for the root); allowed (F, B - 1) -> (F, B -
    1).
    """
    counts = np.stack([small, large])  # (2, F, B)
    left = np.cumsum(counts, axis=2)
    sides = np.minimum(left, left[:, :, -1:] - left)[:, :, :-1]
    out: BoolArray = allowed & (sides.max(axis=0) >= parameters.min_leaf)
    bucket = np.zeros(counts.shape[:2], dtype=np.int64)
    for b in range(out.shape[1]):
        bucket += counts[:, :, b]
        out[:, b] &= _is_safe(bucket, parameters.min_bucket)
        bucket[:, out[:, b]] = 0
    tail = np.zeros_like(bucket)
    done = np.zeros(len(out), dtype=np.bool_)
    for b in range(out.shape[1] - 1, -1, -1):
        tail += counts[:, :, b + 1]
        done |= out[:, b] & _is_safe(tail, parameters.min_bucket)
        out[:, b] &= done
    return out


def _is_safe(bucket: IntArray, min_bucket: int) -> BoolArray:
    """Whether each sibling's part is empty or large, and not both empty."""
    good = ((bucket == 0) | (bucket >= min_bucket)).all(axis=0) & (bucket > 0).any(axis=0)
    return np.asarray(good, dtype=np.bool_)


class CandidateGrid:
    """Which boundaries of one party's columns may split the nodes of the growing tree.

    ``min_bucket`` holds for every column, also for those whose sums never leave: it is part of the model, so
    that training together and training on pooled columns give the same trees.
    """

    def __init__(self, columns: BinnedColumns, parameters: GBDTParameters) -> None:
        self._columns = columns
        self._parameters = parameters
        everything = np.ones((columns.bins.shape[1], columns.n_bins - 1), dtype=np.bool_)
        self._allowed: dict[int, BoolArray] = {0: everything}

    def open(self, partition: RowPartition, family: Family) -> tuple[BoolArray, IntArray]:
        """Choose a family's boundaries; returns them and the smaller sibling's left row counts.

        Shapes: both (F, n_bins - 1).
        """
        small, large = (
            bin_counts(self._columns.bins, partition.sampled(node), self._columns.n_bins)
            for node in (family.small, family.large)
        )
        chosen = releasable(small, large, self._allowed[family.small // 2], self._parameters)
        self._allowed[family.small] = self._allowed[family.large] = chosen
        return chosen, np.cumsum(small, axis=1)[:, :-1]

    def allows(self, node: int, split: OwnSplit) -> bool:
        """Whether the node was offered this split."""
        return bool(self._allowed[node][split.feature, split.bin])

    def best(self, quantised: IntArray, partition: RowPartition, node: int) -> tuple[OwnSplit | None, float]:
        """The node's best split on these columns and its gain, from gradients in the clear."""
        columns = self._columns
        left = left_sums(columns.bins, quantised, partition.sampled(node), columns.n_bins)
        kept = np.flatnonzero(self._allowed[node])
        best, gain = best_candidate(LeftSums(left.values[:, kept], left.total), self._parameters)
        if best < 0:
            return None, 0.0
        return OwnSplit(*map(int, divmod(int(kept[best]), columns.n_bins - 1))), gain
