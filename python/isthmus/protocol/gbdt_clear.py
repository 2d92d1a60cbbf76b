"""The clear-text twin of the gbdt protocol: same bins, gains, guards and leaf values, without encryption.

It is the baseline of the same family (one party alone, or all columns pooled in the clear), and the oracle
that the protocol's tests compare with. It sums every node directly, so it also checks the protocol's sibling
subtraction.
"""

from __future__ import annotations

import numpy as np

from isthmus.protocol.gbdt_splits import (
    CandidateGrid,
    base_margin,
    draw_sample,
    leaf_weight,
    logistic_gradients,
    quantise,
)
from isthmus.protocol.gbdt_tree import (
    BinnedColumns,
    Bins,
    BoolArray,
    FloatArray,
    GBDTParameters,
    RowPartition,
    Tree,
    goes_left,
    tree_margin,
)


def train_clear(
    columns: BinnedColumns, labels: FloatArray, parameters: GBDTParameters, rng: np.random.Generator
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
    return sum((tree_margin(tree, bins, {}) for tree in trees), np.zeros(len(bins)))


def _grow(
    columns: BinnedColumns, g: FloatArray, h: FloatArray, sample: BoolArray, parameters: GBDTParameters
) -> Tree:
    quantised = quantise(g, h)
    partition, grid = RowPartition(sample), CandidateGrid(columns, parameters)
    tree = Tree({}, {})
    families = partition.root_family(parameters)
    while families:
        for family in families:
            grid.open(partition, family)
        parents = []
        for node in partition.splittable(families, parameters):
            split, _ = grid.best(quantised, partition, node)
            if split is not None:
                tree.splits[node] = split
                partition.split(node, goes_left(columns.bins, split, partition.rows(node)))
                parents.append(node)
        families = partition.families(parents, parameters)
    for node in tree.leaves():
        rows = partition.rows(node)
        tree.weights[node] = leaf_weight(g[rows], h[rows], parameters)
    return tree
