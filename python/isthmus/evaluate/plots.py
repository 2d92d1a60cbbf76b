"""The page's plots: matplotlib draws them, the page's style sheet colours them.

Each colour below is a stand-in that becomes a CSS variable in the SVG, so that one drawing serves a light
screen, a dark screen and paper.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from isthmus.evaluate.binary import BinaryReport

INK, MUTED, GRID, PAPER = "#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04"
ALONE, FEDERATED, POOLED = "#0a0a11", "#0a0a12", "#0a0a13"
POSITIVE, NEGATIVE = "#0a0a21", "#0a0a22"
_VARIABLES = {
    **{INK: "--ink", MUTED: "--muted", GRID: "--grid", PAPER: "--paper"},
    **{ALONE: "--alone", FEDERATED: "--federated", POOLED: "--pooled"},
    **{POSITIVE: "--positive", NEGATIVE: "--negative"},
}
#: How a curve of each kind is drawn. Kinds differ in dash as well as colour, for black-and-white print.
STYLES: dict[str, dict[str, Any]] = {
    "alone": {"color": ALONE, "linewidth": 1.5, "dashes": (1.2, 1.2), "zorder": 3},
    "pooled": {"color": POOLED, "linewidth": 3.6, "alpha": 0.45, "zorder": 2},
    "federated": {"color": FEDERATED, "linewidth": 1.6, "zorder": 4},
    "evaluated": {"color": FEDERATED, "linewidth": 1.8, "zorder": 4},
}
Series = Sequence[tuple[str, "BinaryReport"]]
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "isthmus",
    "font.size": 8.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.8,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def draw(paint: Callable[[Axes], None], width: float = 3.5, height: float = 2.7) -> str:
    """Run ``paint`` on fresh axes and return the drawing as an ``<svg>`` element; sizes are inches."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _adopt(buffer.getvalue())


def _adopt(svg: str) -> str:
    """Turn a stand-alone SVG file into an element that takes its colours and typeface from the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="(?:figure|axes|patch|text|line2d|matplotlib\.axis|xtick|ytick)_\d+"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font: \1px var(--sans)", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"\n\s*", "\n", svg)


def _percent(axes: Axes, *, x: bool = True, y: bool = True) -> None:
    from matplotlib.ticker import PercentFormatter

    for wanted, axis in ((x, axes.xaxis), (y, axes.yaxis)):
        if wanted:
            axis.set_major_formatter(PercentFormatter(1, decimals=0))


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    axes.set_xticks(np.linspace(0, 1, 5))
    axes.set_yticks(np.linspace(0, 1, 5))
    _percent(axes)


def _on_grid(x: Any, y: Any, points: int = 240) -> tuple[Any, Any]:
    """Resample a monotone curve, so that a page does not hold a point per customer."""
    at = np.unique(np.concatenate([np.linspace(0, 1, points), np.linspace(0, 0.05, 40)]))
    return at, np.interp(at, x, y)


def roc(axes: Axes, series: Series) -> None:
    """True against false positive rate."""
    axes.plot([0, 1], [0, 1], color=GRID, linewidth=1)
    for kind, report in series:
        c = report.curves
        axes.plot(*_on_grid(c.false_positive_rate, c.true_positive_rate), **STYLES[kind])
    _unit_square(axes)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")


def gains(axes: Axes, series: Series) -> None:
    """Share of all positives found against share of customers contacted."""
    base = series[0][1].base_rate
    axes.fill_between([0, base, 1], [0, 1, 1], [0, base, 1], color=GRID, alpha=0.35, linewidth=0)
    for kind, report in series:
        c = report.curves
        axes.plot(*_on_grid(c.contacted, c.true_positive_rate), **STYLES[kind])
    _unit_square(axes)
    axes.set(xlabel="customers contacted, best first", ylabel="positives found")


def lift(axes: Axes, series: Series) -> None:
    """Lift of each tenth: bars for the last series, marks for the others."""
    axes.axhline(1, color=MUTED, linewidth=0.8, zorder=1)
    kind, main = series[-1]
    axes.bar(
        [row.band for row in main.lift],
        [row.lift for row in main.lift],
        width=0.72,
        color=STYLES[kind]["color"],
        alpha=0.85,
    )
    for kind, report in series[:-1]:
        for row in report.lift:
            axes.plot(
                [row.band - 0.42, row.band + 0.42],
                [row.lift, row.lift],
                **{**STYLES[kind], "linewidth": 2, "zorder": 5, "alpha": 1},
            )
    axes.grid(axis="x", visible=False)
    axes.set_xticks(range(1, len(main.lift) + 1))
    axes.set(xlabel="tenth of customers, best first", ylabel="lift", ylim=(0, None))


def ks(axes: Axes, report: BinaryReport) -> None:
    """Both classes' cumulative shares down the scores, and the widest gap between them."""
    c = report.curves
    gap = np.abs(c.true_positive_rate - c.false_positive_rate)
    best = int(np.argmax(gap))
    axes.plot(*_on_grid(c.contacted, c.true_positive_rate), color=POSITIVE, linewidth=1.8)
    axes.plot(*_on_grid(c.contacted, c.false_positive_rate), color=NEGATIVE, linewidth=1.8)
    at = c.contacted[best]
    low, high = sorted((c.false_positive_rate[best], c.true_positive_rate[best]))
    axes.plot([at, at], [low, high], color=INK, linewidth=1.2, marker="_", markersize=7)
    note = f"KS {report.ks:.3f}"
    halo = {"boxstyle": "square,pad=0.15", "facecolor": PAPER, "edgecolor": "none"}
    axes.annotate(note, (at, (low + high) / 2), (6, 0), textcoords="offset points", va="center", bbox=halo)
    _unit_square(axes)
    axes.set(xlabel="customers, best first", ylabel="share of class")


def distributions(axes: Axes, report: BinaryReport) -> None:
    """Histograms of the scores of both classes, each of area one."""
    edges = np.linspace(report.scores.min(), report.scores.max(), 41)
    for label, colour in ((0, NEGATIVE), (1, POSITIVE)):
        values = report.scores[report.labels == label]
        axes.hist(values, bins=edges.tolist(), density=True, color=colour, alpha=0.55, linewidth=0)
    axes.grid(axis="x", visible=False)
    axes.set_yticks([])
    axes.set(xlabel="score", ylabel="density", xlim=(edges[0], edges[-1]))


def calibration(axes: Axes, report: BinaryReport) -> None:
    """Observed against predicted rates; a perfect score lies on the diagonal."""
    rows = report.calibration
    assert rows is not None
    top = max(max(r.mean_score, r.observed_rate) for r in rows) * 1.06
    axes.plot([0, top], [0, top], color=MUTED, linewidth=0.8)
    predicted, observed = [r.mean_score for r in rows], [r.observed_rate for r in rows]
    axes.plot(predicted, observed, color=FEDERATED, marker="o", markersize=4.5, linewidth=1.2)
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="predicted rate", ylabel="observed rate")
    _percent(axes)


def auc_strip(axes: Axes, rows: Sequence[tuple[str, Series]]) -> None:
    """One line per model: AUC alone, federated and pooled."""
    markers = {"alone": "o", "pooled": "o", "federated": "D", "evaluated": "D"}
    sizes = {"alone": 8, "pooled": 13, "federated": 6.5, "evaluated": 6.5}
    for line, (_, series) in enumerate(reversed(rows)):
        values = [report.auc for _, report in series]
        axes.plot([min(values), max(values)], [line, line], color=GRID, linewidth=3, zorder=1)
        for kind, report in series:
            style = STYLES[kind]
            axes.plot(
                report.auc, line, marker=markers[kind], color=style["color"], markersize=sizes[kind],
                alpha=style.get("alpha", 1), zorder=style["zorder"], linestyle="none",
                markeredgewidth=0,
            )  # fmt: skip
            if kind != "pooled":
                text, place = f"{report.auc:.3f}", (report.auc, line)
                axes.annotate(text, place, (0, 9), textcoords="offset points", ha="center")
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
    axes.grid(axis="y", visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.margins(x=0.08)
    axes.set(ylim=(-0.5, len(rows) - 0.3), xlabel="area under the ROC curve, held-out customers")
