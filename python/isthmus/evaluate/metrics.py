"""The figures behind a report, each a function of validated arrays.

Where scores tie, every figure is the mean over all orders of the tied rows, so that none depends on the order
in which rows happen to stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import FeatureValue, InvalidArgument, LabelError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LiftRow:
    """One tenth of the customers, best scores first."""

    band: int
    rows: int
    lowest_score: float
    positives: float  #: mean over all orders of tied rows, hence not always whole
    response_rate: float
    lift: float  #: response rate of the band over that of everybody
    cumulative_gain: float  #: share of all positives in this band and those before it
    cumulative_lift: float


@dataclass(frozen=True)
class CalibrationRow:
    """Rows of similar score: what was predicted, and what happened."""

    rows: int
    mean_score: float
    observed_rate: float


@dataclass(frozen=True)
class Stability:
    """Population stability index of the scores against a reference: sum (a - e) ln(a / e) over bands.

    Customary reading: below 0.10 stable, below 0.25 watch, above changed.
    """

    value: float
    reference_shares: Floats
    shares: Floats

    @property
    def verdict(self) -> str:
        """The customary word for the value."""
        return "stable" if self.value < 0.10 else "watch" if self.value < 0.25 else "changed"


@dataclass(frozen=True)
class Curves:
    """Points of the curves, one per distinct score, from the highest score to the lowest."""

    contacted: Floats  #: share of all rows at or above the score
    false_positive_rate: Floats
    true_positive_rate: Floats  #: also the cumulative gain
    thresholds: Floats


def validate_labels(y: Any) -> NDArray[np.int8]:
    """Return labels as 0 and 1; LabelError unless every one is, and both classes occur."""
    raw = np.asarray(y)
    if raw.ndim != 1:
        raise LabelError(f"labels must be one column, not an array of shape {raw.shape}")
    try:
        values = raw.astype(np.float64)
    except (TypeError, ValueError):
        raise LabelError("labels must be the numbers 0 and 1") from None
    wrong = np.flatnonzero((values != 0) & (values != 1))
    if wrong.size:
        raise LabelError("labels must be 0 or 1, without missing values", row=int(wrong[0]))
    if values.size == 0 or values.min() == values.max():
        raise LabelError("labels hold a single class; both 0 and 1 are needed")
    return values.astype(np.int8)


def validate_scores(score: Any, rows: int, what: str = "scores") -> Floats:
    """Return finite scores as float64; FeatureValue names the first row that is not."""
    try:
        values = np.asarray(score).astype(np.float64)
    except (TypeError, ValueError):
        raise FeatureValue(f"{what} must be numbers") from None
    if values.ndim != 1:
        raise InvalidArgument(f"{what} must be one column, not an array of shape {values.shape}")
    if rows and values.size != rows:
        raise InvalidArgument(f"{values.size} {what} for {rows} labels")
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise FeatureValue(f"{what} must be finite", row=int(wrong[0]))
    return values


def curves(y: NDArray[np.int8], score: Floats) -> Curves:
    """Trace the counts of rows, positives and negatives down the scores, one point per distinct score."""
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], y[order].astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    rows = np.append(0.0, last + 1.0)
    positives = np.append(0.0, np.cumsum(hits)[last])
    negatives = rows - positives
    return Curves(
        contacted=rows / rows[-1],
        false_positive_rate=negatives / negatives[-1],
        true_positive_rate=positives / positives[-1],
        thresholds=np.append(np.inf, ranked[last]),
    )


def ks_statistic(traced: Curves) -> tuple[float, float]:
    """Return the largest gap between true and false positive rate, and the score where it occurs."""
    gap = traced.true_positive_rate - traced.false_positive_rate
    best = int(np.argmax(np.abs(gap)))
    return float(abs(gap[best])), float(traced.thresholds[best])


def lift_table(y: NDArray[np.int8], score: Floats, traced: Curves, bands: int = 10) -> tuple[LiftRow, ...]:
    """Cut the customers into equal bands, best scores first."""
    n, total = y.size, float(y.sum())
    ranked = np.sort(score)[::-1]
    edges = np.round(np.linspace(0, n, bands + 1)).astype(int)
    gain = np.interp(edges / n, traced.contacted, traced.true_positive_rate)
    table = []
    for band in range(bands):
        start, stop = edges[band], edges[band + 1]
        if start == stop:
            continue
        positives = (gain[band + 1] - gain[band]) * total
        rate = positives / (stop - start)
        table.append(
            LiftRow(
                band=band + 1,
                rows=int(stop - start),
                lowest_score=float(ranked[stop - 1]),
                positives=float(positives),
                response_rate=float(rate),
                lift=float(rate / (total / n)),
                cumulative_gain=float(gain[band + 1]),
                cumulative_lift=float(gain[band + 1] / (stop / n)),
            )
        )
    return tuple(table)


def calibration_table(
    y: NDArray[np.int8], score: Floats, bands: int = 10
) -> tuple[CalibrationRow, ...] | None:
    """Compare predicted with observed rates over bands of equal size; None for scores outside [0, 1]."""
    if score.min() < 0 or score.max() > 1:
        return None
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, bands) if part.size]
    return tuple(CalibrationRow(p.size, float(score[p].mean()), float(y[p].mean())) for p in parts)


def stability(reference: Floats, score: Floats, bands: int = 10) -> Stability:
    """Compare two score distributions over the reference's quantile bands.

    An empty band counts as half a row, so that the index stays finite.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, bands + 1)[1:-1]))

    def shares(values: Floats) -> Floats:
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1)
        floored = np.maximum(counts, 0.5)
        return np.asarray(floored / floored.sum(), dtype=np.float64)

    expected, actual = shares(reference), shares(score)
    value = float(np.sum((actual - expected) * np.log(actual / expected)))
    return Stability(value, expected, actual)
