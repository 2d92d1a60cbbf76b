"""Draws the growth curves of bench/README.md from recorded rows; ``report.py`` calls it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from results import Measured, select
from tables import curve_name, threads_of

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

COLOURS = ("#0b6e99", "#d1495b", "#3a7d44", "#8d5a97", "#c77d1e", "#444444")
GREY = "#8a8a8a"
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "isthmus",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "lines.linewidth": 1.6,
    "lines.markersize": 4,
}
Label = tuple[float, str, str]  # height, text, colour


def draw(rows: Sequence[Measured], folder: Path) -> list[Path]:
    """Write the plots that the rows are enough for, and return their paths."""
    made = []
    with mpl.rc_context(STYLE):
        for name, plot in (("growth-paillier", paillier), ("growth-psi", psi)):
            figure = plot(rows)
            if figure is None:
                continue
            path = folder / f"{name}.svg"
            figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
            plt.close(figure)
            made.append(path)
    return made


def paillier(rows: Sequence[Measured]) -> Any:
    """Core time per unit, and seconds on one thread and two, against the number of rows."""
    found = [row for row in select(rows, "growth", key_bits=2048) if row["backend"] != "portable"]
    if not found:
        return None
    figure, (each, total) = plt.subplots(1, 2, figsize=(10.5, 4.2), gridspec_kw={"wspace": 0.75})
    labels_each: list[Label] = []
    labels_total: list[Label] = []
    for colour, name in zip(COLOURS, dict.fromkeys(map(curve_name, found)), strict=False):
        curve = sorted((row for row in found if curve_name(row) == name), key=lambda row: row["rows"])
        x = [row["rows"] for row in curve]
        micros = [threads_of(row["processor"])[1] / row["operations"] * 1e6 for row in curve]
        each.plot(x, micros, color=colour, marker="o")
        labels_each.append((micros[-1], name, colour))
        for threads, dashes in ((1, "-"), (2, "--")):
            seconds = [threads_of(row["elapsed"]).get(threads) for row in curve]
            if None in seconds:
                continue
            total.plot(x, seconds, color=colour, linestyle=dashes, marker="o" if threads == 1 else None)
            if threads == 1:
                labels_total.append((float(seconds[-1] or 0), name, colour))
    _axes(each, "µs of one core per row and feature", "rows", labels_each)
    _axes(total, "seconds: one thread, and two (dashed)", "rows", labels_total)
    return figure


def psi(rows: Sequence[Measured]) -> Any:
    """Seconds, memory and bytes of one alignment against the size of each set."""
    ours = list(select(rows, "psi", suite="ristretto255", state=False))
    ours = [row for row in ours if row["sizes"][0] == row["sizes"][1]]
    ours = [row for row in ours if row["backend"] not in ("portable", "avx2")]
    if not ours:
        return None
    shape = {"wspace": 0.62, "width_ratios": (1.5, 1, 1)}
    figure, panels = plt.subplots(1, 3, figsize=(13, 4.2), gridspec_kw=shape)
    columns = ("seconds", "peak_mib", "bytes_sent")
    titles = ("seconds (dotted: in proportion)", "largest resident MiB of a party", "MB sent by both")
    for axes, column, title in zip(panels, columns, titles, strict=True):
        labels: list[Label] = []
        scale = 1e-6 if column == "bytes_sent" else 1.0
        for colour, threads in zip(COLOURS, sorted({row["threads"] for row in ours}), strict=False):
            curve = sorted(
                (row for row in ours if row["threads"] == threads), key=lambda row: row["sizes"][0]
            )
            x = [row["sizes"][0] for row in curve]
            y = [row[column] * scale for row in curve]
            axes.plot(x, y, color=colour, marker="o", linestyle="-" if threads == 1 else "--")
            labels.append((y[-1], f"{threads} {'thread' if threads == 1 else 'threads'}", colour))
        if column != "peak_mib":
            _slope(axes, ours, column, scale)
        _axes(axes, title, "identifiers of each party", [] if column == "bytes_sent" else labels)
        axes.xaxis.set_major_locator(FixedLocator(sorted({row["sizes"][0] for row in ours})))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _identifiers(value)))
    _peers(panels[0], rows)
    return figure


def _identifiers(count: float) -> str:
    return f"{count / 1e6:g} M" if count % 1e6 == 0 else f"2$^{{{round(math.log2(count))}}}$"


def _slope(axes: Axes, ours: Iterable[Measured], column: str, scale: float) -> None:
    """Draw what proportional growth from the middle size would be."""
    points = sorted((row["sizes"][0], row[column] * scale) for row in ours)
    x, y = points[len(points) // 2]
    ends = points[0][0], points[-1][0]
    axes.plot(ends, [y * end / x for end in ends], color=GREY, linewidth=1.2, linestyle=":", zorder=0)


def _peers(axes: Axes, rows: Sequence[Measured]) -> None:
    """Put the other programs above the curve, as points named to their left."""
    points: dict[int, list[Label]] = {}
    for row in select(rows, "psi-peers"):
        if row["program"] == "isthmus":
            continue
        curve = row["curve"].removeprefix("CURVE_")
        name = f"{row['program']} {curve}{', no IFMA' if row['backend'] else ''}"
        points.setdefault(row["log2"], []).append((row["seconds"], name, GREY))
    for exponent, labels in points.items():
        axes.plot([1 << exponent] * len(labels), [y for y, _, _ in labels], "x", color=GREY)
        axes.set_xlim(left=1.2e3)
        _label(axes, 1 << exponent, labels, size=7, side="right")


def _axes(axes: Axes, title: str, x_label: str, labels: list[Label]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
    axes.set_axisbelow(True)
    low, high = axes.get_ylim()
    if high / low < 30:  # a decade or less would have a tick or two
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    if labels:
        _label(axes, max(line.get_xdata()[-1] for line in axes.lines), labels)


def _label(axes: Axes, x: float, labels: list[Label], size: float = 8.5, side: str = "left") -> None:
    """Name the points at x, from the top, each at least a line below the one above."""
    axes.figure.canvas.draw()
    transform, line = axes.transData, size * 1.25 * axes.figure.dpi / 72
    limit = float("inf")
    for y, text, colour in sorted(labels, reverse=True):
        place = transform.transform((x, y))
        height = min(place[1], limit - line)
        limit = height
        offset = (7 if side == "left" else -7, (height - place[1]) * 72 / axes.figure.dpi - size / 2 + 1)
        axes.annotate(text, (x, y), offset, textcoords="offset points", color=colour, fontsize=size, ha=side)
