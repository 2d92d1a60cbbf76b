"""``isthmus psi run`` killed at every call that changes a file once batches are kept (fault case 47).

At the state folder, the audit file, the kept result and the output. Given again, the command ends with the
rows of an uninterrupted one, in one order at both parties, and leaves nothing else behind.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus.tables import read_table
from tests.cli.parties import PARTIES, introduce, write_tables

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def runner(run, tmp_path):
    """Return a function that carries out a plan, and checks what both have in the end."""
    introduce(run, tmp_path)
    write_tables(tmp_path)
    before = {name: set(os.listdir(tmp_path / name)) for name in PARTIES}
    paths = [str(ROOT), *(path for path in sys.path if path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.cli.kill_runner", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def carry_out(**plan):
            process.stdin.write(json.dumps(plan) + "\n")
            process.stdin.flush()
            outcome = json.loads(process.stdout.readline())
            tables = [read_table(tmp_path / name / "aligned.parquet") for name in PARTIES]
            customers = [table["customer"].to_pylist() for table in tables]
            assert customers[0] == customers[1] and len(set(customers[0])) == 480, plan
            for name in PARTIES:
                left = set(os.listdir(tmp_path / name)) - before[name]
                assert left == {"aligned.parquet", "audit.jsonl", "calls", "said"}, plan
            return outcome

        yield carry_out
        process.stdin.close()


def undisturbed(runner):
    """Return the calls of a run that nothing interrupts, and the first after a batch was kept."""
    outcome = runner()
    assert outcome["starts"] == dict.fromkeys(PARTIES, 1) and not outcome["killed"]
    calls = outcome["calls"]["bank"]
    assert len(calls) == len(outcome["calls"]["fund"])
    return calls, calls.index("fdatasync") + 1


@pytest.mark.slow
def test_either_party_is_killed_after_every_call(runner):
    calls, first = undisturbed(runner)
    for k in range(first, len(calls) + 1):
        name = PARTIES[k % 2]
        assert runner(**{name: ["call", k, "after"]})["killed"] == [name], k


@pytest.mark.slow
def test_both_parties_are_killed_before_every_second_call(runner):
    calls, first = undisturbed(runner)  # of the library alone: before every one, in tests/fault
    for k in range(first, len(calls) + 1, 2):
        plan = {name: ["call", k, "before"] for name in PARTIES}
        assert sorted(runner(**plan)["killed"]) == list(PARTIES), k


@pytest.mark.slow
def test_a_write_is_torn(runner):
    calls, first = undisturbed(runner)
    for k in range(first, len(calls) + 1):
        if calls[k - 1] == "write":
            name = PARTIES[k // 2 % 2]
            assert runner(**{name: ["call", k, "torn"]})["killed"] == [name], k
