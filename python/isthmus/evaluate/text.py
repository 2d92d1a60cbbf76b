"""A report as rich tables, for a terminal."""

from __future__ import annotations

import io

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from isthmus.evaluate.binary import SUMMARY_NAMES, BinaryReport


def headline(report: BinaryReport) -> Text:
    """The figures that matter, on one line."""
    line = Text()
    for index, (name, value) in enumerate(report.summary().items()):
        line.append("   " if index else "")
        line.append(f"{SUMMARY_NAMES[name]} ", style="dim").append(f"{value:.4f}", style="bold")
    if report.stability is not None:
        line.append(f" ({report.stability.verdict})")
    return line


def lift_table(report: BinaryReport) -> Table:
    """Bands of customers, best scores first."""
    table = Table(box=box.SIMPLE_HEAD, title="Lift by tenth", title_justify="left", title_style="bold")
    for name in ("tenth", "rows", "score ≥", "positives", "rate", "lift", "gain"):
        table.add_column(name, justify="right")
    for row in report.lift:
        table.add_row(
            str(row.band),
            f"{row.rows:,}",
            f"{row.lowest_score:.4f}",
            f"{row.positives:,.0f}",
            f"{row.response_rate:.1%}",
            f"{row.lift:.2f}",
            f"{row.cumulative_gain:.1%}",
        )
    return table


def calibration_table(report: BinaryReport) -> Table | None:
    """Predicted against observed rates, where the scores are probabilities."""
    if report.calibration is None:
        return None
    table = Table(box=box.SIMPLE_HEAD, title="Calibration", title_justify="left", title_style="bold")
    for name in ("rows", "predicted", "observed"):
        table.add_column(name, justify="right")
    for row in report.calibration:
        table.add_row(f"{row.rows:,}", f"{row.mean_score:.1%}", f"{row.observed_rate:.1%}")
    return table


def render(report: BinaryReport) -> RenderableType:
    """Everything, as one renderable."""
    population = Text(f"{report.rows:,} rows, {report.positives:,} positive ({report.base_rate:.1%})")
    tables: list[RenderableType] = [lift_table(report)]
    calibration = calibration_table(report)
    if calibration is not None:
        tables.append(calibration)
    return Group(population, headline(report), Text(), Columns(tables, padding=(0, 4)))


def plain(report: BinaryReport) -> str:
    """The same without colour, for ``print`` and log files."""
    buffer = io.StringIO()
    Console(file=buffer, width=110, color_system=None, legacy_windows=False).print(render(report))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()).rstrip()
