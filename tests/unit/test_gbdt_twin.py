"""The shared arithmetic of boosted trees, and the clear-text twin that the protocol is compared with."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from isthmus.errors import AlignmentError, FeatureValue, InvalidArgument, LabelError
from isthmus.models.gbdt import ClearGBDT
from isthmus.protocol.gbdt_clear import clear_margin, train_clear
from isthmus.protocol.gbdt_splits import (
    G_BITS,
    H_BITS,
    LeftSums,
    best_candidate,
    left_sums,
    logistic_gradients,
    quantise,
    releasable,
    split_gains,
)
from isthmus.protocol.gbdt_tree import (
    BinnedColumns,
    GBDTParameters,
    OwnSplit,
    PeerSplit,
    RowPartition,
    Tree,
    tree_margin,
)


def make_rows(n=800, features=4, seed=5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, features))
    y = (X @ rng.normal(size=features) + rng.normal(size=n) > 0).astype(float)
    return X, y


# --- arithmetic ------------------------------------------------------------------------------------------


def test_quantised_gradients_fit_their_bits_at_the_extremes():
    g = np.array([-1.0, 0.0, 1.0])
    h = np.array([0.0, 0.25, 1e-9])
    pairs = quantise(g, h)
    assert pairs[:, 0].tolist() == [0, (1 << H_BITS) - 1, 0]
    assert pairs[:, 1].tolist() == [0, 1 << 16, (1 << G_BITS) - 1]


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=50), st.integers(0, 1))
def test_quantised_gradients_are_near_the_real_ones(margins, label):
    g, h = logistic_gradients(np.full(len(margins), float(label)), np.array(margins))
    pairs = quantise(g, h)
    assert np.abs(pairs[:, 0] / 2**16 - h).max() <= 2**-16
    assert np.abs(pairs[:, 1] / 2**16 - 1 - g).max() <= 2**-16


def test_gains_are_those_of_the_formula():
    X, y = make_rows(200, 3)
    bins = np.asfortranarray(np.digitize(X, np.linspace(-2, 2, 7)).astype(np.uint8))
    g, h = logistic_gradients(y, np.zeros(len(y)))
    parameters = GBDTParameters(min_leaf=15, reg_lambda=2.0)
    left = left_sums(bins, quantise(g, h), np.arange(len(y)), 8)
    gains = split_gains(left, parameters)
    for candidate, gain in enumerate(gains):
        feature, last = divmod(candidate, 7)
        mask = bins[:, feature] <= last
        if min(mask.sum(), (~mask).sum()) < 15:
            assert gain == -np.inf
            continue
        expected = sum(g[m].sum() ** 2 / (h[m].sum() + 2.0) for m in (mask, ~mask))
        expected -= g.sum() ** 2 / (h.sum() + 2.0)
        assert gain == pytest.approx(expected, abs=1e-2)
    best, gain = best_candidate(left, parameters)
    assert gain == gains.max() == gains[best]


def test_no_candidate_is_chosen_where_none_helps():
    parameters = GBDTParameters(min_leaf=1)
    nothing = LeftSums(np.empty((3, 0), dtype=np.int64), np.array([4, 0, 0]))
    assert best_candidate(nothing, parameters) == (-1, 0.0)
    constant = quantise(np.full(4, 0.5), np.full(4, 0.25))
    bins = np.array([[1], [1], [2], [2]], dtype=np.uint8)
    left = left_sums(bins, constant, np.arange(4), 3)
    assert best_candidate(left, GBDTParameters(min_leaf=1, reg_lambda=0.0)) == (-1, 0.0)


@given(st.data())
@settings(max_examples=200)
def test_released_sums_and_their_differences_cover_enough_rows(data):
    n_bins = data.draw(st.integers(2, 9))
    shape = (data.draw(st.integers(1, 3)), n_bins)
    cells = st.lists(st.integers(0, 12), min_size=shape[0] * n_bins, max_size=shape[0] * n_bins)
    small, large = (np.array(data.draw(cells), dtype=np.int64).reshape(shape) for _ in range(2))
    if data.draw(st.booleans()):
        large[:] = 0
    bits = st.lists(st.booleans(), min_size=shape[0] * (n_bins - 1), max_size=shape[0] * (n_bins - 1))
    allowed = np.array(data.draw(bits), dtype=bool).reshape(shape[0], n_bins - 1)
    parameters = GBDTParameters(
        min_leaf=data.draw(st.integers(1, 8)), min_bucket=data.draw(st.integers(1, 8))
    )
    before = allowed.copy()
    out = releasable(small, large, allowed, parameters)
    assert np.array_equal(allowed, before)
    assert not (out & ~allowed).any()
    for feature in range(shape[0]):
        cuts = [0, *(np.flatnonzero(out[feature]) + 1), n_bins]
        if len(cuts) == 2:
            continue
        for start, stop in pairwise(cuts):
            rows = [counts[feature, start:stop].sum() for counts in (small, large)]
            assert all(count == 0 or count >= parameters.min_bucket for count in rows)
            assert max(rows) > 0
        for cut in cuts[1:-1]:
            sides = [min(c[feature, :cut].sum(), c[feature, cut:].sum()) for c in (small, large)]
            assert max(sides) >= parameters.min_leaf


def test_all_boundaries_are_released_where_buckets_are_large():
    counts = np.full((2, 6), 50)
    parameters = GBDTParameters(min_leaf=20, min_bucket=5)
    assert releasable(counts, np.zeros_like(counts), np.ones((2, 5), dtype=bool), parameters).all()


def test_families_hold_the_smaller_child_first_and_end_at_the_depth():
    parameters = GBDTParameters(max_depth=2, min_leaf=2)
    partition = RowPartition(np.array([True] * 8 + [False] * 4))
    assert [(f.small, f.large) for f in partition.root_family(parameters)] == [(1, 0)]
    partition.split(1, np.array([True] * 5 + [False] * 3 + [True] * 4))
    assert partition.sampled(2).tolist() == [0, 1, 2, 3, 4]
    assert partition.rows(2).tolist() == [0, 1, 2, 3, 4, 8, 9, 10, 11]
    families = partition.families([1], parameters)
    assert [(f.small, f.large) for f in families] == [(3, 2)]
    assert partition.splittable(families, parameters) == [2]
    partition.split(2, np.array([True] * 4 + [False] * 5))
    assert partition.left(2).tolist() == [True] * 4 + [False] * 5
    assert partition.families([2], parameters) == []


def test_trees_walk_own_and_peer_splits_and_survive_a_file():
    tree = Tree({1: OwnSplit(0, 2), 3: PeerSplit(1)}, {2: 0.5, 6: -1.0, 7: 2.0})
    bins = np.array([[1], [3], [3]], dtype=np.uint8)
    peer_left = {1: np.array([False, True, False])}
    assert tree_margin(tree, bins, peer_left).tolist() == [0.5, -1.0, 2.0]
    assert tree.leaves() == [2, 6, 7]
    assert Tree.from_json(tree.to_json()) == tree


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_trees": 0},
        {"max_depth": 13},
        {"learning_rate": 0.0},
        {"reg_lambda": -1.0},
        {"min_leaf": 0},
        {"min_bucket": 0},
        {"sample_rows": 39},
        {"key_bits": 1024},
        {"learning_rate": float("nan")},
    ],
)
def test_parameters_outside_their_range_are_named(wrong):
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        GBDTParameters(**wrong)


# --- the twin --------------------------------------------------------------------------------------------


def test_a_stump_is_the_best_of_all_stumps():
    X, y = make_rows(300, 3)
    bins = np.asfortranarray(np.digitize(X, np.linspace(-2, 2, 9)).astype(np.uint8))
    parameters = GBDTParameters(n_trees=1, max_depth=1, learning_rate=1.0, min_leaf=10)
    base, trees = train_clear(BinnedColumns(bins, 10), y, parameters, np.random.default_rng(0))

    def score(feature, last):
        left = bins[:, feature] <= last
        p = 1 / (1 + np.exp(-base))
        h = p * (1 - p)
        sides = [(p - y[m]).sum() ** 2 / (h * m.sum() + 1) for m in (left, ~left) if m.sum() >= 10]
        return sum(sides) if len(sides) == 2 else 0.0

    scores = {(f, b): score(f, b) for f in range(3) for b in range(9)}
    split = trees[0].splits[1]
    assert (split.feature, split.bin) == max(scores, key=scores.get)


def test_samples_are_drawn_and_leaves_use_all_rows():
    X, y = make_rows(600, 3)
    bins = np.asfortranarray(np.digitize(X, np.linspace(-2, 2, 9)).astype(np.uint8))
    parameters = GBDTParameters(n_trees=1, max_depth=2, learning_rate=1.0, sample_rows=200)
    base, trees = train_clear(BinnedColumns(bins, 10), y, parameters, np.random.default_rng(0))
    margin = clear_margin(trees, bins)
    p = 1 / (1 + np.exp(-base))
    for weight in set(trees[0].weights.values()):
        rows = margin == weight
        assert weight == pytest.approx(-(p - y[rows]).sum() / (p * (1 - p) * rows.sum() + 1))


def test_the_guard_costs_little_accuracy():
    X, y = make_rows(3000, 8)
    free, guarded = (
        ClearGBDT(n_trees=15, sample_rows=1000, min_bucket=k, seed=1).fit(X, y).predict_proba(X)
        for k in (1, 10)
    )
    assert roc_auc_score(y, guarded) > 0.85
    assert abs(roc_auc_score(y, guarded) - roc_auc_score(y, free)) < 0.01


def test_the_clear_model_learns_and_repeats_with_its_seed():
    X, y = make_rows(2000, 6)
    X[::7, 2] = np.nan
    first, second = (ClearGBDT(n_trees=20, seed=9).fit(X[:1500], y[:1500]) for _ in range(2))
    scores = first.predict_proba(X[1500:])
    assert np.array_equal(scores, second.predict_proba(X[1500:]))
    assert ((scores > 0) & (scores < 1)).all()
    assert roc_auc_score(y[1500:], scores) > 0.8


def test_the_clear_model_refuses_bad_input():
    X, y = make_rows(100, 2)
    with pytest.raises(LabelError):
        ClearGBDT().fit(X, np.zeros(100))
    with pytest.raises(AlignmentError):
        ClearGBDT().fit(X, y[:-1])
    with pytest.raises(FeatureValue):
        ClearGBDT().fit(np.where(X > 1, np.inf, X), y)
    with pytest.raises(InvalidArgument, match="39 rows"):
        ClearGBDT().fit(X[:39], np.arange(39) % 2)
