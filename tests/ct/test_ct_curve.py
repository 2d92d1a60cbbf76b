"""Scalar multiplication and hashing to the group do not branch or index on secrets.

memcheck sees every branch and address that depends on memory marked undefined, so secrets are marked
undefined. Two deliberately leaky twins prove that it would tell.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPORTED = 42

pytestmark = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")


@pytest.fixture(scope="module")
def program(installed_core, tmp_path_factory):
    binary = tmp_path_factory.mktemp("ct") / "ct_curve"
    # The flags the core ships with: its inline functions are compiled here too.
    command = ["c++", "-std=c++20", "-O3", "-DNDEBUG", "-I", str(installed_core / "include")]
    command += [str(HERE / "ct_curve.cpp"), *map(str, installed_core.glob("lib*/libisthmus_core.a"))]
    subprocess.run([*command, "-fopenmp", "-o", str(binary)], check=True)
    return binary


def memcheck(program, mode):
    command = ["valgrind", "--quiet", f"--error-exitcode={REPORTED}", str(program), mode]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"OMP_NUM_THREADS": "1"})
    return done.returncode, done.stderr


@pytest.mark.parametrize("mode", ["mult", "map"])
def test_no_branch_or_address_depends_on_a_secret(program, mode):
    code, report = memcheck(program, mode)
    assert code == 0, report


@pytest.mark.parametrize("mode", ["leaky-branch", "leaky-lookup"])
def test_the_leaky_twins_are_reported(program, mode):
    code, report = memcheck(program, mode)
    assert code == REPORTED, report
