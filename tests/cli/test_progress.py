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


def shown(step):
    """What a terminal of 80 columns shows of one step, the widest of its kind."""
    console = Console(force_terminal=True, width=80, record=True, file=StringIO())
    with LiveBars(console) as bars:
        bars(step)
    drawn = console.export_text().rpartition(step.stage)  # the last of several drawings
    return " ".join("".join(drawn[1:]).replace("━", " ").split())


def test_a_terminal_of_80_columns_shows_share_rate_and_time_left_whole():
    step = Progress("logistic: keys", 999_999_999, 10**9, "receiving grad", 1_234_567.0, 3_725.0)
    assert shown(step) == "logistic: keys ╸ 99 % 1,234,567/s 1:02:05 left receiving grad"
    assert shown(Progress("align", 10**9, 10**9, "matching")) == "align 100 % done in 0:00 matching"


def test_a_stage_of_unknown_length_shows_no_share_and_no_time_left():
    assert shown(Progress("align", 0, 0)) == "align"
    assert shown(Progress("read", 65_536, 0, rate=500.0, remaining_seconds=0.0)) == "read 500/s"


def test_an_unknown_total_is_not_printed(capsys):
    with PlainLines(Console(width=100), interval_seconds=0) as show:
        for done in (0, 5000):
            show(Progress("read", done, 0))
    assert [line.split("s  ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "read ...",
        "read 5,000",
        "done",
    ]


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
