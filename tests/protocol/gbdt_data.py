"""Small inputs for tests of the gbdt protocol, and the twin's answer to compare with."""

from functools import cache

import numpy as np

from isthmus.paillier import keygen
from isthmus.protocol.gbdt import BinnedColumns, OwnSplit, train_active, train_passive
from isthmus.protocol.gbdt_clear import train_clear

N_BINS = 13


@cache
def private_key():
    """One key for all tests: making it is slow."""
    return keygen(2048)[1]


def make_data(n=300, features=5, seed=3):
    """Columns with continuous, repeated and missing values, as bins, and labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, features))
    y = (X @ np.linspace(1, 2, features) + rng.normal(size=n) > 0).astype(float)
    bins = 1 + np.digitize(X, np.linspace(-1.6, 1.6, N_BINS - 2))
    bins[:, 0] = np.where(bins[:, 0] > 6, bins[:, 0], 6)
    bins[rng.random(n) < 0.1, 1] = 0
    return np.asfortranarray(bins.astype(np.uint8)), y


def make_machines(bins, y, own, parameters):
    """Both parties' training machines; the active party holds the first ``own`` columns."""
    active = BinnedColumns(np.asfortranarray(bins[:, :own]), N_BINS)
    passive = BinnedColumns(np.asfortranarray(bins[:, own:]), N_BINS)
    rng = np.random.default_rng(0)
    return train_active(active, y, parameters, private_key(), rng), train_passive(passive, parameters)


def assert_equals_twin(halves, bins, y, own, parameters):
    """The two halves together are the twin's trees: same splits, same leaf weights."""
    forest, half = halves
    base, trees = train_clear(BinnedColumns(bins, N_BINS), y, parameters, np.random.default_rng(0))
    assert forest.base == base
    assert forest.shared_id == half.shared_id
    assert len(forest.trees) == len(trees)
    for tree, twin in zip(forest.trees, trees, strict=True):
        assert joined_splits(tree, half, own) == twin.splits
        assert tree.weights == twin.weights
    assert forest.n_records == len(half.records)


def joined_splits(tree, half, own):
    """The active party's tree with its peer's splits filled in."""

    def fill(split):
        if isinstance(split, OwnSplit):
            return split
        record = half.records[split.record]
        return OwnSplit(record.feature + own, record.bin)

    return {node: fill(split) for node, split in tree.splits.items()}
