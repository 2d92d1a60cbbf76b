"""Bins, scaling, weight of evidence and one-hot columns."""

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import AlignmentError, EmptyInput, FeatureValue, InvalidArgument, LabelError, SchemaError
from isthmus.prep import Binner, OneHotEncoder, Standardizer, WoeEncoder

finite = st.floats(-(2.0**53), 2.0**53)


def restored(transformer):
    """The same transformer after a trip through a file."""
    return type(transformer).from_json(json.loads(json.dumps(transformer.to_json(), allow_nan=False)))


# --- Binner ----------------------------------------------------------------------------------------------


def test_few_values_get_a_bin_each_and_missing_ones_bin_zero():
    X = np.array([[3.0], [1.0], [np.nan], [2.0], [1.0]])
    binner = Binner(max_bins=4).fit(X)
    assert binner.transform(X)[:, 0].tolist() == [3, 1, 0, 2, 1]
    assert binner.edges[0].tolist() == [1.5, 2.5]
    assert binner.transform(np.array([[-9.0], [1.6], [99.0]]))[:, 0].tolist() == [1, 2, 3]


def test_many_values_are_cut_at_quantiles():
    values = np.random.default_rng(1).exponential(size=(10_000, 1))
    bins = Binner(max_bins=8).fit_transform(values)
    assert np.bincount(bins[:, 0], minlength=9).tolist() == [0] + [1250] * 8


def test_a_frequent_value_keeps_a_bin_of_its_own():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])[:, None]
    bins = Binner(max_bins=10).fit_transform(values)[:, 0]
    assert set(bins[:900]) == {1}
    assert bins[900:].min() == 2


def test_constant_and_missing_columns_have_no_edges():
    X = np.column_stack([np.full(4, 7.0), np.full(4, np.nan)])
    binner = Binner().fit(X)
    assert [len(edges) for edges in binner.edges] == [0, 0]
    assert binner.transform(X).tolist() == [[1, 0]] * 4


def test_bins_are_column_major_bytes_for_the_native_core():
    bins = Binner(3).fit_transform(np.arange(12.0).reshape(4, 3))
    assert bins.dtype == np.uint8
    assert bins.flags.f_contiguous


@given(st.lists(finite, min_size=1, max_size=60), st.integers(2, 12))
def test_bins_keep_the_order_of_values_and_stay_below_n_bins(values, max_bins):
    column = np.array(values)[:, None]
    binner = Binner(max_bins)
    bins = binner.fit_transform(column)[:, 0]
    assert bins.min() >= 1
    assert bins.max() < binner.n_bins
    order = np.argsort(column[:, 0], kind="stable")
    assert (np.diff(bins[order].astype(int)) >= 0).all()
    if len(set(values)) <= max_bins:
        assert len(set(bins.tolist())) == len(set(values))


def test_neighbouring_floats_are_told_apart():
    below = 1.0
    column = np.array([[below], [math.nextafter(below, 2)]])
    assert Binner(2).fit_transform(column)[:, 0].tolist() == [1, 2]


def test_binner_survives_a_file():
    X = pd.DataFrame({"age": [20.0, 30.0, None, 50.0], "limit": [1, 2, 3, 4]})
    binner = Binner(3).fit(X)
    again = restored(binner)
    assert again.names == ["age", "limit"]
    assert np.array_equal(again.transform(X), binner.transform(X))


@pytest.mark.parametrize(
    "edges", [[[2.0, 1.0]], [[1.0, 1.0]], [[1.0, 2.0, 3.0]], [[math.inf]], [[1.0], [2.0]], [[[1.0]]]]
)
def test_binner_refuses_edges_it_cannot_have_written(edges):
    with pytest.raises(ValueError):
        Binner.from_json({"max_bins": 3, "names": ["a"], "edges": edges})


@pytest.mark.parametrize("bad", (np.inf, -np.inf, 1e308))
def test_infinite_and_huge_values_are_refused_with_their_row(bad):
    with pytest.raises(FeatureValue) as caught:
        Binner().fit(np.array([[1.0], [bad]]))
    assert caught.value.row == 1


def test_binner_refuses_other_columns_and_bounds():
    binner = Binner().fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(SchemaError, match="missing: b"):
        binner.transform(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(SchemaError, match="order"):
        binner.transform(pd.DataFrame({"b": [1.0], "a": [2.0]}))
    for bins in (1, 255):
        with pytest.raises(InvalidArgument):
            Binner(bins)


# --- Standardizer ----------------------------------------------------------------------------------------


def test_standardized_columns_have_mean_zero_and_deviation_one():
    X = np.random.default_rng(2).normal(50, 9, size=(500, 3))
    out = np.column_stack(Standardizer().fit_transform(X).columns)
    assert np.allclose(out.mean(axis=0), 0)
    assert np.allclose(out.std(axis=0), 1)


def test_constant_columns_become_zero():
    X = np.full((1000, 2), 0.1) * [1.0, 1e6]
    assert np.allclose(np.column_stack(Standardizer().fit_transform(X).columns), 0)


def test_missing_values_are_refused_or_become_the_mean():
    X = pa.table({"a": [1.0, None, 3.0]})
    with pytest.raises(FeatureValue) as caught:
        Standardizer().fit(X)
    assert caught.value.row == 1
    assert Standardizer(missing="mean").fit_transform(X)["a"].to_pylist() == [-1.0, 0.0, 1.0]
    with pytest.raises(InvalidArgument):
        Standardizer(missing="median")


def test_standardizer_survives_a_file_and_refuses_others():
    X = pa.table({"a": [1.0, 5.0, 3.0]})
    scaler = Standardizer().fit(X)
    assert restored(scaler).transform(X).equals(scaler.transform(X))
    with pytest.raises(ValueError):
        Standardizer.from_json(scaler.to_json() | {"scale": [0.0]})
    with pytest.raises(SchemaError):
        scaler.transform(pa.table({"b": [1.0]}))


# --- WoeEncoder ------------------------------------------------------------------------------------------


def test_weight_of_evidence_is_the_smoothed_log_ratio_of_shares():
    X = pa.table({"job": ["a"] * 4 + ["b"] * 6})
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 1])
    encoder = WoeEncoder().fit(X, y)
    share_a = (3.5 / 5) / (1.5 / 7)
    share_b = (1.5 / 5) / (5.5 / 7)
    assert encoder.transform(X)["job"].to_pylist() == pytest.approx(
        [math.log(share_a)] * 4 + [math.log(share_b)] * 6
    )
    iv = (3.5 / 5 - 1.5 / 7) * math.log(share_a) + (1.5 / 5 - 5.5 / 7) * math.log(share_b)
    assert encoder.iv["job"] == pytest.approx(iv)


def test_information_value_ranks_columns():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 2000)
    X = pd.DataFrame({"strong": y + rng.normal(0, 0.5, 2000), "weak": rng.normal(size=2000)})
    encoder = WoeEncoder().fit(X, y)
    assert encoder.iv["strong"] > 10 * encoder.iv["weak"]


def test_missing_values_are_a_bin_and_unknown_categories_weigh_nothing():
    X = pa.table({"n": [1.0, 2.0, None, None], "job": ["a", None, "a", None]})
    encoder = WoeEncoder().fit(X, [0, 0, 1, 1])
    out = encoder.transform(pa.table({"n": [None, 1.5], "job": [None, "z"]}))
    assert out["n"][0].as_py() > 0 > out["n"][1].as_py()
    assert out["job"].to_pylist() == [pytest.approx(0.0), 0.0]


def test_woe_survives_a_file():
    X = pd.DataFrame({"n": [1.0, 2.0, 3.0, np.nan], "job": pd.Categorical(["a", "b", "a", None])})
    encoder = WoeEncoder(3).fit(X, [0, 1, 0, 1])
    again = restored(encoder)
    assert again.transform(X).equals(encoder.transform(X))
    assert again.iv == encoder.iv
    with pytest.raises(ValueError):
        WoeEncoder.from_json(encoder.to_json() | {"woe": {"n": [0.0], "job": [0.0]}})


def test_woe_refuses_bad_labels_and_changed_columns():
    X = pa.table({"n": [1.0, 2.0]})
    for labels in ([0, 2], [1, 1], [None, 1]):
        with pytest.raises(LabelError):
            WoeEncoder().fit(X, labels)
    with pytest.raises(AlignmentError):
        WoeEncoder().fit(X, [0, 1, 1])
    encoder = WoeEncoder().fit(X, [0, 1])
    with pytest.raises(SchemaError):
        encoder.transform(pa.table({"n": ["1", "2"]}))


# --- OneHotEncoder ---------------------------------------------------------------------------------------


def test_text_is_spread_and_numbers_pass():
    X = pd.DataFrame({"age": [30, 40, 50], "job": ["b", "a", None]})
    encoder = OneHotEncoder().fit(X)
    out = encoder.transform(X)
    assert out.column_names == ["age", "job=a", "job=b"]
    assert [column.to_pylist() for column in out.columns] == [[30, 40, 50], [0, 1, 0], [1, 0, 0]]
    unknown = encoder.transform(pd.DataFrame({"age": [1], "job": ["z"]}))
    assert [column.to_pylist() for column in unknown.columns] == [[1], [0], [0]]
    assert restored(encoder).transform(X).equals(out)


def test_one_hot_refuses_identifiers_empty_tables_and_changed_columns():
    with pytest.raises(SchemaError, match="id"):
        OneHotEncoder(max_categories=3).fit(pa.table({"id": list("abcd")}))
    with pytest.raises(EmptyInput):
        OneHotEncoder().fit(pa.table({"a": pa.array([], pa.string())}))
    encoder = OneHotEncoder().fit(pa.table({"job": ["a"]}))
    with pytest.raises(SchemaError):
        encoder.transform(pa.table({"job": [1]}))
    with pytest.raises(SchemaError):
        encoder.transform(pa.table({"other": ["a"]}))
    with pytest.raises(ValueError):
        OneHotEncoder.from_json({"max_categories": 9, "names": [], "known": {"job": ["a"]}})
