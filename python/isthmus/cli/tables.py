"""Tables that commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from isthmus.demo import DemoResult
    from isthmus.evaluate import StageRow
    from isthmus.party import Session


def stage_table(stages: Sequence[StageRow]) -> Table:
    """Seconds, bytes and rounds of each stage, and their sums."""
    from isthmus.evaluate.page import total

    table = _table("What each stage cost", ("stage", "seconds", "MB sent", "MB received", "rounds"))
    for stage in (*stages, total(stages)):
        table.add_row(
            stage.name,
            f"{stage.seconds:.1f}",
            f"{stage.bytes_sent / 1e6:,.2f}",
            f"{stage.bytes_received / 1e6:,.2f}",
            f"{stage.rounds:,}",
            style="bold" if stage.name == "all" else "",
            end_section=bool(stages) and stage is stages[-1],
        )
    return table


def results_table(result: DemoResult) -> Table:
    """Model by kind of columns by figure."""
    from isthmus.evaluate.page import KIND_LABELS

    table = _table("Held-out customers", ("model", "columns", "AUC", "KS", "top-decile lift"), left=2)
    entries = result.entries
    for position, entry in enumerate(entries):
        first = position == 0 or entries[position - 1].model != entry.model
        last = position + 1 == len(entries) or entries[position + 1].model != entry.model
        report = entry.report
        table.add_row(
            entry.model if first else "",
            KIND_LABELS[entry.kind],
            f"{report.auc:.4f}",
            f"{report.ks:.4f}",
            f"{report.top_decile_lift:.2f}",
            style="bold" if entry.kind == "federated" else "",
            end_section=last,
        )
    return table


def print_account(console: Console, session: Session) -> None:
    """Print what a session cost and what its parties learned."""
    from isthmus.evaluate import StageRow

    rows = [StageRow(s.name, s.seconds, s.bytes_sent, s.bytes_received, s.rounds) for s in session.stages]
    console.print(stage_table(rows))
    print_statements(console, (r["statement"] for r in session.audit if r["event"] == "disclosure"))


def print_statements(console: Console, statements: Iterable[str]) -> None:
    """Print a list of disclosures."""
    console.print("What was learned", style="bold")
    for statement in statements:
        console.print(f"  {statement}", highlight=False, markup=False)


def _table(title: str, columns: Sequence[str], left: int = 1) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False)
    for position, name in enumerate(columns):
        table.add_column(name, justify="left" if position < left else "right", no_wrap=True)
    return table
