"""What a person sees while a protocol runs."""

from io import StringIO

from rich.console import Console

from isthmus.cli.progress import LiveBars, PlainLines, Slower
from isthmus.protocol.machine import Progress


def test_plain_progress_is_a_line_per_stage(capsys):
    with PlainLines(Console(width=100), interval_seconds=0) as show:
        for done in range(3):
            show(Progress("align", done, 2))
        show(Progress("train", 1, 1, "tree 1"))
    shown = [line.split("s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["align ...", "align 1/2", "align 2/2", "train ...", "done"]


def test_progress_shows_rate_and_time_left(capsys):
    step = Progress("align", 1000, 60_000, "note", rate=500.0, remaining_seconds=118.0)
    with PlainLines(Console(width=100), interval_seconds=0) as show:
        show(Progress("align", 0, 60_000))
        show(step)
    assert "align 1,000/60,000  500/s  1:58 left  note" in capsys.readouterr().out
    console = Console(force_terminal=True, width=140, record=True, file=StringIO())
    with LiveBars(console) as bars:
        bars(step)
    assert "500/s  1:58 left" in console.export_text()


def test_two_parties_progress_is_the_slower_one_s():
    seen = []
    show = Slower(lambda progress: seen.append((progress.stage, progress.done)))
    for party, stage, done in (("a", "x", 1), ("b", "x", 0), ("a", "x", 2), ("b", "y", 3), ("b", "x", 2)):
        show(party, Progress(stage, done, 9))
    assert seen == [("x", 1), ("x", 0), ("x", 0), ("y", 3), ("x", 2)]


def test_live_progress_draws_and_clears():
    console = Console(force_terminal=True, width=100, record=True, file=StringIO())
    with LiveBars(console) as show:
        show(Progress("align", 1, 2))
        show(Progress("train", 5, 10, "tree 5"))
        show(Progress("align", 2, 2))
        show(Progress("train", 10, 10))
    text = console.export_text()
    assert "align" in text and "train" in text and "done" in text
