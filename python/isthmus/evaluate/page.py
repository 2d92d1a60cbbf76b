"""The HTML page: one file, no script, nothing fetched; reads on a light screen, a dark one and paper."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus import __version__
from isthmus.errors import StorageError
from isthmus.evaluate import plots

if TYPE_CHECKING:
    from isthmus.evaluate.binary import BinaryReport

KIND_LABELS = {
    "alone": "label holder alone",
    "federated": "federated",
    "pooled": "pooled in the clear",
    "evaluated": "evaluated",
}
_DRAWING_ORDER = ("alone", "pooled", "federated", "evaluated")


@dataclass(frozen=True)
class Entry:
    """One curve: a model family, how it was made (a key of ``KIND_LABELS``), and its report."""

    model: str
    kind: str
    report: BinaryReport


@dataclass(frozen=True)
class Fact:
    """A figure about the run, for the head of the page."""

    name: str
    value: str


@dataclass(frozen=True)
class StageRow:
    """What one stage cost, as one party counted it."""

    name: str
    seconds: float
    bytes_sent: int
    bytes_received: int
    rounds: int


def total(stages: Sequence[StageRow], name: str = "all") -> StageRow:
    """Add stages up."""
    return StageRow(
        name,
        sum(stage.seconds for stage in stages),
        sum(stage.bytes_sent for stage in stages),
        sum(stage.bytes_received for stage in stages),
        sum(stage.rounds for stage in stages),
    )


@dataclass(frozen=True)
class Learned:
    """What one party holds, and what it learned beyond that."""

    party: str
    holds: str
    facts: tuple[str, ...]


def write_html(
    path: str | Path,
    entries: Sequence[Entry],
    *,
    title: str,
    subtitle: str = "",
    facts: Sequence[Fact] = (),
    stages: Sequence[StageRow] = (),
    learned: Sequence[Learned] = (),
    verdicts: Sequence[str] = (),
    citation: str = "",
) -> Path:
    """Write the page and return its path; a previous file is replaced only once the new one is whole.

    Raises
    ------
    StorageError
        The file cannot be written; a previous one is untouched.
    """
    models = _by_model(entries)
    sections = [
        _results(models, verdicts) if len(entries) > 1 else "",
        *(_model_section(name, group) for name, group in models.items()),
        _stages(stages) if stages else "",
        _learned(learned) if learned else "",
    ]
    body = _header(title, subtitle, facts) + "".join(sections) + _footer(citation)
    return replace_file(Path(path), _document(title, body))


def notebook_html(report: BinaryReport) -> str:
    """The headline figures and the tables, as a fragment for a notebook cell."""
    style = "<style>.isthmus td,.isthmus th{text-align:right;padding:.2em .8em}</style>"
    return f'<div class="isthmus">{style}<p>{_headline(report)}</p>{_lift_table(report)}</div>'


def _by_model(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    models: dict[str, list[Entry]] = {}
    for entry in entries:
        models.setdefault(entry.model, []).append(entry)
    return models


def _series(group: Sequence[Entry]) -> list[tuple[str, BinaryReport]]:
    ordered = sorted(group, key=lambda entry: _DRAWING_ORDER.index(entry.kind))
    return [(entry.kind, entry.report) for entry in ordered]


def _main_report(group: Sequence[Entry]) -> BinaryReport:
    return _series(group)[-1][1]


def _document(title: str, body: str) -> str:
    css = files("isthmus.evaluate").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>'
        f"<style>{css}</style></head><body><main>{body}</main></body></html>\n"
    )


def _header(title: str, subtitle: str, facts: Sequence[Fact]) -> str:
    items = "".join(f"<div><dt>{escape(f.name)}</dt><dd>{escape(f.value)}</dd></div>" for f in facts)
    lead = f'<p class="lead">{escape(subtitle)}</p>' if subtitle else ""
    strip = f'<dl class="facts">{items}</dl>' if facts else ""
    return f'<header><p class="mark">isthmus</p><h1>{escape(title)}</h1>{lead}{strip}</header>'


def _table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], classes: str = "") -> str:
    """Build a table; every row brings its CSS class; cells are HTML already."""
    columns = "".join(f'<th scope="col">{name}</th>' for name in head)
    lines = "".join(
        f'<tr class="{kind}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for kind, cells in rows
    )
    return (
        f'<div class="scroll"><table class="{classes}"><thead><tr>{columns}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _bar(share: float) -> str:
    return f'<span class="bar" style="--share:{share:.4f}"></span>'


def _key(kinds: Iterable[str]) -> str:
    chips = "".join(f'<span class="chip {k}">{KIND_LABELS[k]}</span>' for k in kinds)
    return f'<p class="key">{chips}</p>'


def _results(models: dict[str, list[Entry]], verdicts: Sequence[str]) -> str:
    rows: list[tuple[str, Sequence[str]]] = []
    for name, group in models.items():
        for position, entry in enumerate(group):
            r = entry.report
            label = escape(name) if position == 0 else ""
            chip = f'<span class="chip {entry.kind}">{KIND_LABELS[entry.kind]}</span>'
            first = " first" if position == 0 else ""
            cells = (label, chip, f"{r.auc:.4f}", f"{r.ks:.4f}", f"{r.top_decile_lift:.2f}")
            rows.append((entry.kind + first, cells))
    table = _table(("model", "columns", "AUC", "KS", "top-decile lift"), rows, "results")
    said = "".join(f"<li>{escape(line)}</li>" for line in verdicts)
    verdict = f'<ul class="verdict">{said}</ul>' if verdicts else ""
    strip = ""
    if any(len(group) > 1 for group in models.values()):
        lines = [(name, _series(group)) for name, group in models.items()]
        strip = plots.draw(lambda axes: plots.auc_strip(axes, lines), 7.2, 0.75 + 0.62 * len(lines))
        strip = f'<figure class="wide">{strip}</figure>'
    return f"<section><h2>Results</h2>{verdict}{strip}{table}</section>"


def _panel(caption: str, svg: str) -> str:
    return f"<figure><figcaption>{caption}</figcaption>{svg}</figure>"


def _model_section(name: str, group: Sequence[Entry]) -> str:
    series, main = _series(group), _main_report(group)
    classes = '<span class="dot positive"></span>positives <span class="dot negative"></span>negatives'
    panels = [
        _panel("ROC", plots.draw(lambda axes: plots.roc(axes, series))),
        _panel("Gains", plots.draw(lambda axes: plots.gains(axes, series))),
        _panel("Lift", plots.draw(lambda axes: plots.lift(axes, series))),
        _panel(f"KS <small>{classes}</small>", plots.draw(lambda axes: plots.ks(axes, main))),
        _panel(f"Scores <small>{classes}</small>", plots.draw(lambda axes: plots.distributions(axes, main))),
    ]
    if main.calibration is not None:
        panels.append(_panel("Calibration", plots.draw(lambda axes: plots.calibration(axes, main))))
    present = {entry.kind for entry in group}
    key = _key(k for k in ("alone", "federated", "pooled") if k in present) if len(group) > 1 else ""
    return (
        f'<section><h2>{escape(name)}</h2>{key}<div class="panels">{"".join(panels)}</div>'
        f"<details open><summary>Lift by tenth</summary>{_lift_table(main)}</details></section>"
    )


def _headline(report: BinaryReport) -> str:
    from isthmus.evaluate.binary import SUMMARY_NAMES

    return " · ".join(f"{SUMMARY_NAMES[name]} <b>{value:.4f}</b>" for name, value in report.summary().items())


def _lift_table(report: BinaryReport) -> str:
    head = ("tenth", "customers", "score at least", "positives", "rate", "lift", "positives found so far")
    rows = [
        (
            "",
            (
                str(row.band),
                f"{row.rows:,}",
                f"{row.lowest_score:.4f}",
                f"{row.positives:,.0f}",
                f"{row.response_rate:.1%}",
                f"{row.lift:.2f}",
                f"{row.cumulative_gain:.1%}{_bar(row.cumulative_gain)}",
            ),
        )
        for row in report.lift
    ]
    return _table(head, rows)


def _stages(stages: Sequence[StageRow]) -> str:
    longest = max(stage.seconds for stage in stages) or 1.0

    def cells(stage: StageRow, bar: str) -> Sequence[str]:
        sent, received = f"{stage.bytes_sent / 1e6:,.2f}", f"{stage.bytes_received / 1e6:,.2f}"
        return (escape(stage.name), f"{stage.seconds:.1f}{bar}", sent, received, f"{stage.rounds:,}")

    rows = [("", cells(stage, _bar(stage.seconds / longest))) for stage in stages]
    rows.append(("total", cells(total(stages), '<span class="bar none"></span>')))
    table = _table(("stage", "seconds", "MB sent", "MB received", "rounds"), rows, "stages")
    note = "Counted by the label holder. Rounds: how often the conversation changed direction."
    return f'<section><h2>What each stage cost</h2>{table}<p class="note">{note}</p></section>'


def _learned(learned: Sequence[Learned]) -> str:
    cards = "".join(
        f'<article><h3>{escape(each.party)}</h3><p class="holds">{escape(each.holds)}</p><ul>'
        + "".join(f"<li>{escape(fact)}</li>" for fact in each.facts)
        + "</ul></article>"
        for each in learned
    )
    note = (
        "Written by the sessions themselves as they ran. Everything else that crossed was encrypted under a "
        "key the receiver does not hold, masked, or a share that is uniformly random by itself."
    )
    return (
        f'<section><h2>What each party learned</h2><div class="cards">{cards}</div>'
        f'<p class="note">{note}</p></section>'
    )


def _footer(citation: str) -> str:
    cited = f"<p>{escape(citation)}</p>" if citation else ""
    made = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"<footer>{cited}<p>isthmus {__version__}, {made}</p></footer>"


def check_writable(path: Path) -> None:
    """Find out before a long run whether its page could be written: StorageError if not."""
    if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise StorageError(f"cannot write {path.name}: the folder is missing or not writable")


def replace_file(path: Path, text: str, mode: int = 0o644) -> Path:
    """Write text whole or not at all; StorageError leaves an earlier file untouched."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StorageError(f"cannot write {path.name}: {error.strerror}") from None
    return path
