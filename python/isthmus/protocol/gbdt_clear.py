"""The clear-text twin of the gbdt protocol: same bins, gains, guards and leaf values, one process, no
encryption.

It is the baseline of the same family (one party alone, or all columns pooled in the clear), and the oracle
that the protocol's tests compare with. It sums every node directly, so it also checks the protocol's sibling
subtraction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.protocol.gbdt_tree import (
    Bins,
    BoolArray,
    Family,
    FloatArray,
    GBDTParameters,
    IntArray,
    LeftSums,
    OwnSplit,
    RowPartition,
    Tree,
    base_margin,
    best_candidate,
    bin_counts,
    draw_sample,
    goes_left,
    leaf_weight,
    left_sums,
    logistic_gradients,
    quantise,
    releasable,
    tree_margin,
)


@dataclass(frozen=True)
class ClearColumns:
    """Binned columns; those from ``guarded_from`` on obey ``min_bucket`` as a passive party's do."""

    bins: Bins
    n_bins: int
    guarded_from: int

    @property
    def guarded(self) -> Bins:
        """The columns that a passive party would hold."""
        return self.bins[:, self.guarded_from :]


def train_clear(
    columns: ClearColumns, labels: FloatArray, parameters: GBDTParameters, rng: np.random.Generator
) -> tuple[float, list[Tree]]:
    """Train on columns in the clear; returns the base margin and the trees."""
    margin = np.full(len(labels), base_margin(labels))
    base, trees = float(margin[0]), []
    for _ in range(parameters.n_trees):
        g, h = logistic_gradients(labels, margin)
        sample = draw_sample(rng, len(labels), parameters)
        trees.append(_grow(columns, g, h, sample, parameters))
        margin += clear_margin(trees[-1:], columns.bins)
    return base, trees


def clear_margin(trees: list[Tree], bins: Bins) -> FloatArray:
    """Sum of the trees' contributions; every split is on a column at hand."""
    no_peer = np.empty((0, len(bins)), dtype=np.bool_)
    return sum((tree_margin(tree, bins, no_peer) for tree in trees), np.zeros(len(bins)))


def _grow(
    columns: ClearColumns, g: FloatArray, h: FloatArray, sample: BoolArray, parameters: GBDTParameters
) -> Tree:
    quantised = quantise(g, h)
    partition = RowPartition(sample)
    tree = Tree({}, {})
    allowed = {0: np.ones((columns.guarded.shape[1], columns.n_bins - 1), dtype=np.bool_)}
    families = partition.root_family(parameters)
    while families:
        for family in families:
            _release(columns, partition, family, allowed, parameters)
        parents = []
        for node in partition.splittable(families, parameters):
            split = _best_split(columns, quantised, partition.sampled(node), allowed[node], parameters)
            if split is not None:
                tree.splits[node] = split
                partition.split(node, goes_left(columns.bins[partition.rows(node)], split))
                parents.append(node)
        families = partition.families(parents, parameters)
    for node in tree.leaves():
        rows = partition.rows(node)
        tree.weights[node] = leaf_weight(g[rows], h[rows], parameters)
    return tree


def _release(
    columns: ClearColumns,
    partition: RowPartition,
    family: Family,
    allowed: dict[int, BoolArray],
    parameters: GBDTParameters,
) -> None:
    small, large = (
        bin_counts(columns.guarded, partition.sampled(node), columns.n_bins)
        for node in (family.small, family.large)
    )
    choice = releasable(small, large, allowed[family.small // 2], parameters)
    allowed[family.small] = allowed[family.large] = choice


def _best_split(
    columns: ClearColumns, quantised: IntArray, rows: IntArray, allowed: BoolArray, parameters: GBDTParameters
) -> OwnSplit | None:
    left = left_sums(columns.bins, quantised, rows, columns.n_bins)
    free = np.ones((columns.guarded_from, columns.n_bins - 1), dtype=np.bool_)
    kept = np.flatnonzero(np.concatenate([free, allowed]))
    best, _ = best_candidate(LeftSums(left.values[:, kept], left.total), parameters)
    return None if best < 0 else OwnSplit(*map(int, divmod(int(kept[best]), columns.n_bins - 1)))
