"""What a person sees while a protocol runs: live bars on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from isthmus.protocol.machine import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

_LOG_INTERVAL_SECONDS = 5.0


class Watch(Protocol):
    """Shows the progress it is called with, between ``with`` and its end."""

    def __call__(self, progress: Progress) -> None:
        """Show one step."""

    def __enter__(self) -> Watch:
        """Start to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and leave the terminal as it was."""


def watch(console: Console) -> Watch:
    """Return live bars where they can be drawn, plain lines elsewhere."""
    return LiveBars(console) if console.is_terminal and not console.is_dumb_terminal else PlainLines(console)


class Slower:
    """Shows two parties' progress as one: of each stage, what the slower party has done."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self._show = show
        self._done: dict[str, dict[str, int]] = {}

    def __call__(self, party: str, progress: Progress) -> None:
        """Show one step of one party."""
        done = self._done.setdefault(progress.stage, {})
        done[party] = progress.done
        self._show(replace(progress, done=min(done.values())))


class LiveBars:
    """One bar per stage with its rate and the time left, within 80 columns."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[share]:>5}"),
            TextColumn("{task.fields[pace]}"),
            TextColumn("[dim]{task.fields[detail]}"),
            console=console,
            expand=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._starts: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Show one step; a bar swings until it is known how much there is to do."""
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bars.add_task(
                progress.stage, total=None, share="", pace="", detail=""
            )
            self._starts[progress.stage] = time.monotonic()
        done = progress.total > 0 and progress.done == progress.total
        took = _clock(time.monotonic() - self._starts[progress.stage])
        self._bars.update(
            self._tasks[progress.stage],
            completed=progress.done,
            total=progress.total or None,
            share=_share(progress),
            pace=f"[green]done in {took}" if done else _pace(progress),
            detail=progress.detail,
        )

    def __enter__(self) -> LiveBars:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


class PlainLines:
    """A line when a stage starts, every few seconds while it runs, and at the end."""

    def __init__(self, console: Console, interval_seconds: float = _LOG_INTERVAL_SECONDS) -> None:
        self._console = console
        self._interval = interval_seconds
        self._start = time.monotonic()
        self._printed = self._start
        self._stages: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        """Show one step."""
        now = time.monotonic()
        if progress.stage not in self._stages:
            self._stages.add(progress.stage)
            self._print(f"{progress.stage} ...")
        elif now - self._printed >= self._interval:
            notes = "".join(f"  {note}" for note in (_pace(progress), progress.detail) if note)
            of = f"/{progress.total:,}" if progress.total else ""
            self._print(f"{progress.stage} {progress.done:,}{of}{notes}")

    def _print(self, text: str) -> None:
        self._printed = time.monotonic()
        self._console.print(f"{self._printed - self._start:7.1f} s  {text}", highlight=False, markup=False)

    def __enter__(self) -> PlainLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._stages:
            self._print("done")


def _share(progress: Progress) -> str:
    return f"{100 * progress.done // progress.total} %" if progress.total else ""


def _pace(progress: Progress) -> str:
    """Units per second and the time left, where the progress says."""
    if not progress.rate:
        return ""
    rate = f"{progress.rate:,.0f}/s" if progress.rate >= 10 else f"{progress.rate:.1f}/s"
    left = progress.remaining_seconds
    return rate if left is None or not progress.total else f"{rate}  {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
