"""Report figures against scikit-learn and against counting by hand."""

import json
import re
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from sklearn.metrics import auc, roc_auc_score, roc_curve

import isthmus as ist
from isthmus.errors import FeatureValue, InvalidArgument, LabelError, StorageError
from isthmus.evaluate import Entry, Fact, Learned, StageRow, binary_report, write_html


def sample(n=3000, seed=7, ties=False):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(int)
    score = 1 / (1 + np.exp(-(1.3 * y - 1.6 + rng.normal(size=n))))
    return y, np.round(score, 1) if ties else score


@pytest.mark.parametrize("ties", [False, True])
def test_auc_and_ks_agree_with_scikit_learn(ties):
    y, score = sample(ties=ties)
    report = binary_report(y, score)
    false_rate, true_rate, _ = roc_curve(y, score, drop_intermediate=False)
    assert report.auc == roc_auc_score(y, score)
    assert report.ks == pytest.approx(np.max(true_rate - false_rate), abs=1e-12)
    area = auc(report.curves.false_positive_rate, report.curves.true_positive_rate)
    assert area == pytest.approx(report.auc, abs=1e-12)


def test_auc_standard_error_is_that_of_repeated_samples():
    areas = [roc_auc_score(*sample(n=400, seed=seed)) for seed in range(300)]
    assert binary_report(*sample(n=400, seed=300)).auc_standard_error == pytest.approx(
        np.std(areas), rel=0.25
    )


def test_lift_counts_by_hand():
    y, score = sample(1000)
    best = np.argsort(-score)[:100]
    first = binary_report(y, score).lift[0]
    assert first.positives == pytest.approx(y[best].sum())
    assert first.lift == pytest.approx(y[best].mean() / y.mean())
    assert first.lowest_score == score[best].min()


@given(st.integers(2, 200), st.integers(0, 10_000), st.integers(1, 5))
def test_lift_table_accounts_for_every_row_and_ignores_row_order(n, seed, levels):
    rng = np.random.default_rng(seed)
    y = np.append([0, 1], rng.integers(0, 2, n - 2))
    score = rng.integers(0, levels, n) / levels
    order = rng.permutation(n)
    report, shuffled = binary_report(y, score), binary_report(y[order], score[order])
    assert sum(row.rows for row in report.lift) == n
    assert sum(row.positives for row in report.lift) == pytest.approx(y.sum())
    assert report.lift[-1].cumulative_gain == pytest.approx(1)
    assert [row.lift for row in report.lift] == pytest.approx([row.lift for row in shuffled.lift])
    assert report.ks == pytest.approx(shuffled.ks)


def test_a_constant_score_has_no_lift():
    report = binary_report([0, 1] * 50, np.full(100, 0.5))
    assert (report.auc, report.ks) == (0.5, 0.0)
    assert [row.lift for row in report.lift] == pytest.approx([1.0] * 10)


def test_calibration_only_for_probabilities():
    y, score = sample()
    rows = binary_report(y, score).calibration
    assert sum(row.rows for row in rows) == y.size
    assert sum(row.rows * row.observed_rate for row in rows) == pytest.approx(y.sum())
    raw = binary_report(y, np.log(score) * 10)
    assert raw.calibration is None and raw.brier is None


def test_stability_is_zero_for_the_same_scores_and_grows_with_a_shift():
    y, score = sample()
    assert binary_report(y, score).stability is None
    same = binary_report(y, score, score_reference=score).stability
    moved = binary_report(y, score, score_reference=score * 0.5).stability
    assert same.value == pytest.approx(0, abs=1e-12) and same.verdict == "stable"
    assert moved.value > 0.25 and moved.verdict == "changed"


@pytest.mark.parametrize(
    "make", [list, np.array, pa.array, pd.Series, pl.Series, lambda v: pa.chunked_array([v])]
)
def test_any_column_will_do(make):
    y, score = sample(200)
    report = binary_report(make(y.tolist()), make(score.tolist()))
    assert report.auc == roc_auc_score(y, score)


@pytest.mark.parametrize(
    ("y", "row"),
    [
        ([0, 1, 2, 1], 2),
        ([0, 1, float("nan"), 1], 2),
        ([0, 0, 0, 0], None),
        ([1, 1, 1, 1], None),
        ([], None),
        ([[0, 1], [1, 0]], None),
        (["no", "yes", "no", "yes"], None),
        ([None, None, None, None], 0),
    ],
)
def test_bad_labels_are_refused(y, row):
    with pytest.raises(LabelError) as caught:
        binary_report(y, [0.1, 0.2, 0.3, 0.4][: len(y)])
    assert caught.value.code == "ERR_LABEL" and caught.value.row == row


@pytest.mark.parametrize(("bad", "row"), [(np.nan, 1), (np.inf, 1), (-np.inf, 1)])
def test_scores_must_be_finite(bad, row):
    with pytest.raises(FeatureValue) as caught:
        binary_report([0, 1, 1], [0.1, bad, 0.3])
    assert caught.value.row == row
    with pytest.raises(FeatureValue):
        binary_report([0, 1, 1], ["a", "b", "c"])
    with pytest.raises(InvalidArgument):
        binary_report([0, 1, 1], [0.1, 0.2])


def test_prints_as_a_table():
    y, score = sample()
    report = binary_report(y, score, score_reference=score)
    text = str(report)
    assert f"AUC {report.auc:.4f}" in text and "Lift by tenth" in text and "Calibration" in text
    assert "\x1b" not in text
    console = Console(file=StringIO(), width=120)
    console.print(report)
    assert "top-decile lift" in console.file.getvalue()
    assert "<table" in report._repr_html_()


class _Well(HTMLParser):
    """Collects open tags, so that a page that does not nest shows."""

    void = frozenset({"meta", "link", "br", "hr", "img"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_self_contained_and_well_formed(tmp_path):
    y, score = sample()
    entries = [
        Entry("Trees", kind, binary_report(y, score ** (k + 1)))
        for k, kind in enumerate(("alone", "federated", "pooled"))
    ]
    path = write_html(
        tmp_path / "report.html",
        entries,
        title="A <title> & more",
        facts=[Fact("rows", "3,000")],
        stages=[StageRow("align", 1.5, 1_000_000, 2_000_000, 3)],
        learned=[Learned("bank", "19 columns", ("<b>nothing</b> more",))],
        verdicts=["within 0.001"],
        citation="Somebody (2016)",
    )
    text = path.read_text(encoding="utf-8")
    page = _Well()
    page.feed(text)
    assert not page.open
    assert page.tags.count("svg") == 7  # six panels and the strip of AUCs
    assert "script" not in page.tags and "link" not in page.tags
    assert not [v for k, v in page.attributes if k in ("src", "href", "xlink:href") and not v.startswith("#")]
    assert "url(http" not in text and "@import" not in text
    assert "&lt;title&gt;" in text and "&lt;b&gt;nothing" in text and "<b>nothing" not in text
    assert not re.search(r"#0a0a\d\d", text)  # every stand-in colour became a CSS variable
    for part in ("Somebody (2016)", "within 0.001", "align", "2.00", "19 columns"):
        assert part in text
    assert list(tmp_path.iterdir()) == [path]


def test_one_report_writes_its_own_page(tmp_path):
    y, score = sample()
    report = ist.evaluate.binary_report(y, score)
    assert "Score report" in report.to_html(tmp_path / "one.html").read_text(encoding="utf-8")
    assert json.dumps(report.summary())


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path):
    y, score = sample()
    with pytest.raises(StorageError):
        binary_report(y, score).to_html(tmp_path / "missing" / "one.html")
    assert list(tmp_path.iterdir()) == []
