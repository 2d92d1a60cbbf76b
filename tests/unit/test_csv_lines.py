"""CSV files whose values hold line breaks and other bytes, where they are not read or only copied."""

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus import errors, tables
from isthmus.tables.csv_files import BLOCK_BYTES
from isthmus.tables.csv_lines import LineCounter


def counted(content, block):
    """Return a counter that has read a file in blocks of some size."""
    source = io.BytesIO(content)
    counter = LineCounter(source)
    while counter.read(block):
        pass
    return counter


@given(
    content=st.text(alphabet='",\n\rab', max_size=20).map(str.encode),
    block=st.integers(1, 6),
    rows=st.none() | st.integers(0, 6),
)
def test_where_blocks_end_does_not_matter(content, block, rows):
    assert counted(content, block).unclosed(rows) == counted(content, 100).unclosed(rows)


@given(
    values=st.lists(st.tuples(*[st.text(alphabet='",\n\rab', max_size=6)] * 2), min_size=1, max_size=6),
    block=st.integers(1, 40),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_no_well_formed_file_is_refused(values, block, quoting, mark):
    text = io.StringIO()
    csv.writer(text, quoting=quoting).writerows(values)
    assert counted((mark + text.getvalue()).encode(), block).unclosed(len(values)) is None


def test_a_byte_order_mark_before_a_quoted_header_is_dropped(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b'\xef\xbb\xbf"id","note"\n1,"a\nb"\n2,c\n')
    assert sum(batch.num_rows for batch in tables.open_stream(path, columns=["id"])) == 2


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_line_break_in_a_value_is_kept_where_a_block_ends_in_it(tmp_path, shift):
    head, row = b"id,note\na,", b'b,"x'
    filler = b"x" * (BLOCK_BYTES + shift - 2 - len(head) - len(row)) + b"\n"
    path = tmp_path / "in.csv"
    path.write_bytes(head + filler + row + b'\r\ny"\n')
    assert path.read_bytes()[BLOCK_BYTES + shift - 1 :].startswith(b"\r\n")
    tables.write_rows(path, np.array([1]), tmp_path / "out.csv", text=["id"])
    assert (tmp_path / "out.csv").read_bytes() == b'"id","note"\n"b","x\r\ny"\n'


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b'id,v\na,"x\nb,"zq7canary\nc,z\n', 2),
        (b'id,v\na,1\nb,"x\nc,""\nd,"zq7canary"\n', 3),
        (b'id,v\na,"x\ny"\nb,zq7"canary\n', 3),
        (b'id,v\na,1\nb,"zq7canary\n', 3),
        (b'id,v\na,1\nb,"zq7canary' + b",\n" * 2_000_000, 3),
    ],
    ids=["closed-by-the-next", "after-a-doubled-one", "within-a-value", "at-the-end", "longer-than-a-block"],
)
def test_an_unclosed_quote_is_found_in_columns_that_are_not_read(tmp_path, content, row):
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    for read in (
        lambda: list(tables.open_stream(path, columns=["id"])),
        lambda: tables.write_rows(path, np.array([0]), tmp_path / "o.csv"),
    ):
        with pytest.raises(errors.CsvError) as caught:
            read()
        assert caught.value.row == row and "zq7canary" not in str(caught.value)
    assert [found.name for found in tmp_path.iterdir()] == ["data.csv"]


def test_a_quote_within_a_value_is_part_of_it_where_no_value_holds_a_line_break(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b'id,v\na,5" pipe\n\nb,"x"\n')
    assert tables.read_table(path)["v"].to_pylist() == ['5" pipe', "x"]


def test_any_bytes_go_from_csv_to_csv(tmp_path):
    """Line breaks, other character sets and doubled quotes, at the ends of blocks too."""
    note = b'"one\ntwo\r\n""\xe9\x00""' + b"x" * 999 + b'"'
    lines = [b"c%05d,%s,\xff%d" % (n, note, n) for n in range(5000)]
    (tmp_path / "in.csv").write_bytes(b"id,note,v\n" + b"\n".join(lines))
    rows = np.array([4999, 0, 2500])
    tables.write_rows(tmp_path / "in.csv", rows, tmp_path / "out.csv", text=["id"])
    wanted = [b'"c%05d",%s,"\xff%d"\n' % (n, note, n) for n in rows.tolist()]
    assert (tmp_path / "out.csv").read_bytes() == b'"id","note","v"\n' + b"".join(wanted)
    assert sum(batch.num_rows for batch in tables.open_stream(tmp_path / "in.csv", columns=["id"])) == 5000


def test_a_row_that_no_block_holds_is_refused(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"id,note\na,1\nb," + b"x" * (2 * BLOCK_BYTES) + b"\nc,2\n")
    with pytest.raises(errors.CsvError, match="longer than 2 MiB"):
        list(tables.open_stream(path, columns=["id"]))


def test_a_csv_column_that_is_no_text_is_one_of_bytes_in_other_formats(tmp_path):
    rows = 500_000  # more than one block
    lines = [b"c%05d,note\n" % n for n in range(rows - 1)]
    (tmp_path / "in.csv").write_bytes(b"id,note\n" + b"".join(lines) + b'last,"\xe9\n"\n')
    tables.write_rows(tmp_path / "in.csv", np.array([rows - 1, 0]), tmp_path / "out.parquet", text=["id"])
    found = tables.read_table(tmp_path / "out.parquet")
    assert found.to_pydict() == {"id": ["last", "c00000"], "note": [b"\xe9\n", b"note"]}


def test_bytes_stand_in_a_csv_file_as_they_are(tmp_path):
    kinds = (pa.binary(), pa.large_binary(), pa.binary(2))
    columns = {str(kind): pa.array([b"\xff\n", None, b"ab"], kind) for kind in kinds}
    tables.write_rows(pa.table(columns), np.array([1, 0]), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().endswith(b',,\n"\xff\n","\xff\n","\xff\n"\n')
