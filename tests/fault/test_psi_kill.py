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
WHEN = ("before", "after")


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
    assert min(outcome["records"].values()) > 0  # and both chains of audit records hold


@pytest.fixture(scope="module")
def undisturbed(runner):
    """Each party's outcome of a run that nothing interrupts."""
    outcome = runner()
    assert outcome["starts"] == {"alpha": 1, "beta": 1} and not outcome["killed"]
    return outcome["outcomes"]


@pytest.fixture(scope="module")
def calls(undisturbed):
    """The calls that change files in a run that nothing interrupts."""
    assert len(undisturbed["alpha"]["calls"]) == len(undisturbed["beta"]["calls"])
    return undisturbed["alpha"]["calls"]


def test_a_run_writes_down_every_batch_before_it_goes_on(calls):
    # Three batches of tags come back and four of the peer's are kept, each written and flushed.
    assert calls.count("fdatasync") == 7


@pytest.mark.slow
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("name", NAMES)
def test_one_party_is_killed_at_every_call(runner, calls, name, when):
    for k in range(1, len(calls) + 1):
        assert runner(**{name: ["call", k, when]})["killed"] == [name], k


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_write_is_torn(runner, calls, name):
    for k, call in enumerate(calls, start=1):
        if call == "write":
            assert runner(**{name: ["call", k, "torn"]})["killed"] == [name], k


@pytest.mark.slow
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("stride", [1, 11], ids=["same-call", "other-calls"])
def test_both_are_killed(runner, calls, stride, when):
    for k in range(len(calls)):
        other = 1 + stride * k % len(calls)
        outcome = runner(alpha=["call", k + 1, when], beta=["call", other, WHEN[k % 2]])
        assert min(outcome["starts"].values()) >= 2, (k, other)


@pytest.mark.slow
@pytest.mark.parametrize(("roles", "reveal"), [(ONE, "rows"), (BOTH, "size")], ids=["one", "size"])
def test_a_lone_receiver_and_a_size_survive_too(runner, calls, roles, reveal):
    for k in range(2, len(calls), 5):
        for name in NAMES:
            runner(roles, reveal, **{name: ["call", k, "after"]})


@pytest.mark.slow
def test_fifty_random_times(runner, undisturbed):
    """Fifty runs that lost a party in the middle: a kill that comes after the end does not count."""
    choose, lost = random.Random(1), 0
    seconds = min(undisturbed[name]["seconds"] for name in NAMES)
    while lost < 50:
        victims = choose.choice([("alpha",), ("beta",), NAMES])
        outcome = runner(**{name: ["time", choose.uniform(0, seconds)] for name in victims})
        assert all(outcome["starts"][name] >= 2 for name in outcome["killed"])
        lost += bool(outcome["killed"])
