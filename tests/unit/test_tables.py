"""Columns and files from every supported source."""

import os
import stat
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import errors, items, tables

FRAME = {"id": ["a", "b", "c"], "v": [1.5, 2.0, -3.0]}


SECRET = "13800138000"
MIXED = [5, SECRET]


def exporter(data, method):
    """An object with this one method of the Arrow PyCapsule interface and nothing else."""
    return type("Exporter", (), {method: lambda self, requested_schema=None: getattr(data, method)()})()


SOURCES = {
    "pyarrow": pa.table(FRAME),
    "batch": pa.record_batch(FRAME),
    "pandas": pd.DataFrame(FRAME),
    "polars": pl.DataFrame(FRAME),
    "mapping": FRAME,
    "exported-batch": exporter(pa.record_batch(FRAME), "__arrow_c_array__"),
    "exported-table": exporter(pa.table(FRAME), "__arrow_c_stream__"),
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
    "exported-array": exporter(pa.array(["a", "b", "c"]), "__arrow_c_array__"),
    "exported-stream": exporter(pa.chunked_array([["a"], ["b", "c"]]), "__arrow_c_stream__"),
}


def id_columns(ids):
    """The identifier columns, as psi reads them."""
    stream = tables.open_stream(ids)
    return pa.Table.from_batches(list(tables.key_batches(stream)), tables.key_schema(stream)).columns


@pytest.mark.parametrize("source", SOURCES)
def test_every_data_frame_becomes_the_same_table(source):
    table = tables.as_table(SOURCES[source])
    assert table.column_names == ["id", "v"]
    assert table.column("v").to_pylist() == FRAME["v"]


@pytest.mark.parametrize("source", TEXT_IDS)
def test_every_text_column_becomes_one_key_column(source):
    (column,) = id_columns(TEXT_IDS[source])
    assert isinstance(column, pa.ChunkedArray)
    assert column.to_pylist() == ["a", "b", "c"]
    assert str(column.type) in ("string", "large_string")


@pytest.mark.parametrize(
    "ids",
    [np.array([1, 2]), pd.Series([1, 2]), pl.Series([1, 2], dtype=pl.UInt32), pa.array([1, 2], pa.int8())],
)
def test_integer_identifiers_stay_integers(ids):
    (column,) = id_columns(ids)
    assert column.to_pylist() == [1, 2]
    assert pa.types.is_integer(column.type)


def test_bytes_identifiers_stay_bytes():
    (column,) = id_columns(np.array([b"a", b"bc"]))
    assert column.to_pylist() == [b"a", b"bc"]


@pytest.mark.parametrize("frame", [pa.table, pd.DataFrame, pl.DataFrame, dict])
def test_several_columns_are_a_composite_key(frame):
    columns = id_columns(frame({"bank": ["x", "y"], "number": [1, 2]}))
    assert [column.to_pylist() for column in columns] == [["x", "y"], [1, 2]]


@pytest.mark.parametrize(
    "ids",
    [
        np.array([1.0, 2.0]),
        [1.5],
        [True, False],
        {"a"},
        iter("ab"),
        7,
        np.zeros((2, 2), int),
        [["a"]],
        ["a", 1],
        {},
    ],
    ids=lambda ids: type(ids).__name__,
)
def test_what_cannot_be_an_identifier_is_refused(ids):
    with pytest.raises(errors.SchemaError):
        id_columns(ids)


@pytest.mark.parametrize("ids", [["a", None], pd.Series(["a", None]), pl.Series(["a", None])])
def test_a_missing_identifier_is_refused_with_its_row(ids):
    with pytest.raises(errors.IdEncoding) as caught:
        id_columns(ids)
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
    batches = list(tables.open_stream(path, columns=["v"]))
    assert pa.Table.from_batches(batches).to_pydict() == {"v": FRAME["v"]}


def test_text_columns_keep_leading_zeros(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("id,v\n00123,1\n00045,2\n")
    assert tables.read_table(path, text=["id"]).column("id").to_pylist() == ["00123", "00045"]
    (batch,) = tables.open_stream(path, text=["id"])
    assert batch.column("id").to_pylist() == ["00123", "00045"]


def test_batches_of_a_large_file_are_bounded(tmp_path):
    path = tmp_path / "large.csv"
    rows = 3_000_000
    with path.open("wb") as out:
        out.write(b"id\n")
        out.write(b"".join(b"%09d\n" % i for i in range(rows)))
    sizes = [batch.num_rows for batch in tables.open_stream(path, text=["id"])]
    assert sum(sizes) == rows
    assert max(sizes) <= 1 << 16


# --- streams -----------------------------------------------------------------------------------------------


def batches_of(data, **options):
    stream = tables.open_stream(data, **options)
    return pa.Table.from_batches(list(stream), schema=stream.schema)


STREAMED = {
    **SOURCES,
    "reader": SOURCES["pyarrow"].to_reader(),
    "category": pd.DataFrame({**FRAME, "id": pd.Categorical(FRAME["id"])}),
    "view": pa.table({"id": pa.array(FRAME["id"], pa.string_view()), "v": FRAME["v"]}),
}


@pytest.mark.parametrize("source", STREAMED)
def test_whatever_exports_arrow_is_a_stream(source):
    assert batches_of(STREAMED[source]).to_pydict() == FRAME


def test_columns_are_chosen_and_ordered():
    assert batches_of(SOURCES["polars"], columns=["v", "id"]).column_names == ["v", "id"]
    assert batches_of(np.arange(3)).to_pydict() == {"id": [0, 1, 2]}
    with pytest.raises(errors.SchemaError, match="income"):
        tables.open_stream(SOURCES["pandas"], columns=["income"])


def test_a_stream_starts_again_unless_its_source_cannot():
    stream = tables.open_stream(SOURCES["pandas"])
    assert [sum(batch.num_rows for batch in stream) for _ in range(2)] == [3, 3]
    once = tables.open_stream(SOURCES["pyarrow"].to_reader())
    assert sum(batch.num_rows for batch in once) == 3
    with pytest.raises(errors.InvalidArgument):
        list(once)


def write_numbered(path, rows, kind=str):
    """Write ``rows`` rows with the columns id and v; id is of the kind, v the row's number."""
    numbers = list(range(rows))
    tables.write_table(pa.table({"id": [kind(n) for n in numbers], "v": numbers}), path)
    return path


FORMATS = [".csv", ".csv.gz", ".parquet", ".pq", ".arrow", ".feather"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_streamed_in_bounded_batches_and_counted(tmp_path, suffix):
    path = write_numbered(tmp_path / f"data{suffix}", 200_000)
    stream = tables.open_stream(path, columns=["id"], text=["id"])
    assert stream.schema == pa.schema([("id", pa.string())])
    assert stream.total_rows in (None, 200_000) and stream.total_bytes == path.stat().st_size
    seen, positions = 0, []
    for batch in stream:
        assert batch.num_rows <= 1 << 16
        assert batch.column("id")[0].as_py() == str(seen)
        seen += batch.num_rows
        assert stream.rows == seen
        positions.append(stream.bytes_read)
    assert positions == sorted(positions) and positions[-1] <= stream.total_bytes
    assert stream.total_rows == 200_000


def test_an_arrow_stream_under_the_file_s_suffix_is_read(tmp_path):
    path = tmp_path / "data.arrow"
    with path.open("wb") as sink, pa.ipc.new_stream(sink, pa.table(FRAME).schema) as writer:
        writer.write_table(pa.table(FRAME))
    assert tables.read_table(path).to_pydict() == FRAME


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_identifiers_asked_for_as_text_are_text_whatever_the_format(tmp_path, suffix):
    path = write_numbered(tmp_path / f"data{suffix}", 3, kind=int)
    assert tables.read_table(path, text=["id"])["id"].to_pylist() == ["0", "1", "2"]
    assert batches_of(tables.read_table(path), text=["id"])["id"].to_pylist() == ["0", "1", "2"]
    # A column may be named as text without being read.
    assert tables.read_table(path, columns=["v"], text=["id"]).column_names == ["v"]


def test_key_batches_are_checked_and_count_their_rows():
    ids = pa.chunked_array([["a"] * 70_000, ["b", None]])
    with pytest.raises(errors.IdEncoding) as caught:
        list(tables.key_batches(tables.open_stream(pa.table({"id": ids}))))
    assert caught.value.row == 70_001
    with pytest.raises(errors.SchemaError, match="v is double"):
        tables.key_schema(tables.open_stream(FRAME))
    categories = tables.open_stream(STREAMED["category"], columns=["id"])
    assert tables.key_schema(categories).field("id").type in (pa.string(), pa.large_string())
    assert [batch.to_pydict() for batch in tables.key_batches(categories)] == [{"id": FRAME["id"]}]


def test_a_file_that_changes_between_passes_is_refused(tmp_path):
    path = write_numbered(tmp_path / "data.csv", 10)
    stream = tables.open_stream(path)
    list(stream)
    write_numbered(path, 11)
    with pytest.raises(errors.StorageError, match="changed"):
        list(stream)


def test_the_row_of_a_csv_file_is_an_editor_s(tmp_path):
    assert tables.open_stream(write_numbered(tmp_path / "data.csv", 2)).row_in_source(0) == 2
    assert tables.open_stream(write_numbered(tmp_path / "data.parquet", 2)).row_in_source(0) == 0


# --- rows in another order ---------------------------------------------------------------------------------


@pytest.mark.parametrize("out", FORMATS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", None])
def test_chosen_rows_are_written_in_the_order_asked_for(tmp_path, suffix, out):
    rows = np.random.default_rng(1).permutation(200_000)[:777]
    rows[5] = rows[6]
    source = pa.table({"id": [f"c{n}" for n in range(200_000)], "v": list(range(200_000))})
    if suffix is not None:
        tables.write_table(source, tmp_path / f"in{suffix}")
    tables.write_rows(tmp_path / f"in{suffix}" if suffix else source, rows, tmp_path / f"out{out}")
    found = tables.read_table(tmp_path / f"out{out}")
    assert found["v"].to_pylist() == rows.tolist()
    assert found["id"].to_pylist() == [f"c{n}" for n in rows]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"out{out}"] + ([f"in{suffix}"] if suffix else [])
    )


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 600),
    memory=st.sampled_from([1000, 10_000, 60_000, 1 << 20]),
    skew=st.booleans(),
)
def test_a_result_larger_than_the_budget_is_the_same(seed, count, memory, skew):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 1000, count)
    # Rows of very different length: the first ones say little about those that follow.
    text = ["x" * (n if skew else 20) for n in range(1000)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.arrow"
        table = pa.table({"": text, "v": range(1000)})
        tables.write_rows(table, rows, path, memory_bytes=memory)
        assert os.listdir(folder) == ["out.arrow"]
        if count:
            found = tables.read_table(path)
            assert found["v"].to_pylist() == rows.tolist()
            assert found[""].to_pylist() == [text[n] for n in rows]


def test_values_go_from_csv_to_csv_as_they_are(tmp_path):
    (tmp_path / "in.csv").write_text('id,amount,note\n007,1.10,"a ""b"", c"\n008,,x\n')
    tables.write_rows(tmp_path / "in.csv", np.array([1, 0]), tmp_path / "out.csv")
    read = tables.read_table(tmp_path / "out.csv", text=["id", "amount", "note"])
    assert read.to_pydict() == {"id": ["008", "007"], "amount": ["", "1.10"], "note": ["x", 'a "b", c']}


def test_a_csv_column_that_changes_its_type_far_into_the_file_gets_the_wider_type(tmp_path):
    rows = 500_000  # more than one block
    lines = [b"%08d,%d,%d,," % (n, n, n) for n in range(rows)]
    lines[-2] = b"x,1.5,none,7,later"
    (tmp_path / "in.csv").write_bytes(b"id,a,b,c,d\n" + b"\n".join(lines) + b"\n")
    tables.write_rows(tmp_path / "in.csv", np.array([rows - 2, 3]), tmp_path / "out.parquet", text=["id"])
    found = tables.read_table(tmp_path / "out.parquet").to_pylist()
    assert found[0] == {"id": "x", "a": 1.5, "b": "none", "c": 7, "d": "later"}
    assert found[1] == {"id": "00000003", "a": 3.0, "b": "3", "c": None, "d": ""}


def test_progress_reaches_the_end(tmp_path):
    seen = []
    path = write_numbered(tmp_path / "data.csv", 200_000)
    tables.write_rows(path, np.array([7]), tmp_path / "o.csv", on_progress=lambda *step: seen.append(step))
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    tables.write_rows(FRAME, np.array([2]), tmp_path / "o.csv", on_progress=lambda *step: seen.append(step))
    assert seen[-1] == (3, 3)


def test_no_rows_are_a_table_with_a_header(tmp_path):
    tables.write_rows(FRAME, np.array([], np.int64), tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text().split() == ['"id","v"']


@pytest.mark.parametrize(
    "read",
    [
        lambda: items.check_ids([MIXED]),
        lambda: tables.as_table({"id": MIXED}),
        lambda: items.encode_item([MIXED], 0),
    ],
)
def test_an_error_about_values_does_not_quote_them(read):
    with pytest.raises(errors.SchemaError) as caught:
        read()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_planted_partial_file_is_refused_not_written_into(tmp_path):
    planted = tmp_path / ".out.csv.partial"
    planted.touch()
    planted.chmod(0o666)
    with pytest.raises(errors.StorageError, match="its owner only"):
        tables.write_rows(FRAME, np.array([1]), tmp_path / "out.csv")
    planted.chmod(0o600)
    (tmp_path / "second-name").hardlink_to(planted)
    with pytest.raises(errors.StorageError, match="its owner only"):
        tables.write_rows(FRAME, np.array([1]), tmp_path / "out.csv")
    (tmp_path / "second-name").unlink()
    tables.write_rows(FRAME, np.array([1]), tmp_path / "out.csv")
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600


def test_rows_are_written_without_importing_pandas(tmp_path):
    pa.parquet.write_table(pa.table(FRAME), tmp_path / "in.parquet")
    script = """
import sys
import numpy as np
from isthmus import tables
tables.write_rows(sys.argv[1], np.array([2, 0]), sys.argv[2])
assert "pandas" not in sys.modules
"""
    files = [str(tmp_path / name) for name in ("in.parquet", "out.csv")]
    subprocess.run([sys.executable, "-c", script, *files], check=True, timeout=120)
