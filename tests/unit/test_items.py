"""Identifier columns: canonical bytes, what is refused (fault cases 36 to 38), records, masking."""

import decimal
import hashlib
import unicodedata

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isthmus as ist
from isthmus import _core, items
from isthmus.errors import IdEncoding, InvalidArgument, PointInvalid, SchemaError

GROUP = ist.group("ristretto255")
DOMAIN = b"a run of the tests"
SEED = items.SecretSeed(b"\x07" * 32)


def field(tag, content):
    return bytes([tag]) + len(content).to_bytes(4, "big") + content


def model_item(values):
    """The canonical bytes by their definition."""
    item = b""
    for value in values:
        if isinstance(value, int):
            item += field(1, str(value).encode())
        else:
            item += field(2, value.encode() if isinstance(value, str) else value)
    return item


def clean(text):
    return unicodedata.normalize("NFC", text) == text and text.strip() == text and text.isprintable()


TEXT = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12).filter(clean)


# --- canonical bytes --------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(TEXT, st.integers(-(2**63), 2**63 - 1), st.binary(max_size=9)), min_size=1, max_size=9)
)
def test_items_are_their_definition(rows):
    columns = [list(column) for column in zip(*rows, strict=True)]
    for i, values in enumerate(rows):
        assert items.encode_item(columns, i) == model_item(values)


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


@pytest.mark.parametrize("kind", INTEGERS)
def test_integers_of_any_width_agree(kind):
    info = np.iinfo(kind)
    values = np.array([0, 1, 100, info.min, info.max], dtype=kind)
    for i, value in enumerate(values.tolist()):
        assert items.encode_item([values], i) == field(1, str(value).encode())


def test_text_and_binary_agree_and_integers_differ():
    as_text, as_bytes = (items.encode_item([pa.array([value])], 0) for value in ("7", b"7"))
    assert as_text == as_bytes != items.encode_item([pa.array([7])], 0)


def test_composite_keys_cannot_collide():
    columns = [["ab", "a", "a,b", "a"], ["c", "bc", "c", "b,c"]]
    assert len({items.encode_item(columns, i) for i in range(4)}) == 4
    assert items.encode_item([["ab"]], 0) != items.encode_item([["a"], ["b"]], 0)


SAME_COLUMN = [
    pa.array(["anna", "björn", "李雷"]),
    pa.array(["anna", "björn", "李雷"], pa.large_string()),
    pa.array(["anna", "björn", "李雷"], pa.string_view()),
    pa.array(["anna", "björn", "李雷"]).dictionary_encode(),
    pa.array([text.encode() for text in ("anna", "björn", "李雷")], pa.large_binary()),
    pa.array([text.encode() for text in ("anna", "björn", "李雷")], pa.binary_view()),
    pa.array(["x", "anna", "björn", "李雷", "y"]).slice(1, 3),
    pa.chunked_array([["anna"], [], ["björn", "李雷"]]),
    np.array(["anna", "björn", "李雷"]),
    np.array(["anna", "björn", "李雷"], dtype=object),
    pd.Series(["anna", "björn", "李雷"]),
    pd.Series(["anna", "björn", "李雷"], dtype="category"),
    pl.Series(["anna", "björn", "李雷"]),
    pl.Series(["anna", "björn", "李雷"], dtype=pl.Categorical),
    ["anna", "björn", "李雷"],
]


@pytest.mark.parametrize("column", SAME_COLUMN, ids=lambda column: type(column).__module__)
def test_every_container_gives_the_same_items(column):
    assert [items.encode_item([column], i) for i in range(3)] == [
        model_item([text]) for text in ("anna", "björn", "李雷")
    ]


def test_fixed_size_binary_is_binary():
    assert items.encode_item([pa.array([b"ab", b"cd"], pa.binary(2))], 1) == field(2, b"cd")


# --- refusals ---------------------------------------------------------------------------------------------

BAD_TEXT = {
    "null": None,
    "empty": "",
    "NUL": "an\0na",
    "trailing NUL": "anna\0",
    "byte order mark": "\ufeffanna",
    "inner byte order mark": "an\ufeffna",
    "trailing space": "anna ",
    "leading space": " anna",
    "only spaces": "  ",
    "trailing no-break space": "anna\u00a0",
    "leading ideographic space": "\u3000anna",
    "trailing em space": "anna\u2003",
    "line break": "anna\n",
    "tab": "\tanna",
    "carriage return": "anna\r",
    "delete": "an\x7fna",
    "C1 control": "an\x85na",
    "too long": "a" * 65536,
    "one megabyte": "a" * 1_000_000,
    "not NFC": "bjo\u0308rn",
    "not NFC singleton": "\u212bngstrom",
}


@pytest.mark.parametrize("why", BAD_TEXT)
@pytest.mark.parametrize("at", [0, 1500, 2999])
def test_unusable_text_is_refused_with_its_row(why, at):
    values = [f"customer {i} å" for i in range(3000)]
    values[at] = BAD_TEXT[why]
    for column in (pa.array(values), pa.chunked_array([values[:700], values[700:]])):
        with pytest.raises(IdEncoding) as caught:
            items.check_ids([column])
        assert (caught.value.row, caught.value.code) == (at, "ERR_ID_ENCODING")
        assert "anna" not in str(caught.value)


MALFORMED = {
    "no lead byte": b"\xff",
    "overlong NUL": b"\xc0\x80",
    "overlong two": b"\xc1\xbf",
    "overlong three": b"\xe0\x80\x80",
    "surrogate": b"\xed\xa0\x80",
    "overlong four": b"\xf0\x80\x80\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "lead F5": b"\xf5\x80\x80\x80",
    "stray continuation": b"a\x80",
    "cut after one": b"\xe4",
    "cut after two": b"\xe4\xbd",
    "cut after three": b"\xf0\x9f\x98",
    "Latin-1": "Müller".encode("latin-1"),
    "GBK": "李雷".encode("gbk"),
}


def unchecked_text(values):
    """A text column with these bytes, as a careless producer hands it over."""
    binary = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(binary), binary.buffers())


@pytest.mark.parametrize("why", MALFORMED)
def test_text_that_is_not_utf8_is_refused(why):
    bad = MALFORMED[why]
    with pytest.raises(IdEncoding, match="UTF-8") as caught:
        items.check_ids([unchecked_text([b"fine", bad, b"fine"])])
    assert caught.value.row == 1
    items.check_ids([pa.array([b"fine", bad, b"fine"])])  # as binary it is just bytes


@given(st.binary(min_size=1, max_size=6))
def test_utf8_is_judged_as_python_judges_it(data):
    column = unchecked_text([b"a" + data + b"z"])
    try:
        text = (b"a" + data + b"z").decode()
    except UnicodeDecodeError:
        with pytest.raises(IdEncoding):
            items.check_ids([column])
    else:
        if clean(text):
            items.check_ids([column])


@given(st.text(min_size=1, max_size=6))
def test_white_space_is_judged_as_python_judges_it(text):
    if "\ufeff" in text or any(unicodedata.category(c) == "Cc" for c in text):
        return
    if unicodedata.normalize("NFC", text) != text:
        return
    if text.strip() == text:
        items.check_ids([[text]])
    else:
        with pytest.raises(IdEncoding, match="white space"):
            items.check_ids([[text]])


def test_the_longest_field_passes_and_the_message_counts_columns():
    items.check_ids([["a" * 65535]])
    items.check_ids([["x", "y"], ["", "z"]])  # a part of a composite key may be empty
    with pytest.raises(IdEncoding, match="key column 1") as caught:
        items.check_ids([["x", "y"], ["z", "z "]])
    assert caught.value.row == 1
    with pytest.raises(IdEncoding) as caught:
        items.check_ids([["x", ""], ["", ""]])
    assert caught.value.row == 1


OTHER_TYPES = [
    [1.5],
    [True],
    [decimal.Decimal("1.0")],
    [[1]],
    np.array(["2024-01-01"], dtype="datetime64[D]"),
    [1, "a"],
    [object()],
]


@pytest.mark.parametrize("column", OTHER_TYPES, ids=lambda column: type(column[0]).__name__)
def test_other_column_types_are_refused(column):
    with pytest.raises(SchemaError):
        items.check_ids([column])


def test_no_columns_or_unequal_columns_are_refused():
    for columns in ([], [["a"], ["b", "c"]]):
        with pytest.raises(SchemaError):
            items.check_ids(columns)


def test_the_native_layer_refuses_layouts_it_cannot_read():
    for array in (pa.array([1.5]), pa.array(["a"]).dictionary_encode(), pa.array([True])):
        with pytest.raises(InvalidArgument):
            _core.items.Columns([[array.__arrow_c_array__()]])
    with pytest.raises(InvalidArgument):
        _core.items.Columns([])
    with pytest.raises(ValueError, match="PyCapsule"):
        _core.items.Columns([[(object(), object())]])


# --- records ----------------------------------------------------------------------------------------------


def digests_of(columns):
    records, _ = items.item_records(columns, SEED)
    return records[:, 1:5].copy().view(np.uint8)


def test_a_record_holds_the_digest_of_the_item_and_its_row():
    rows = [("a", 1), ("b", 2), ("a", 1)]
    columns = [pa.chunked_array([["a"], ["b", "a"]]), np.array([1, 2, 1], np.int8)]
    records, _ = items.item_records(columns, SEED, first_row=7)
    assert records.shape == (3, 6)
    assert [bytes(digest) for digest in digests_of(columns)] == [
        hashlib.sha256(model_item(row)).digest() for row in rows
    ]
    assert records[:, 5].tolist() == [7, 8, 9]
    assert records[0, :5].tolist() == records[2, :5].tolist() != records[1, :5].tolist()


def test_the_order_depends_on_the_seed_and_the_fingerprint_on_the_rows():
    column = [np.arange(100)]
    (one, print_one), (two, print_two) = (items.item_records(column, s) for s in (SEED, items.SecretSeed()))
    assert not set(one[:, 0].tolist()) & set(two[:, 0].tolist())
    assert print_one != print_two
    parts = [items.item_records([np.arange(a, b)], SEED, first_row=a) for a, b in ((0, 30), (30, 100))]
    assert sum(fingerprint for _, fingerprint in parts) % 2**64 == print_one
    assert items.item_records([np.arange(100)[::-1]], SEED)[1] != print_one


def test_any_thread_count_gives_the_same_records():
    column, results = pa.array([f"id-{i}" for i in range(3000)]), set()
    try:
        for threads in (1, 2, 3):
            _core.system.set_thread_count(threads)
            records, fingerprint = items.item_records([column], SEED)
            results.add((records.tobytes(), fingerprint, _core.records.sort(records).tobytes()))
    finally:
        _core.system.set_thread_count(0)
    assert len(results) == 1


def test_records_are_refused_with_the_row_of_the_whole_table():
    for bad in ("trailing ", unicodedata.normalize("NFD", "é")):
        with pytest.raises(IdEncoding) as caught:
            items.item_records([pa.array(["x", bad])], SEED, first_row=10)
        assert caught.value.row == 11


def test_a_seed_is_32_bytes_and_says_nothing():
    assert items.SecretSeed(bytes(32)).reveal() == bytes(32)
    assert items.SecretSeed().reveal() != items.SecretSeed().reveal()
    assert "00" not in repr(items.SecretSeed(bytes(32)))
    with pytest.raises(InvalidArgument):
        items.SecretSeed(bytes(31))


# --- masking ----------------------------------------------------------------------------------------------


def test_masking_is_hashing_then_multiplying():
    scalar = GROUP.derive_scalar(SEED)
    digests = digests_of([np.arange(200)])
    dst = b"isthmus-item-v2-" + GROUP.suite.encode() + b"-" + DOMAIN
    expected = GROUP.scalar_mult(scalar, GROUP.hash_to_group([bytes(digest) for digest in digests], dst=dst))
    assert np.array_equal(items.mask_digests(digests, scalar, domain=DOMAIN), expected)


def test_two_parties_meet_on_common_items():
    a, b = GROUP.random_scalar(), GROUP.random_scalar()
    mine = items.mask_digests(digests_of([pa.array(["x", "y", "z"])]), a, domain=DOMAIN)
    theirs = items.mask_digests(digests_of([pl.Series(["z", "w", "x"])]), b, domain=DOMAIN)
    doubled = [row.tobytes() for row in items.mask_points(mine, b)]
    peers = [row.tobytes() for row in items.mask_points(theirs, a)]
    assert [x in peers for x in doubled] == [True, False, True]


def test_the_domain_separates_runs():
    scalar, digests = GROUP.random_scalar(), digests_of([["x"]])
    one, two = (items.mask_digests(digests, scalar, domain=domain) for domain in (b"run 1", b"run 2"))
    assert not np.array_equal(one, two)


def test_a_seed_gives_each_group_its_scalar():
    assert np.array_equal(
        *(items.mask_points(GROUP.hash_to_group([b"x"], b"d"), GROUP.derive_scalar(SEED)) for _ in range(2))
    )


def test_empty_columns_give_empty_results():
    no_chunks = pa.chunked_array([], pa.int64())
    for column in (pa.array([], pa.string()), no_chunks, [], np.array([], dtype=np.uint8)):
        items.check_ids([column])
        records, fingerprint = items.item_records([column], SEED)
        assert (records.shape, fingerprint) == ((0, 6), 0)
    assert items.mask_digests(digests_of([[]]), GROUP.random_scalar(), domain=DOMAIN).shape == (0, 32)


def test_masking_refuses():
    scalar = GROUP.random_scalar()
    with pytest.raises(InvalidArgument):
        items.mask_digests(digests_of([["x"]]), scalar, domain=b"")
    with pytest.raises(InvalidArgument):
        items.mask_digests(np.zeros((1, 31), dtype=np.uint8), scalar, domain=DOMAIN)
    with pytest.raises(PointInvalid) as caught:
        items.mask_points(np.zeros((1, 32), dtype=np.uint8), scalar)
    assert caught.value.row == 0
