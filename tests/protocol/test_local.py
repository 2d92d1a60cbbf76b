"""Two real processes on loopback: results, errors and endings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from isthmus import errors
from isthmus.party import Limits, Progress, Session, run_local
from tests.protocol.conformance import PATIENT_SECONDS
from tests.protocol.toy import answer, ask


def _ask(session: Session) -> tuple[int, int, int]:
    return session.run("toy/1", ask(3, 2_000_000)), os.getpid(), session.counters.bytes_sent


def _answer(session: Session) -> tuple[int, int]:
    return session.run("toy/1", answer(3)), os.getpid()


def _children(parent: int) -> list[int]:
    """Return the process ids of the workers of ``parent``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            ours = f"PPid:\t{parent}\n" in (folder / "status").read_text()
            if ours and b"local_worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def test_two_processes_work_together() -> None:
    seen: list[tuple[str, Progress]] = []
    results = run_local(
        {"bank": _ask, "fund": _answer}, on_progress=lambda party, progress: seen.append((party, progress))
    )
    (total, bank, sent), (received, fund) = results["bank"], results["fund"]
    assert total == received == 6_000_000
    assert len({bank, fund, os.getpid()}) == 3
    assert sent > 6_000_000
    assert [(party, progress.done) for party, progress in seen] == [("bank", i) for i in range(3)]
    assert _children(os.getpid()) == []


def _fails(session: Session) -> Any:
    raise errors.FeatureValue("column 2", row=17)


def _dies(session: Session) -> Any:
    os._exit(7)


class _UnpicklableError(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


def _fails_oddly(session: Session) -> Any:
    raise _UnpicklableError("a", "b")


@pytest.mark.parametrize("failing_first", [True, False])
def test_errors_keep_class_code_and_row(failing_first: bool) -> None:
    parties = {"bank": _fails, "fund": _answer} if failing_first else {"bank": _answer, "fund": _fails}
    began = time.monotonic()
    with pytest.raises(errors.FeatureValue) as caught:
        run_local(parties)
    assert time.monotonic() - began < PATIENT_SECONDS
    assert caught.value.row == 17
    assert caught.value.code == "ERR_FEATURE_VALUE"
    assert "_fails" in str(caught.value.__cause__)
    assert _children(os.getpid()) == []


def test_an_error_that_cannot_be_pickled_keeps_its_words() -> None:
    with pytest.raises(RuntimeError, match="_UnpicklableError: a"):
        run_local({"bank": _fails_oddly, "fund": _answer})


def test_a_process_that_dies_is_reported() -> None:
    with pytest.raises(errors.IsthmusError, match="process of bank ended with status 7"):
        run_local({"bank": _dies, "fund": _answer})
    assert _children(os.getpid()) == []


class _FailsToLoad:
    def __reduce__(self) -> Any:
        return int, ("not a number",)

    def __call__(self, session: Session) -> Any:
        raise AssertionError("never reached")


def test_a_function_that_does_not_load_is_reported() -> None:
    with pytest.raises(ValueError, match="not a number"):
        run_local({"bank": _FailsToLoad(), "fund": _answer})


def test_both_sides_failing_raises_a_cause() -> None:
    with pytest.raises(errors.FeatureValue):
        run_local({"bank": _fails, "fund": _fails})


@pytest.fixture
def own_handler() -> Iterator[None]:
    """Give Ctrl-C Python's handler: libraries that other tests load (polars) put theirs before it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("own_handler")
def test_ctrl_c_ends_both_within_seconds(tmp_path: Path) -> None:
    asleep = tmp_path / "asleep"
    interrupted: list[float] = []

    def sleeps(session: Session) -> Any:
        asleep.touch()
        time.sleep(60)

    def interrupt() -> None:
        while not asleep.exists():
            time.sleep(0.05)
        interrupted.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_local({"bank": sleeps, "fund": _answer})
    assert time.monotonic() - interrupted[0] < 15  # on a busy machine, and of a minute asleep
    assert _children(os.getpid()) == []


def test_a_stuck_party_is_ended_when_the_other_fails() -> None:
    def stuck(session: Session) -> Any:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        time.sleep(60)

    began = time.monotonic()
    with pytest.raises(errors.FeatureValue):
        run_local({"bank": _fails, "fund": stuck})
    assert time.monotonic() - began < PATIENT_SECONDS
    assert _children(os.getpid()) == []


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    program = (
        "import time, isthmus\n"
        "def f(session): time.sleep(60)\n"
        "isthmus.party.run_local({'bank': f, 'fund': f}, on_progress=print)\n"
    )
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment, start_new_session=True)
    deadline = time.monotonic() + 2 * PATIENT_SECONDS
    while len(_children(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    children = _children(parent.pid)
    assert len(children) == 2
    time.sleep(1.0)
    parent.kill()
    parent.wait()
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_limits_reach_the_children() -> None:
    def slow(session: Session) -> Any:
        return session.run("toy/1", ask(1, size=3 << 20))

    with pytest.raises(errors.TooLarge):
        run_local({"bank": slow, "fund": _answer}, limits=Limits(max_message=1 << 20))
