"""Columns and files from every supported source."""

import os
import stat

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus import errors, tables

FRAME = {"id": ["a", "b", "c"], "v": [1.5, 2.0, -3.0]}
SOURCES = {
    "pyarrow": pa.table(FRAME),
    "batch": pa.record_batch(FRAME),
    "pandas": pd.DataFrame(FRAME),
    "polars": pl.DataFrame(FRAME),
    "mapping": FRAME,
}
TEXT_IDS = {
    "list": ["a", "b", "c"],
    "numpy-unicode": np.array(["a", "b", "c"]),
    "numpy-object": np.array(["a", "b", "c"], dtype=object),
    "pandas": pd.Series(["a", "b", "c"]),
    "pandas-category": pd.Series(["a", "b", "c"], dtype="category"),
    "polars": pl.Series(["a", "b", "c"]),
    "polars-categorical": pl.Series(["a", "b", "c"], dtype=pl.Categorical),
    "array": pa.array(["a", "b", "c"]),
    "chunked": pa.chunked_array([["a"], ["b", "c"]]),
    "view": pa.array(["a", "b", "c"], type=pa.string_view()),
    "dictionary": pa.array(["a", "b", "c"]).dictionary_encode(),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_data_frame_becomes_the_same_table(source):
    table = tables.as_table(SOURCES[source])
    assert table.column_names == ["id", "v"]
    assert table.column("v").to_pylist() == FRAME["v"]


@pytest.mark.parametrize("source", TEXT_IDS)
def test_every_text_column_becomes_one_key_column(source):
    (column,) = tables.id_columns(TEXT_IDS[source])
    assert isinstance(column, pa.ChunkedArray)
    assert column.to_pylist() == ["a", "b", "c"]
    assert str(column.type) in ("string", "large_string")


@pytest.mark.parametrize(
    "ids",
    [np.array([1, 2]), pd.Series([1, 2]), pl.Series([1, 2], dtype=pl.UInt32), pa.array([1, 2], pa.int8())],
)
def test_integer_identifiers_stay_integers(ids):
    (column,) = tables.id_columns(ids)
    assert column.to_pylist() == [1, 2]
    assert pa.types.is_integer(column.type)


def test_bytes_identifiers_stay_bytes():
    (column,) = tables.id_columns(np.array([b"a", b"bc"]))
    assert column.to_pylist() == [b"a", b"bc"]


@pytest.mark.parametrize("frame", [pa.table, pd.DataFrame, pl.DataFrame, dict])
def test_several_columns_are_a_composite_key(frame):
    columns = tables.id_columns(frame({"bank": ["x", "y"], "number": [1, 2]}))
    assert [column.to_pylist() for column in columns] == [["x", "y"], [1, 2]]


@pytest.mark.parametrize(
    "ids",
    [np.array([1.0, 2.0]), [1.5], [True, False], "abc", 7, np.zeros((2, 2), int), [["a"]], ["a", 1], {}],
    ids=lambda ids: type(ids).__name__,
)
def test_what_cannot_be_an_identifier_is_refused(ids):
    with pytest.raises(errors.SchemaError):
        tables.id_columns(ids)


@pytest.mark.parametrize("ids", [["a", None], pd.Series(["a", None]), pl.Series(["a", None])])
def test_a_missing_identifier_is_refused_with_its_row(ids):
    with pytest.raises(errors.IdEncoding) as caught:
        tables.id_columns(ids)
    assert caught.value.row == 1


@pytest.mark.parametrize(
    "data",
    [
        np.array([[1, 2], [3, 4]], dtype=np.int32),
        np.asfortranarray([[1.0, 2.0], [3.0, 4.0]]),
        pa.table({"x0": pa.array([1, 3], pa.int8()), "x1": pa.array([2.0, 4.0], pa.float32())}),
        pd.DataFrame({"x0": [1, 3], "x1": [2.0, 4.0]}),
        pl.DataFrame({"x0": [1, 3], "x1": [2.0, 4.0]}),
    ],
    ids=["numpy-int", "numpy-fortran", "pyarrow", "pandas", "polars"],
)
def test_numeric_matrix_is_contiguous_float64(data):
    matrix, names = tables.numeric_matrix(data)
    assert names == ["x0", "x1"]
    assert matrix.dtype == np.float64
    assert matrix.flags.c_contiguous
    np.testing.assert_array_equal(matrix, [[1, 2], [3, 4]])


def test_numeric_matrix_accepts_booleans_constants_and_no_columns():
    matrix, _ = tables.numeric_matrix(pa.table({"flag": [True, False], "constant": [7, 7]}))
    np.testing.assert_array_equal(matrix, [[1, 7], [0, 7]])
    assert tables.numeric_matrix(np.empty((3, 0)))[0].shape == (3, 0)


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 1],
        [False, True, True],
        np.array([0.0, 1.0, 1.0]),
        pd.Series([0, 1, 1]),
        pl.DataFrame({"y": [0, 1, 1]}),
    ],
)
def test_binary_labels(y):
    labels = tables.binary_labels(y)
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_files_round_trip(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    tables.write_table(pa.table(FRAME), path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert tables.read_table(path).to_pydict() == FRAME
    assert tables.read_table(str(path), columns=["v", "id"]).column_names == ["v", "id"]
    batches = list(tables.iter_batches(path, columns=["v"]))
    assert pa.Table.from_batches(batches).to_pydict() == {"v": FRAME["v"]}


def test_text_columns_keep_leading_zeros(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("id,v\n00123,1\n00045,2\n")
    assert tables.read_table(path, text=["id"]).column("id").to_pylist() == ["00123", "00045"]
    (batch,) = tables.iter_batches(path, text=["id"])
    assert batch.column("id").to_pylist() == ["00123", "00045"]


def test_batches_of_a_large_file_are_bounded(tmp_path):
    path = tmp_path / "large.csv"
    rows = 3_000_000
    with path.open("wb") as out:
        out.write(b"id\n")
        out.write(b"".join(b"%09d\n" % i for i in range(rows)))
    sizes = [batch.num_rows for batch in tables.iter_batches(path, text=["id"])]
    assert sum(sizes) == rows
    assert max(sizes) <= (8 << 20) // 10 + 1
