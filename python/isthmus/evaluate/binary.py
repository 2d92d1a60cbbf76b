"""One score against one label."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isthmus.evaluate import metrics

if TYPE_CHECKING:
    from rich.console import RenderableType

SUMMARY_NAMES = {
    "auc": "AUC",
    "ks": "KS",
    "top_decile_lift": "top-decile lift",
    "brier": "Brier score",
    "stability": "stability index",
}


@dataclass(frozen=True)
class BinaryReport:
    """What :func:`binary_report` found. Prints as a table, renders in a notebook, writes an HTML page."""

    rows: int
    positives: int
    auc: float
    ks: float
    ks_score: float  #: the score at which KS is reached
    brier: float | None  #: None when scores are not probabilities
    lift: tuple[metrics.LiftRow, ...]
    calibration: tuple[metrics.CalibrationRow, ...] | None
    stability: metrics.Stability | None  #: None without a reference
    curves: metrics.Curves = field(repr=False)
    labels: NDArray[np.int8] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)

    @property
    def base_rate(self) -> float:
        """Share of positives among all rows."""
        return self.positives / self.rows

    @property
    def top_decile_lift(self) -> float:
        """Response rate of the best-scored tenth over that of everybody."""
        return self.lift[0].lift

    @property
    def auc_standard_error(self) -> float:
        """How far the AUC may lie from that of all customers, by chance of who was scored.

        Ref  Hanley and McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982).
        """
        a, ones, zeros = self.auc, self.positives, self.rows - self.positives
        both, other = a / (2 - a) - a * a, 2 * a * a / (1 + a) - a * a
        variance = (a * (1 - a) + (ones - 1) * both + (zeros - 1) * other) / (ones * zeros)
        return float(np.sqrt(max(variance, 0.0)))

    def summary(self) -> dict[str, float]:
        """The headline figures by name."""
        figures = {"auc": self.auc, "ks": self.ks, "top_decile_lift": self.top_decile_lift}
        if self.brier is not None:
            figures["brier"] = self.brier
        if self.stability is not None:
            figures["stability"] = self.stability.value
        return figures

    def __rich__(self) -> RenderableType:
        """Render for a rich console."""
        from isthmus.evaluate.text import render

        return render(self)

    def __str__(self) -> str:
        from isthmus.evaluate.text import plain

        return plain(self)

    def _repr_html_(self) -> str:
        from isthmus.evaluate.page import notebook_html

        return notebook_html(self)

    def to_html(self, path: str | Path, *, title: str = "Score report") -> Path:
        """Write a self-contained HTML page and return its path."""
        from isthmus.evaluate.page import Entry, Fact, write_html

        facts = [Fact("rows", f"{self.rows:,}"), Fact("positives", f"{self.base_rate:.1%}")]
        facts += [Fact(SUMMARY_NAMES[name], f"{value:.4f}") for name, value in self.summary().items()]
        return write_html(path, [Entry("Curves", "evaluated", self)], title=title, facts=facts)


def binary_report(y: Any, score: Any, *, score_reference: Any = None) -> BinaryReport:
    """Evaluate a score against 0/1 labels.

    Parameters
    ----------
    y : array of 0 and 1
        What happened; any array or column of numbers or booleans.
    score : array of float
        Higher means more likely 1. Calibration needs probabilities; everything else needs only an order.
    score_reference : array of float, optional
        Scores of an earlier population, such as the training customers, for the stability index.

    Raises
    ------
    LabelError
        A label is missing or not 0 or 1 (``row`` says which), or only one class occurs.
    FeatureValue
        A score is not finite (``row`` says which).
    InvalidArgument
        Labels and scores differ in number.
    """
    from sklearn.metrics import brier_score_loss, roc_auc_score

    labels = metrics.validate_labels(y)
    scores = metrics.validate_scores(score, labels.size)
    traced = metrics.curves(labels, scores)
    ks, ks_score = metrics.ks_statistic(traced)
    calibration = metrics.calibration_table(labels, scores)
    stability = None
    if score_reference is not None:
        reference = metrics.validate_scores(score_reference, 0, "reference scores")
        stability = metrics.stability(reference, scores)
    return BinaryReport(
        rows=int(labels.size),
        positives=int(labels.sum()),
        auc=float(roc_auc_score(labels, scores)),
        ks=ks,
        ks_score=ks_score,
        brier=None if calibration is None else float(brier_score_loss(labels, scores)),
        lift=metrics.lift_table(labels, scores, traced),
        calibration=calibration,
        stability=stability,
        curves=traced,
        labels=labels,
        scores=scores,
    )
