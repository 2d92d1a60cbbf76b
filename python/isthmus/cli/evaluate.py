"""``isthmus evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def evaluate(
    scores: Annotated[Path, typer.Argument(help="CSV or Parquet file with a label and a score column.")],
    label: Annotated[str, typer.Option(help="Column of 0 and 1: what happened.")] = "label",
    score: Annotated[str, typer.Option(help="Column of scores: higher means more likely 1.")] = "score",
    reference: Annotated[
        Path | None, typer.Option(help="File with the same score column for an earlier population.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained HTML report here.")] = None,
) -> None:
    """Print AUC, KS, lift, gains and calibration of a scored file.

    Example:

    [cyan]isthmus evaluate scores.csv --label y --score p --html report.html[/cyan]
    """
    from rich.console import Console

    from isthmus.evaluate import binary_report
    from isthmus.tables import read_table

    def column(path: Path, name: str) -> Any:
        return read_table(path, columns=[name])[name]

    earlier = None if reference is None else column(reference, score)
    report = binary_report(column(scores, label), column(scores, score), score_reference=earlier)
    console = Console()
    console.print(report)
    if html is not None:
        report.to_html(html, title=f"Scores in {scores.name}")
        console.print(f"report: {html}", highlight=False, markup=False)
