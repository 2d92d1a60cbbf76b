"""Runs a program under memcheck, which sees every branch and address that depends on undefined memory.

The programs mark their secrets undefined; deliberately leaky twins among their modes prove that it tells.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPORTED = 42


@pytest.fixture(scope="session")
def build_probe(installed_core, tmp_path_factory):
    """Compile ``<name>.cpp`` of this folder against the installed core."""
    if shutil.which("valgrind") is None:
        reason = "valgrind is not installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    def build(name):
        binary = tmp_path_factory.mktemp("ct") / name
        # The flags the core ships with: its inline functions are compiled here too.
        command = ["c++", "-std=c++20", "-O3", "-DNDEBUG", "-I", str(installed_core / "include")]
        command += [str(HERE / f"{name}.cpp"), *map(str, installed_core.glob("lib*/libisthmus_core.a"))]
        subprocess.run([*command, "-fopenmp", "-o", str(binary)], check=True)
        return binary

    return build


@pytest.fixture(scope="session")
def memcheck():
    """Run a program under memcheck; returns whether it reported anything, and both outputs.

    Keyword arguments are environment variables.
    """

    def run(program, *arguments, **environment):
        command = ["valgrind", "--quiet", f"--error-exitcode={REPORTED}", str(program), *arguments]
        environment = {"OMP_NUM_THREADS": "1", **environment}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode in (0, REPORTED), done.stderr
        return done.returncode == REPORTED, done.stdout, done.stderr

    return run
