"""Identifiers and parameters that psi.intersect must refuse (fault cases 36 to 38 and 44)."""

from __future__ import annotations

import contextlib
import logging
import unicodedata

import numpy as np
import pyarrow as pa
import pytest

from isthmus import errors, psi
from isthmus.party import run_in_memory
from isthmus.tables import open_stream

CANARY = "zq7canary"
GOOD = [CANARY, "b", "c"]


def outcomes(ids_a, ids_b, options_a=None, options_b=None):
    """Run both parties; return each one's result or error."""

    found = {}

    def party(name, ids, options):
        def work(session):
            try:
                found[name] = psi.intersect(session, ids, **{"role": "both", **(options or {})})
            except errors.IsthmusError as error:
                assert CANARY not in str(error)
                found[name] = error
                raise

        return work

    with contextlib.suppress(errors.IsthmusError):
        run_in_memory({"bank": party("bank", ids_a, options_a), "fund": party("fund", ids_b, options_b)})
    return found["bank"], found["fund"]


@pytest.mark.parametrize(
    ("ids", "kind", "row"),
    [
        ([], errors.EmptyInput, None),
        ([2**70, 5], errors.SchemaError, None),
        (pa.table({"id": pa.array([], pa.string())}), errors.EmptyInput, None),
        (["a", None], errors.IdEncoding, 1),
        ([CANARY, "b", CANARY], errors.DuplicateId, 2),
        (pa.table({"x": ["1", "1"], "y": [2, 2]}), errors.DuplicateId, 1),
        (pa.Array.from_buffers(pa.string(), 2, pa.array([b"ok", b"\xff"]).buffers()), errors.IdEncoding, 1),
        (np.array([1.5, 2.5]), errors.SchemaError, None),
        ([1, "a"], errors.SchemaError, None),
    ],
    ids=[
        "none",
        "beyond-64-bits",
        "no-rows",
        "missing",
        "duplicate",
        "duplicate-key",
        "not-utf8",
        "float",
        "mixed",
    ],
)
def test_unusable_identifiers_end_both_parties_without_a_result(ids, kind, row):
    mine, peers = outcomes(ids, GOOD)
    assert type(mine) is kind
    assert mine.row == row
    assert isinstance(peers, errors.PeerFailed | errors.PeerGone)


def test_duplicates_keep_their_first_row_when_asked_to():
    ids = ["b", CANARY, "b", "c", CANARY]
    mine, peers = outcomes(ids, GOOD, {"duplicates": "first"}, {"duplicates": "error"})
    assert [ids[i] for i in mine.indices] == [GOOD[i] for i in peers.indices]
    assert sorted(mine.indices) == [0, 1, 3]
    assert (mine.duplicates, peers.duplicates) == (2, 0)
    assert peers.peer_size == 3  # the peer does not learn that there were duplicates


@pytest.mark.parametrize(("a", "b"), [([], GOOD), (GOOD, []), ([], []), (["x"], ["y"])])
def test_empty_results_are_valid_where_the_minimum_allows_them(a, b):
    for result in outcomes(pa.array(a, pa.string()), pa.array(b, pa.string()), *[{"min_result": 0}] * 2):
        assert result.size == 0
        assert result.indices.tolist() == []


@pytest.mark.parametrize(
    ("role_a", "role_b"), [("both", "both"), ("receiver", "sender"), ("sender", "receiver")]
)
@pytest.mark.parametrize(("ids", "minimum"), [(["x", "y"], 1), (["b", "c", "y"], 3)])
def test_a_small_result_is_refused_to_both_with_the_same_words(role_a, role_b, ids, minimum):
    mine, peers = outcomes(
        GOOD, ids, {"role": role_a, "min_result": minimum}, {"role": role_b, "min_result": minimum}
    )
    assert type(mine) is type(peers) is errors.ResultTooSmall
    assert str(mine) == str(peers)


@pytest.mark.parametrize(
    ("ids", "options", "named"),
    [
        (GOOD, {"min_result": 2}, "min_result"),
        ([1, 2], {}, "key"),
        (pa.table({"x": GOOD, "y": GOOD}), {}, "key"),
        (GOOD, {"role": "receiver"}, "learn"),
        (GOOD, {"normalize": "trim"}, "normalize"),
    ],
    ids=["minimum", "kind-of-key", "number-of-fields", "who-learns", "canonical-form"],
)
def test_parties_with_different_parameters_stop_before_any_identifier_is_sent(ids, options, named):
    found = outcomes(GOOD, ids, None, options)
    refusals = [error for error in found if isinstance(error, errors.ParameterMismatch)]
    assert refusals
    assert all(named in str(error) for error in refusals)
    # Whoever compares second may hear of it from the other.
    echoes = [error for error in found if error not in refusals]
    assert all(error.peer_code == errors.ParameterMismatch.code for error in echoes)


@pytest.mark.parametrize(
    "options", [{"role": "observer"}, {"duplicates": "last"}, {"min_result": -1}, {"protocol": "rsa"}]
)
def test_an_unknown_choice_is_refused(options):
    mine, _ = outcomes(GOOD, GOOD, options)
    assert type(mine) is errors.InvalidArgument


@pytest.mark.parametrize(
    "text",
    [unicodedata.normalize("NFD", "é"), "\ufeffb", "c\0", "a ", " a", "a\n", "x" * 70_000, ""],
    ids=["nfd", "bom", "nul", *"12345"],
)
def test_text_that_would_silently_fail_to_match_is_refused_with_its_row(text):
    mine, _ = outcomes(["good", text], GOOD)
    assert type(mine) is errors.IdEncoding
    assert mine.row == 1


E_COMPOSED = unicodedata.normalize("NFC", "é")
E_DECOMPOSED = unicodedata.normalize("NFD", "é")


@pytest.mark.parametrize(
    ("normalize", "mine", "theirs"),
    [
        ("nfkc", E_DECOMPOSED, E_COMPOSED),
        ("lower", E_DECOMPOSED.upper(), E_COMPOSED),
        ("trim", "a \t", "a"),
        ("trim", "\u3000a\u00a0", " a"),
        ("nfkc,trim", "\uff21\u00a0", "A"),
        ("nfkc,casefold,trim", " \ufb01sh ", "FISH"),
        ("nfkc,digits:86", "\uff0b86 138-0013-8000", "(138) 0013.8000"),
        ("trim", "x" * 65_535 + " " * 1_000_000, "x" * 65_535),
    ],
)
def test_what_a_declared_form_makes_equal_matches(normalize, mine, theirs):
    """Fault case 37, with declared normalisation; the parties' columns may have different names."""
    tables = pa.table({"p": [mine, "1"], "n": [1, 2]}), pa.table({"q": ["2", theirs], "m": [3, 1]})
    a, b = outcomes(*tables, {"normalize": {"p": normalize}}, {"normalize": {"q": normalize}})
    assert (a.indices.tolist(), b.indices.tolist()) == ([0], [1])


@pytest.mark.parametrize("normalize", ["trim", "trim,lower,nfkc", "digits"])
@pytest.mark.parametrize(
    "text",
    ["\ufeff1", "1\0", "1\x7f1", "x" * 1_000_000, "1" * 1_000_000, " ", "\u3000\u00a0"],
    ids=["bom", "nul", "control", "long", "long-number", "blank", "wide-blank"],
)
def test_what_no_declared_form_repairs_is_refused_with_its_row(normalize, text):
    mine, _ = outcomes(["1", "2", text], GOOD, *[{"normalize": normalize}] * 2)
    assert type(mine) is errors.IdEncoding
    assert mine.row == 2


def test_identifiers_that_become_equal_are_duplicates():
    mine, _ = outcomes(["A", "b", "a "], GOOD, *[{"normalize": "lower,trim"}] * 2)
    assert type(mine) is errors.DuplicateId
    assert mine.row == 2


def test_a_file_is_opened_by_who_knows_its_columns(tmp_path):
    (tmp_path / "ids.csv").write_text("v,id\n1,b\n2,x\n")
    assert type(outcomes(str(tmp_path / "ids.csv"), GOOD)[0]) is errors.SchemaError
    mine, _ = outcomes(open_stream(tmp_path / "ids.csv", columns=["id"], text=["id"]), GOOD)
    assert mine.indices.tolist() == [0]


def test_a_file_without_rows_is_an_empty_set_where_the_minimum_allows_it(tmp_path):
    (tmp_path / "ids.csv").write_text("id,v\n")
    ids = open_stream(tmp_path / "ids.csv", columns=["id"], text=["id"])
    mine, peers = outcomes(ids, GOOD, *[{"min_result": 0}] * 2)
    assert (mine.size, mine.indices.tolist(), peers.size, peers.peer_size) == (0, [], 0, 0)
    assert type(outcomes(ids, GOOD)[0]) is errors.EmptyInput


def test_logs_and_audit_records_hold_no_identifier(caplog):
    caplog.set_level(logging.DEBUG)
    records = []

    def party(ids):
        def work(session):
            psi.intersect(session, ids, role="both")
            records.extend(session.audit)

        return work

    run_in_memory({"bank": party(GOOD), "fund": party(GOOD)})
    outcomes([CANARY, CANARY], GOOD)
    assert records
    assert CANARY not in caplog.text
    assert CANARY not in str(records)
