"""Canonical forms of identifiers: what becomes equal, what is refused, and that nothing changes twice."""

from __future__ import annotations

import sys
import traceback
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isthmus import errors
from isthmus.psi.canonical import Rule, canonical_batches, parse_rules

RULES = [
    "trim",
    "casefold",
    "nfkc",
    "trim,casefold",
    "trim,nfkc",
    "nfkc,casefold",
    "trim,lower,nfkc",
    "digits",
    "nfkc,trim,digits",
    "digits:86",
    "digits:1",
]
TEXT = pa.schema([("id", pa.string())])


def rule(text: str) -> Rule:
    return parse_rules(text, TEXT)[0]


def canonical(text: str, *values: str) -> list[str]:
    return rule(text).apply(pa.array(values, pa.string())).to_pylist()


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("trim", "  Ab c \t\r\n", "Ab c"),
        ("trim", "\u00a0\u3000é\u2009", "é"),
        ("trim", "\x1cA\x1f", "A"),
        ("casefold", "ABC ß", "abc ss"),
        ("lower", "STRASSE", "strasse"),
        ("lower", "ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("casefold", "E\u0301", "é"),
        ("nfkc", "ＡＢＣ１２３", "ABC123"),
        ("nfkc", "e\u0301", "é"),
        ("nfkc,trim", "\u00a0x\u00a0", "x"),
        ("trim,lower,nfkc", "\u3000Ｊöhn ＤＯＥ ", "jöhn doe"),
        ("trim,lower,nfkc", "\u1e9e", "ss"),
        ("digits", "+86 138-0013-8000", "8613800138000"),
        ("digits", "(0)30/12.34", "0301234"),
        ("digits:86", "+86 138-0013-8000", "13800138000"),
        ("digits:86", "0086 138 0013 8000", "13800138000"),
        ("digits:86", "13800138000", "13800138000"),
        ("digits:86", "8613800138000", "8613800138000"),
        ("digits:86", "+1 (212) 555-0100", "0012125550100"),
        ("digits:39", "+39 06 123", "06123"),
        ("nfkc,digits:86", "＋８６１３８", "138"),
    ],
)
def test_what_becomes_what(text, value, expected):
    assert canonical(text, value) == [expected]
    # Beside text that is not ASCII, and beside text that is.
    assert canonical(text, "1", value, "2")[1] == expected
    if "digits" not in text:
        assert canonical(text, "ж", value)[1] == expected


SHAPES = [text for text in RULES if "digits" not in text]
DIGITS = [text for text in RULES if "digits" in text]


@pytest.mark.parametrize("text", SHAPES)
def test_every_character_that_unicode_has_gets_a_form_that_stays(text):
    characters = [
        chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs")
    ]
    assert len(characters) > 280_000
    once = rule(text).apply(pa.array([f"x{c}x{c}\u0301" for c in characters]))
    assert rule(text).apply(once).equals(once)


@pytest.mark.parametrize("text", SHAPES)
@settings(max_examples=60)
@given(values=st.lists(st.text(st.characters(exclude_categories=["Cn", "Cs"]), max_size=8), max_size=8))
@example(values=["\u0345\u0301\u1fb3", "\u0390\u0345", "\u1e9e\u0307", "\u00b4a"])
def test_what_is_canonical_stays(text, values):
    values = [value for value in values if value.strip()]
    once = canonical(text, *values) if values else []
    assert canonical(text, *once) == once
    if "nfkc" in text or "casefold" in text:
        assert all(unicodedata.is_normalized("NFC", value) for value in once)
    if "trim" in text:
        assert all(value == value.strip() for value in once)


@pytest.mark.parametrize("text", DIGITS)
@given(value=st.text("01286+ ()-./", min_size=1, max_size=16))
def test_a_number_s_canonical_form_is_digits_and_stays(text, value):
    try:
        (once,) = canonical(text, value)
    except errors.IdEncoding:
        return
    assert once.isdecimal()
    assert canonical(text, once) == [once]


@pytest.mark.parametrize(
    "value", ["12a", "1+2", "++1", "", " ", "+", "-", "１", "\u0661", "1\n", "1\u00a0", "tel:1"]
)
@pytest.mark.parametrize("text", ["digits", "digits:86"])
def test_what_is_no_number_is_refused_with_its_row(text, value):
    with pytest.raises(errors.IdEncoding) as caught:
        canonical(text, "1", "2", value)
    assert caught.value.row == 2
    assert "1" not in caught.value.args[0]


@pytest.mark.parametrize("value", ["+86", "0086", "+8600138", "000138", "+0138", "00"])
def test_a_number_that_could_be_read_in_two_ways_is_refused(value):
    with pytest.raises(errors.IdEncoding):
        canonical("digits:86", value)


@pytest.mark.parametrize(("text", "value"), [("trim", " \t"), ("trim", "\u3000"), ("nfkc,trim", "\u00a0")])
def test_what_nothing_is_left_of_is_refused_with_its_row(text, value):
    batches = [pa.record_batch({"id": column}) for column in (["a", "é"], ["b", value])]
    with pytest.raises(errors.IdEncoding, match="empty after normalisation") as caught:
        list(canonical_batches(batches, [rule(text)]))
    assert caught.value.row == 3


def test_a_character_that_unicode_lacks_is_refused_with_its_row():
    for text in ("nfkc", "casefold"):
        with pytest.raises(errors.IdEncoding) as caught:
            canonical(text, "a", "é", "\u0378")
        assert caught.value.row == 2
    assert canonical("trim", "\u0378 ") == ["\u0378"]


@pytest.mark.parametrize("text", ["trim", "nfkc", "casefold", "digits"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_what_is_no_utf_8_is_refused_with_its_row_and_not_quoted(text, kind):
    wide = pa.large_binary() if kind == pa.large_string() else pa.binary()
    column = pa.array([b"1", "é".encode(), None, b"13800138000\xff"], wide).view(kind)
    with pytest.raises(errors.IdEncoding, match="UTF-8") as caught:
        rule(text).apply(column.slice(2), 7)
    assert caught.value.row == 8
    assert "13800138000" not in "".join(traceback.format_exception(caught.value))


def test_large_text_empty_text_and_no_rows():
    column = pa.array([" Ä ", "", " b"], pa.large_string())
    assert rule("trim,lower").apply(column).to_pylist() == ["ä", "", "b"]
    assert rule("trim,lower").apply(column).type == pa.large_string()
    assert canonical("trim,lower,nfkc") == []


def test_batches_keep_their_other_columns():
    schema = pa.schema([("phone", pa.string()), ("number", pa.int64()), ("name", pa.large_string())])
    batch = pa.record_batch([["+1 2"], [7], pa.array([" X"], pa.large_string())], schema=schema)
    rules = parse_rules({"phone": "digits", "name": "trim"}, schema)
    assert [str(rule) for rule in rules] == ["digits", "", "trim"]
    (found,) = canonical_batches([batch], rules)
    assert found.to_pylist() == [{"phone": "12", "number": 7, "name": "X"}]


@pytest.mark.parametrize(
    ("text", "agreed"),
    [
        ("trim,lower,nfkc", "nfkc,casefold,trim"),
        (" NFKC , Casefold,lower", "nfkc,casefold"),
        ("digits:86,trim", "trim,digits:86"),
        ("", ""),
    ],
)
def test_rules_that_mean_the_same_read_the_same(text, agreed):
    assert str(rule(text)) == agreed


@pytest.mark.parametrize("text", ["upper", "digits:0", "digits:1234", "digits:x", "trim:1", "nfkc;trim"])
def test_an_unknown_step_is_refused(text):
    with pytest.raises(errors.InvalidArgument):
        rule(text)


def test_a_rule_for_what_is_not_there_or_not_text_is_refused():
    with pytest.raises(errors.SchemaError, match="names phone; the key columns are id"):
        parse_rules({"phone": "trim"}, TEXT)
    with pytest.raises(errors.SchemaError, match="id is int64"):
        parse_rules("trim", pa.schema([("id", pa.int64())]))
