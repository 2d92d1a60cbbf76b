"""How a command ends when something is wrong."""

import os
import pty
import sys

import pytest

from isthmus.cli import failure
from isthmus.errors import BY_CODE, IsthmusError


@pytest.mark.parametrize("code", BY_CODE)
def test_every_error_has_advice(code):
    assert failure.ADVICE[code].endswith(".")
    assert code in failure.explain(BY_CODE[code]("what happened"))


def test_no_advice_without_an_error():
    assert set(failure.ADVICE) == set(BY_CODE)


def test_explain_covers_unknown_codes():
    class Odd(IsthmusError):
        code = "ERR_ODD"

    assert "ERR_ODD" in failure.explain(Odd("x"))


def test_an_error_prints_code_message_and_advice(run, tmp_path):
    done = run("evaluate", tmp_path / "missing.csv")
    assert done.exit_code == 1
    assert "ERR_" in done.output and "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) == 2


def test_debug_adds_the_traceback(run, tmp_path):
    assert "Traceback" in run("--debug", "evaluate", tmp_path / "missing.csv").output


def test_an_unexpected_error_is_no_traceback_and_shows_no_value(monkeypatch, run, tmp_path):
    def fail(*_, **__):
        raise RuntimeError("customer 4711")

    monkeypatch.setattr("isthmus.tables.read_table", fail)
    done = run("evaluate", tmp_path / "scores.csv")
    assert done.exit_code == 1
    assert "ERR_INTERNAL: RuntimeError" in done.output and "4711" not in done.output


def test_ctrl_c_exits_130(monkeypatch, run, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("isthmus.tables.read_table", interrupt)
    assert run("evaluate", tmp_path / "scores.csv").exit_code == 130


def test_ctrl_c_at_a_question_exits_130(tmp_path):
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "isthmus", "keygen", "--out", str(tmp_path / "key")])
    shown = b""
    while b"Passphrase" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
    assert not (tmp_path / "key").exists()
