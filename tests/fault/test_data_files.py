"""Malformed files, columns, features and labels (fault cases 36, 37, 39 to 42): typed errors without data."""

import functools
import gzip
import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus import errors, tables

CANARY = "zq7canary"


def refuses(error, call, *, row=None):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.code == error.code
    assert caught.value.row == row
    assert CANARY not in str(caught.value)
    return str(caught.value)


def csv_file(folder, content):
    path = folder / "data.csv"
    path.write_bytes(content)
    return path


READERS = {
    "whole": tables.read_table,
    "batches": lambda path, **options: list(tables.open_stream(path, **options)),
}
reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())


@reader
def test_a_file_without_bytes_is_empty_input(tmp_path, read):
    path = csv_file(tmp_path, b"")
    refuses(errors.EmptyInput, lambda: read(path))


@pytest.mark.parametrize("content", [b"id,v", b"id,v\n", b"id,v\r\n", b"\xef\xbb\xbfid,v\n", b"id,v\n\n\n"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_csv_file_without_rows_is_an_empty_stream_and_no_whole_table(tmp_path, content, compress):
    path = tmp_path / ("data.csv" if compress is bytes else "data.csv.gz")
    path.write_bytes(compress(content))
    refuses(errors.EmptyInput, lambda: tables.read_table(path))
    stream = tables.open_stream(path, text=["id"])
    assert (list(stream), stream.schema.names, stream.total_rows) == ([], ["id", "v"], 0)
    tables.write_rows(path, np.empty(0, np.int64), tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text() == '"id","v"\n'


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_table_without_rows_is_an_empty_stream_and_no_whole_table(tmp_path, suffix):
    path = tmp_path / f"empty{suffix}"
    tables.write_table(pa.table({"id": pa.array([], pa.string())}), path)
    refuses(errors.EmptyInput, lambda: tables.read_table(path))
    assert sum(batch.num_rows for batch in tables.open_stream(path)) == 0


@reader
@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"id,v\na,1\nzq7canary,2,3\nc,3\n", 3),
        (b"id,v\na,1\nzq7canary\n", 3),
        (b'id,v\na,1\n"zq7canary,2\nc,3\n', 3),
        (b'id,v\na,1\nb,2\nc,"zq7canary\nd,3\n', 4),
        (b'id,v\na,1\nc,"zq7canary\n', 3),
        (b'id,v\n"zq7\ncanary",1\n', 2),
    ],
    ids=[
        "long-row",
        "short-row",
        "unclosed-quote",
        "unclosed-quote-swallows-rows",
        "unclosed-at-end",
        "line-break",
    ],
)
def test_a_malformed_row_is_a_csv_error_with_its_row(tmp_path, read, content, row):
    path = csv_file(tmp_path, content)
    refuses(errors.CsvError, lambda: read(path), row=row)


@reader
@pytest.mark.parametrize("ends", [b"\n\n\n", b"\r\n\r\n\r\n", b"\r\n\n\r\n", b"\n\r\n"])
def test_any_line_ends_are_accepted(tmp_path, read, ends):
    lines = [b"id,v", b"a,1", b"b,2"]
    breaks = [end + b"\n" for end in ends.split(b"\n")]
    path = csv_file(tmp_path, b"".join(line + end for line, end in zip(lines, breaks, strict=False)))
    found = read(path)
    table = found if isinstance(found, pa.Table) else pa.Table.from_batches(found)
    assert table.to_pydict() == {"id": ["a", "b"], "v": [1, 2]}


@reader
def test_a_row_far_into_a_large_file_is_found(tmp_path, read):
    rows = [b"%08d,%d" % (i, i) for i in range(1_500_000)]
    rows[1_200_000] = b"zq7canary"
    path = csv_file(tmp_path, b"id,v\n" + b"\n".join(rows) + b"\n")
    refuses(errors.CsvError, lambda: read(path, text=["id"]), row=1_200_002)


@reader
def test_text_that_is_not_utf8_is_refused_with_its_row(tmp_path, read):
    path = csv_file(tmp_path, b"id,v\na,1\nzq7canary\xff,2\n")
    refuses(errors.IdEncoding, lambda: read(path, text=["id"]), row=3)


@reader
def test_other_text_that_is_not_utf8_is_refused(tmp_path, read):
    path = csv_file(tmp_path, b"id,name\na,x\nb,zq7canary\xff\n")
    refuses(errors.IdEncoding, lambda: read(path))


@reader
def test_a_utf16_file_is_a_csv_error(tmp_path, read):
    path = csv_file(tmp_path, "id,v\na,1\n".encode("utf-16"))
    with pytest.raises(errors.CsvError):
        read(path)


@reader
def test_a_byte_order_mark_is_dropped(tmp_path, read):
    path = csv_file(tmp_path, b"\xef\xbb\xbfid\na\n")
    read(path, columns=["id"])


@reader
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_missing_columns_are_listed(tmp_path, read, suffix):
    path = tmp_path / f"data{suffix}"
    tables.write_table(pa.table({"id": ["a"], "v": [1]}), path)
    message = refuses(errors.SchemaError, lambda: read(path, columns=["id", "income", "age"]))
    assert "income, age" in message


@reader
def test_columns_of_the_same_name_are_refused(tmp_path, read):
    path = csv_file(tmp_path, b"id,id\na,1\n")
    refuses(errors.SchemaError, lambda: read(path))


@reader
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_damaged_file_is_a_decode_error(tmp_path, read, suffix):
    path = tmp_path / f"data{suffix}"
    tables.write_table(pa.table({"id": ["a"] * 100}), path)
    path.write_bytes(path.read_bytes()[:-20])
    refuses(errors.DecodeError, lambda: read(path))


@reader
def test_what_is_not_a_regular_file_is_a_path_error(tmp_path, read):
    os.mkfifo(tmp_path / "fifo.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("fifo.csv", "folder.csv", "absent.csv"):
        refuses(errors.PathError, lambda name=name: read(tmp_path / name))
    (tmp_path / "data.xlsx").write_bytes(b"x")
    assert ".csv" in refuses(errors.PathError, lambda: read(tmp_path / "data.xlsx"))


def test_a_refused_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "out.csv"
    tables.write_table(pa.table({"id": ["old"]}), path)
    before = path.read_bytes()
    nested = pa.table({"id": [["csv has no lists"]]})
    refuses(errors.SchemaError, lambda: tables.write_table(nested, path))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["out.csv"]
    refuses(
        errors.StorageError, lambda: tables.write_table(pa.table({"id": ["a"]}), tmp_path / "no" / "x.csv")
    )
    refuses(errors.PathError, lambda: tables.write_table(pa.table({"id": ["a"]}), "/dev/null/x.xlsx"))
    (tmp_path / "link.csv").symlink_to(path)
    refuses(errors.PathError, lambda: tables.write_table(pa.table({"id": ["a"]}), tmp_path / "link.csv"))


FRAMES = {"pyarrow": pa.table, "pandas": pd.DataFrame, "polars": pl.DataFrame}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["age"], "missing: income"),
        (["age", "income", "extra"], "extra: extra"),
        (["income", "age"], "in another order"),
        (["age", "salary"], "missing: income; extra: salary"),
    ],
    ids=["missing", "extra", "reordered", "renamed"],
)
def test_columns_that_differ_from_the_model_are_listed(frame, names, found):
    data = frame({name: [1.0, 2.0] for name in names})
    message = refuses(errors.SchemaError, lambda: tables.numeric_matrix(data, ["age", "income"]))
    assert found in message


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES.keys())
def test_a_feature_of_another_type_is_a_schema_error(frame):
    data = frame({"age": [1.0, 2.0], "income": [CANARY, "b"]})
    assert "income" in refuses(errors.SchemaError, lambda: tables.numeric_matrix(data))


def test_arrays_of_another_shape_or_type_are_schema_errors():
    refuses(errors.SchemaError, lambda: tables.numeric_matrix(np.zeros(3)))
    refuses(errors.SchemaError, lambda: tables.numeric_matrix(np.array([["1"]])))
    refuses(errors.SchemaError, lambda: tables.numeric_matrix(np.zeros((2, 3)), ["age", "income"]))
    refuses(errors.SchemaError, lambda: tables.numeric_matrix(object()))
    refuses(errors.SchemaError, lambda: tables.as_table({"a": [1], "b": [1, 2]}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e308, -1e17, None])
@pytest.mark.parametrize("frame", [*FRAMES.values(), None], ids=[*FRAMES.keys(), "numpy"])
def test_a_bad_feature_value_is_refused_with_its_row(frame, value):
    if frame is None:
        data = np.array([[1.0, 2.0], [3.0, np.nan if value is None else value]])
    else:
        data = frame({"age": [1.0, 3.0], "income": [2.0, value]})
    message = refuses(errors.FeatureValue, lambda: tables.numeric_matrix(data), row=1)
    assert ("x1" if frame is None else "income") in message


def test_an_empty_number_in_a_csv_file_is_refused_with_its_row(tmp_path):
    path = csv_file(tmp_path, b"age,income\n1,2\n3,\n")
    refuses(errors.FeatureValue, lambda: tables.numeric_matrix(tables.read_table(path)), row=1)


def test_features_without_rows_are_empty_input():
    refuses(errors.EmptyInput, lambda: tables.numeric_matrix(np.zeros((0, 3))))


@pytest.mark.parametrize(
    ("y", "row"),
    [
        ([0, 1, 2], 2),
        ([-1, 1], 0),
        ([0.0, 0.5, 1.0], 1),
        ([0, None, 1], 1),
        ([0.0, 1.0, np.nan], 2),
        ([1, 1, 1], None),
        ([0, 0], None),
        ([None, None], None),
        ([np.nan, np.nan], None),
        (["0", "1"], None),
    ],
)
@pytest.mark.parametrize("column", [pd.Series, pl.Series, pa.array], ids=["pandas", "polars", "pyarrow"])
def test_bad_labels_are_refused(column, y, row):
    refuses(errors.LabelError, lambda: tables.binary_labels(column(y)), row=row)


def test_no_labels_are_empty_input():
    refuses(errors.EmptyInput, lambda: tables.binary_labels(np.array([], dtype=int)))


# --- compressed and large files ----------------------------------------------------------------------------


@reader
@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: b"id,v\na,1\n", lambda data: data + b"trailing"],
    ids=["truncated", "not-gzip", "trailing"],
)
def test_a_damaged_compressed_file_is_a_decode_error(tmp_path, read, damage):
    path = tmp_path / "data.csv.gz"
    text = "id,v\n" + "".join(f"customer-{n},{n}\n" for n in range(100_000))
    path.write_bytes(damage(gzip.compress(text.encode())))
    refuses(errors.DecodeError, lambda: read(path))


@reader
def test_rows_of_a_compressed_file_are_counted(tmp_path, read):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"id,v\na,1\nzq7canary\n"))
    refuses(errors.CsvError, lambda: read(path), row=3)


@reader
def test_what_the_kernel_makes_up_is_no_file(read, tmp_path):
    (tmp_path / "maps.csv").symlink_to("/proc/self/maps")
    refuses(errors.PathError, lambda: read(tmp_path / "maps.csv"))


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


ROWS = np.arange(50_000, dtype=np.int64)[::-1].copy()
WIDE = pa.table({"id": [f"customer-{n:08d}" for n in range(50_000)], "v": ROWS})


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".arrow"])
@pytest.mark.parametrize("memory_bytes", [100_000, 1 << 30], ids=["spilled", "in-memory"])
def test_a_full_disk_is_a_storage_error_and_leaves_no_file(tmp_path, suffix, memory_bytes):
    """Fault case 49, with a limit on the size of files in place of the disk's."""
    out = tmp_path / f"out{suffix}"
    tables.write_table(pa.table({"id": ["old"]}), out)
    before = out.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        refuses(errors.StorageError, lambda: tables.write_rows(WIDE, ROWS, out, memory_bytes=memory_bytes))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert out.read_bytes() == before
    assert files_in(tmp_path) == [out.name]


def test_an_input_that_breaks_off_leaves_no_output(tmp_path):
    csv_file(tmp_path, b"id,v\na,1\nzq7canary\n")
    refuses(
        errors.CsvError, lambda: tables.write_rows(tmp_path / "data.csv", ROWS, tmp_path / "o.csv"), row=3
    )
    assert files_in(tmp_path) == ["data.csv"]


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        (pa.list_(pa.int64()), ".csv"),
        (pa.struct([("a", pa.int64())]), ".csv"),
        (pa.timestamp("us", "Nowhere/Town"), ".csv.gz"),
        (pa.month_day_nano_interval(), ".parquet"),
    ],
    ids=str,
)
def test_a_type_without_a_place_in_the_output_is_found_beforehand(tmp_path, kind, suffix):
    tables.write_table(pa.table({"id": ["a"], "more": pa.nulls(1, kind)}), tmp_path / "in.arrow")
    for out in (f"o{suffix}", "o.arrow"):
        check = functools.partial(tables.check_rows_writable, tmp_path / "in.arrow", tmp_path / out)
        if out == "o.arrow":
            check()
        else:
            assert "column more is" in refuses(errors.SchemaError, check)
    assert files_in(tmp_path) == ["in.arrow"]


@pytest.mark.parametrize("row", [-1, 3, 2**40])
def test_a_row_that_the_table_lacks_is_refused(tmp_path, row):
    table = pa.table({"id": ["a", "b", "c"]})
    refuses(errors.InvalidArgument, lambda: tables.write_rows(table, np.array([0, row]), tmp_path / "o.csv"))
    assert files_in(tmp_path) == []


def test_an_output_that_is_no_regular_file_is_a_path_error(tmp_path):
    os.mkfifo(tmp_path / "o.csv")
    refuses(errors.PathError, lambda: tables.write_rows(WIDE, ROWS, tmp_path / "o.csv"))


WRITER = """
import os, sys, time
import pyarrow as pa
from isthmus import tables
from isthmus.tables.writing import open_writer
with open_writer(sys.argv[1], pa.schema([("id", pa.string())])) as writer:
    print("open", flush=True)
    time.sleep(60)
"""


def test_two_writers_of_one_file_and_what_a_killed_one_leaves(tmp_path):
    out = tmp_path / "out.csv"
    with subprocess.Popen([sys.executable, "-c", WRITER, out], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"open\n"
        refuses(errors.StorageError, lambda: tables.write_table(WIDE, out))
        other.kill()
    assert len(files_in(tmp_path)) == 1
    tables.write_table(WIDE, out)
    assert files_in(tmp_path) == ["out.csv"]
