"""Tables of different lengths (fault case 43): AlignmentError before anything is trained."""

import pytest

from isthmus import errors
from isthmus.protocol.alignment import align
from tests.protocol.cases import drive
from tests.protocol.conformance import run_pair


def refuse(rows_a, rows_b):
    with pytest.raises(errors.AlignmentError) as caught:
        drive(align(rows_a, 3, active=True), align(rows_b, 2, active=False))
    return str(caught.value)


@pytest.mark.parametrize(("rows_a", "rows_b"), [(100, 99), (99, 100), (0, 1), (1, 1 << 40)])
def test_row_counts_that_differ_are_refused(rows_a, rows_b):
    assert str(rows_a) in refuse(rows_a, rows_b)


def test_two_tables_without_columns_are_refused():
    refuse(None, None)


@pytest.mark.parametrize(("rows_a", "rows_b"), [(100, 100), (None, 100), (100, None)])
def test_a_table_without_columns_takes_the_peers_row_count(rows_a, rows_b):
    a, b = drive(align(rows_a, 3, active=True), align(rows_b, 2, active=False))
    assert (a.rows, b.rows) == (100, 100)
    assert a.shared_id == b.shared_id


@pytest.mark.parametrize("rows", [(1 << 26) + 1, 1 << 61])
def test_a_peers_row_count_is_bounded_before_anything_is_allocated(rows):
    with pytest.raises(errors.PeerValue, match="rows"):
        drive(align(None, 0, active=True), align(rows, 2, active=False))


def test_both_parties_end_without_a_result():
    outcomes = run_pair(align(100, 3, active=True), align(99, 2, active=False))
    assert any(isinstance(outcome.error, errors.AlignmentError) for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.result is None
        echoed = isinstance(outcome.error, errors.PeerFailed)
        assert isinstance(outcome.error, errors.AlignmentError) or (
            echoed and outcome.error.peer_code == errors.AlignmentError.code
        )
