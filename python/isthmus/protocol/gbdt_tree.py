"""Arithmetic of one boosted tree that both parties and the clear-text twin share.

No message and no key is known here: gradients and their fixed point, split gains, which split candidates may
leave the passive party, and which rows lie in which node. Nodes are numbered as in a heap: the root is 1, the
children of k are 2k (left) and 2k + 1 (right).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InvalidArgument

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.uint8]

FRACTION_BITS = 16
G_OFFSET = 1 << FRACTION_BITS
G_BITS = FRACTION_BITS + 1  # g + 1 lies in [0, 2)
H_BITS = FRACTION_BITS - 2  # h lies in [0, 1/4]
ROOT = 1


@dataclass(frozen=True)
class GBDTParameters:
    """What the parties agree on before training; compared in the job's handshake.

    Each tree's splits are chosen on a fresh random sample of at most ``sample_rows`` rows, whose gradients
    are the only ones encrypted; leaf values use every row. ``min_leaf`` and ``min_bucket`` count sampled
    rows.
    """

    n_trees: int = 30
    max_depth: int = 4
    learning_rate: float = 0.2
    reg_lambda: float = 1.0
    min_leaf: int = 20
    min_bucket: int = 5
    sample_rows: int = 5000
    key_bits: int = 3072

    def __post_init__(self) -> None:
        checks = {
            "n_trees": 1 <= self.n_trees <= 10_000,
            "max_depth": 1 <= self.max_depth <= 12,
            "learning_rate": 0.0 < self.learning_rate <= 1.0,
            "reg_lambda": 0.0 <= self.reg_lambda < 1e6,
            "min_leaf": self.min_leaf >= 1,
            "min_bucket": self.min_bucket >= 1,
            "sample_rows": 2 * self.min_leaf <= self.sample_rows <= 1 << 24,
            "key_bits": self.key_bits in (2048, 3072, 4096),
        }
        wrong = [name for name, good in checks.items() if not good]
        if wrong:
            raise InvalidArgument(f"outside their range: {', '.join(wrong)}")

    def sample_size(self, n_rows: int) -> int:
        """Rows that each tree's gradients are sent for; the same on both sides.

        Raises
        ------
        InvalidArgument
            There are too few rows for a single split.
        """
        if n_rows < 2 * self.min_leaf:
            raise InvalidArgument(f"{n_rows} rows cannot be split into two leaves of {self.min_leaf}")
        return min(n_rows, self.sample_rows)

    def is_splittable(self, node: int, n_sampled: int) -> bool:
        """Tell from public facts alone whether a node may still be split."""
        return node.bit_length() - 1 < self.max_depth and n_sampled >= 2 * self.min_leaf


# --- gradients ---------------------------------------------------------------------------------------------


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


MIN_GAIN = 1e-6  # below the fixed point's resolution a gain is noise


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


@dataclass(frozen=True)
class OwnSplit:
    """Rows with ``bins[:, feature] <= bin`` go left."""

    feature: int
    bin: int


@dataclass(frozen=True)
class PeerSplit:
    """The passive party's split with this record number decides."""

    record: int


Split = OwnSplit | PeerSplit


# --- rows and nodes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """Two siblings of which at least one may be split; the root is a family of its own (``large`` = 0)."""

    small: int
    large: int = 0


class RowPartition:
    """Which training rows lie in which node of the growing tree; both parties keep the same one."""

    def __init__(self, sample: BoolArray) -> None:
        self._sample = sample
        self._rows: dict[int, IntArray] = {ROOT: np.arange(len(sample), dtype=np.int64)}
        self._sampled: dict[int, IntArray] = {}

    def rows(self, node: int) -> IntArray:
        """All rows in the node, in increasing order."""
        return self._rows[node]

    def sampled(self, node: int) -> IntArray:
        """The node's sampled rows, in increasing order; none for the absent node 0."""
        if node == 0:
            return np.empty(0, dtype=np.int64)
        if node not in self._sampled:
            rows = self._rows[node]
            self._sampled[node] = rows[self._sample[rows]]
        return self._sampled[node]

    def left(self, node: int) -> BoolArray:
        """Which of a split node's rows went left."""
        return np.isin(self._rows[node], self._rows[2 * node], assume_unique=True)

    def sampled_left(self, node: int, left: BoolArray) -> int:
        """How many sampled rows of the node a split sends left."""
        return int(np.count_nonzero(left & self._sample[self._rows[node]]))

    def split(self, node: int, left: BoolArray) -> None:
        """Give the node's rows to its children."""
        rows = self._rows[node]
        self._rows[2 * node] = rows[left]
        self._rows[2 * node + 1] = rows[~left]

    def families(self, parents: list[int], parameters: GBDTParameters) -> list[Family]:
        """The families among the children of the nodes just split, in order; [] ends the tree."""
        out = []
        for parent in parents:
            sizes = {child: len(self.sampled(child)) for child in (2 * parent, 2 * parent + 1)}
            if any(parameters.is_splittable(child, size) for child, size in sizes.items()):
                small = min(sizes, key=lambda child: (sizes[child], child))
                out.append(Family(small, small ^ 1))
        return out

    def root_family(self, parameters: GBDTParameters) -> list[Family]:
        """The root as the first level's only family, if it may be split."""
        return [Family(ROOT)] if parameters.is_splittable(ROOT, len(self.sampled(ROOT))) else []

    def splittable(self, families: list[Family], parameters: GBDTParameters) -> list[int]:
        """The level's nodes whose fate the active party decides, in increasing order."""
        nodes = [node for family in families for node in (family.small, family.large) if node]
        return sorted(n for n in nodes if parameters.is_splittable(n, len(self.sampled(n))))


# --- splits on columns at hand ---------------------------------------------------------------------------


@dataclass(frozen=True)
class BinnedColumns:
    """One party's columns as bin numbers: ``bins`` has shape (n, F) and values below ``n_bins``."""

    bins: Bins
    n_bins: int


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


# --- finished trees ----------------------------------------------------------------------------------------


@dataclass
class Tree:
    """The active party's view of a tree: splits and leaf weights by node number."""

    splits: dict[int, Split]
    weights: dict[int, float]

    def leaves(self) -> list[int]:
        """Node numbers of the leaves, in increasing order."""
        children = {child for node in self.splits for child in (2 * node, 2 * node + 1)}
        return sorted((children | {ROOT}) - self.splits.keys())

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for a model file."""
        splits = [
            [node, "own", s.feature, s.bin] if isinstance(s, OwnSplit) else [node, "peer", s.record]
            for node, s in self.splits.items()
        ]
        return {"splits": splits, "leaves": [[node, weight] for node, weight in self.weights.items()]}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Tree:
        """Inverse of :meth:`to_json`."""
        splits: dict[int, Split] = {}
        for node, kind, *rest in data["splits"]:
            splits[int(node)] = OwnSplit(*map(int, rest)) if kind == "own" else PeerSplit(*map(int, rest))
        return Tree(splits, {int(node): float(weight) for node, weight in data["leaves"]})


def goes_left(bins: Bins, split: OwnSplit) -> BoolArray:
    """Evaluate one own split for all rows."""
    return np.asarray(bins[:, split.feature] <= split.bin, dtype=np.bool_)


def tree_margin(tree: Tree, bins: Bins, peer_left: BoolArray) -> FloatArray:
    """The tree's contribution to each row's margin.

    Shapes: bins (n, F) of the active party, peer_left (records, n) -> (n,).
    """
    n_rows = bins.shape[0]
    margin = np.zeros(n_rows, dtype=np.float64)
    waiting = {ROOT: np.arange(n_rows, dtype=np.int64)}
    while waiting:
        node, rows = waiting.popitem()
        split = tree.splits.get(node)
        if split is None:
            margin[rows] = tree.weights[node]
            continue
        left = goes_left(bins[rows], split) if isinstance(split, OwnSplit) else peer_left[split.record, rows]
        waiting[2 * node], waiting[2 * node + 1] = rows[left], rows[~left]
    return margin
