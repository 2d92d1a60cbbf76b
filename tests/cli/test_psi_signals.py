"""``isthmus psi run`` that is told to stop, and two of them at one output (fault case 52)."""

import signal
import subprocess
import sys
import time

import pytest

from isthmus.tables import read_table
from tests.cli.parties import OUT, PARTIES, STATE, psi_arguments, start, succeeded, together

AT_ONCE_SECONDS = 5.0
PAUSES = """
import sys, time
import isthmus.tables
from isthmus.psi.checkpoint import Checkpoint
def pause(*_, **__):
    print("paused", flush=True)
    time.sleep(60)
{target} = pause
from isthmus.cli.app import main
main()
"""


def paused(folder, arguments, target):
    """Start a command and return it when it has come to ``target``."""
    process = start(folder, arguments, command=[sys.executable, "-c", PAUSES.format(target=target)])
    for line in process.stdout:
        if line == "paused\n":
            return process
    raise AssertionError("the command ended before it was to pause")


def interrupted(world, victim, number):
    """Signal a party in the middle of a run; return its status, the peer's, what each said, and the time."""
    arguments = psi_arguments(bank=STATE, fund=STATE)
    other = next(name for name in PARTIES if name != victim)
    peer = start(world / other, arguments[other])
    process = paused(world / victim, arguments[victim], "Checkpoint.append_peer")
    began = time.monotonic()
    process.send_signal(number)
    said = process.communicate(timeout=60)[0], peer.communicate(timeout=60)[0]
    return process.returncode, peer.returncode, said, time.monotonic() - began


@pytest.mark.timeout(180)
@pytest.mark.parametrize("victim", PARTIES)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_case_52_an_interrupted_command_ends_both_within_five_seconds_and_can_be_resumed(
    world, victim, number, status
):
    for attempt in range(2):  # a busy machine may stand still once
        code, peer_code, said, seconds = interrupted(world, victim, number)
        assert (code, peer_code) == (status, 1), said
        assert "ERR_CANCELLED" in said[1] and "Traceback" not in said[0] + said[1]
        assert not any((world / name / "aligned.parquet").exists() for name in PARTIES)
        assert all((world / name / "state" / "run.state").exists() for name in PARTIES)
        if seconds < AT_ONCE_SECONDS:
            break
        assert attempt == 0, f"both ended {seconds} s after the signal"
    succeeded(together(world, psi_arguments(bank=STATE, fund=STATE)))
    assert all(read_table(world / name / "aligned.parquet").num_rows == 480 for name in PARTIES)
    assert not any((world / name / "state").exists() for name in PARTIES)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("party", PARTIES)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_waits_for_its_peer_ends_at_once(world, party, number, status):
    for attempt in range(2):
        process = start(world / party, psi_arguments()[party])
        assert "waiting for" in process.stdout.readline()
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(60) == status  # it would wait for a minute
        seconds = time.monotonic() - began
        if seconds < AT_ONCE_SECONDS:
            break
        assert attempt == 0, f"it ended {seconds} s after the signal"


LOADS = """
import runpy, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
runpy.run_module("isthmus", run_name="__main__")
"""


def test_a_command_that_is_interrupted_while_it_loads_says_so_in_a_line():
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "stopped; nothing was released\n")


@pytest.mark.timeout(120)
def test_case_52_two_commands_with_one_output(world):
    """The second finds the state folder in use before it meets anyone, and the first's run is as it was."""
    arguments = psi_arguments(bank=STATE, fund=STATE)
    fund = start(world / "fund", arguments["fund"])
    bank = paused(world / "bank", arguments["bank"], "Checkpoint.append_peer")
    second = subprocess.run(
        [sys.executable, "-m", "isthmus", *arguments["bank"]],
        cwd=world / "bank",
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1 and "ERR_BUSY" in second.stderr and "waiting" not in second.stderr
    for process in (bank, fund):
        process.kill()
        process.communicate()
    succeeded(together(world, arguments))
    assert read_table(world / "bank" / OUT[1]).num_rows == 480
