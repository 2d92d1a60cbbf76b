"""One boosted tree as both parties and the clear-text twin know it: parameters, rows, splits, leaves.

Nodes are numbered as in a heap: the root is 1, the children of k are 2k (left) and 2k + 1 (right).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InvalidArgument

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.uint8]

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
    fast_keys: bool = False

    def __post_init__(self) -> None:
        checks = {
            "n_trees": 1 <= self.n_trees <= 10_000,
            "max_depth": 1 <= self.max_depth <= 12,
            "learning_rate": 0.0 < self.learning_rate <= 1.0,
            "reg_lambda": 0.0 <= self.reg_lambda < 1e6,
            "min_leaf": self.min_leaf >= 1,
            "min_bucket": self.min_bucket >= 1,
            "sample_rows": 2 * self.min_leaf <= self.sample_rows <= 1 << 24,
            "key_bits": 2048 <= self.key_bits <= 4096 and self.key_bits % 64 == 0,
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


@dataclass(frozen=True)
class BinnedColumns:
    """One party's columns as bin numbers: ``bins`` has shape (n, F) and values below ``n_bins``."""

    bins: Bins
    n_bins: int


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


# --- finished trees ----------------------------------------------------------------------------------------


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


@dataclass
class Tree:
    """The active party's view of a tree: splits and leaf weights by node number."""

    splits: dict[int, Split]
    weights: dict[int, float]

    def leaves(self) -> list[int]:
        """Node numbers of the leaves, in increasing order."""
        children = {child for node in self.splits for child in (2 * node, 2 * node + 1)}
        return sorted((children | {ROOT}) - self.splits.keys())

    def records(self) -> list[int]:
        """Numbers of the peer's splits in this tree."""
        return [split.record for split in self.splits.values() if isinstance(split, PeerSplit)]

    def to_json(self) -> dict[str, Any]:
        """Plain lists, for a model file."""
        splits = [
            [node, "own", s.feature, s.bin] if isinstance(s, OwnSplit) else [node, "peer", s.record]
            for node, s in self.splits.items()
        ]
        return {"splits": splits, "leaves": [[node, weight] for node, weight in self.weights.items()]}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Tree:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        splits: dict[int, Split] = {}
        for node, kind, *rest in data["splits"]:
            splits[int(node)] = OwnSplit(*map(int, rest)) if kind == "own" else PeerSplit(*map(int, rest))
        tree = Tree(splits, {int(node): float(weight) for node, weight in data["leaves"]})
        if not all(node == ROOT or node // 2 in splits for node in splits):
            raise ValueError("a split hangs in the air")
        if tree.leaves() != sorted(tree.weights) or not all(map(math.isfinite, tree.weights.values())):
            raise ValueError("every leaf needs one finite weight")
        return tree


def goes_left(bins: Bins, split: OwnSplit, rows: IntArray) -> BoolArray:
    """Evaluate one own split for some rows."""
    return np.asarray(bins[rows, split.feature] <= split.bin, dtype=np.bool_)


def tree_margin(tree: Tree, bins: Bins, peer_left: Mapping[int, BoolArray]) -> FloatArray:
    """The tree's contribution to each row's margin.

    Shapes: bins (n, F) of the active party, peer_left record -> (n,); returns (n,).
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
        left = peer_left[split.record][rows] if isinstance(split, PeerSplit) else goes_left(bins, split, rows)
        waiting[2 * node], waiting[2 * node + 1] = rows[left], rows[~left]
    return margin
