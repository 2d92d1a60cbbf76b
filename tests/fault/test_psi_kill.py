"""SIGKILL at every call that changes a file, and at random times, to either party or both (fault case 47).

Whoever died is started again. The end is the result of an uninterrupted run on both sides, and empty folders.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault.kill_runner import NAMES, SHARED

ROOT = Path(__file__).parents[2]
BOTH = {"alpha": "both", "beta": "both"}
ONE = {"alpha": "receiver", "beta": "sender"}


@pytest.fixture(scope="module")
def runner():
    """Return a function that carries out a plan."""
    paths = [str(ROOT), *(path for path in sys.path if path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.fault.kill_runner"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def carry_out(roles=BOTH, reveal="rows", **plan):
            process.stdin.write(json.dumps({"roles": roles, "reveal": reveal, **plan}) + "\n")
            process.stdin.flush()
            outcome = json.loads(process.stdout.readline())
            check(outcome, roles, reveal)
            return outcome

        yield carry_out
        process.stdin.close()


def check(outcome, roles, reveal):
    learned = {name: outcome["outcomes"][name].get("learned", outcome) for name in NAMES}
    for name in NAMES:
        if roles[name] == "sender":
            assert learned[name] is None, outcome
        elif reveal == "size":
            assert learned[name] == len(SHARED), outcome
        else:
            assert sorted(learned[name]) == SHARED, outcome
    if roles == BOTH:
        assert learned["alpha"] == learned["beta"]
    assert outcome["left"] == []


@pytest.fixture(scope="module")
def calls(runner):
    """The calls that change files in a run that nothing interrupts."""
    outcome = runner()
    assert outcome["starts"] == {"alpha": 1, "beta": 1}
    return outcome["outcomes"]["alpha"]["calls"]


def test_a_run_writes_down_every_batch_before_it_goes_on(calls):
    # Three batches of tags come back and four of the peer's are kept, each written and flushed.
    assert calls.count("fdatasync") == 7


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_one_party_is_killed_after_every_call(runner, calls, name):
    for k in range(1, len(calls) + 1):
        outcome = runner(**{name: ["call", k, "after"]})
        assert outcome["starts"][name] >= 2, k


@pytest.mark.slow
def test_a_write_is_torn(runner, calls):
    for k, call in enumerate(calls, start=1):
        if call == "write":
            assert runner(beta=["call", k, "torn"])["starts"]["beta"] >= 2, k


@pytest.mark.slow
def test_both_are_killed(runner, calls):
    for k in range(1, len(calls) + 1, 3):
        other = 1 + (7 * k) % len(calls)
        outcome = runner(alpha=["call", k, "after"], beta=["call", other, "before"])
        assert min(outcome["starts"].values()) >= 2, (k, other)


@pytest.mark.slow
@pytest.mark.parametrize(("roles", "reveal"), [(ONE, "rows"), (BOTH, "size")], ids=["one", "size"])
def test_a_lone_receiver_and_a_size_survive_too(runner, calls, roles, reveal):
    for k in range(2, len(calls), 5):
        for name in NAMES:
            runner(roles, reveal, **{name: ["call", k, "after"]})


@pytest.mark.slow
def test_fifty_random_times(runner):
    choose = random.Random(1)
    for _ in range(50):
        victims = choose.choice([("alpha",), ("beta",), NAMES])
        runner(**{name: ["time", choose.uniform(0, 0.25)] for name in victims})
