"""Private-key exponentiation, decryption and encoding do not branch or index on secrets.

memcheck sees every branch and address that depends on memory marked undefined, so secrets are marked
undefined. Two deliberately leaky twins prove that it would tell.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPORTED = 42

pytestmark = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")


@pytest.fixture(scope="module")
def program(installed_core, tmp_path_factory):
    binary = tmp_path_factory.mktemp("ct") / "ct_paillier"
    # The flags the core ships with: its inline functions are compiled here too.
    command = ["c++", "-std=c++20", "-O3", "-DNDEBUG", "-I", str(installed_core / "include")]
    command += [str(HERE / "ct_paillier.cpp"), *map(str, installed_core.glob("lib*/libisthmus_core.a"))]
    subprocess.run([*command, "-fopenmp", "-o", str(binary)], check=True)
    return binary


@pytest.fixture(scope="module")
def primes():
    text = (HERE.parent / "vectors/paillier/milagro_keygen.txt").read_text()
    return [re.findall(rf"^{name} = (\w+)", text, re.MULTILINE)[1] for name in "PQ"]


def memcheck(program, mode, primes):
    command = ["valgrind", "--quiet", f"--error-exitcode={REPORTED}", str(program), mode, *primes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"OMP_NUM_THREADS": "1"})
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("mode", ["decrypt", "power", "encrypt"])
def test_no_branch_or_address_depends_on_a_secret(program, primes, mode):
    code, _, report = memcheck(program, mode, primes)
    assert code == 0, report


def test_the_poisoned_decryption_is_right(program, primes):
    _, output, _ = memcheck(program, "decrypt", primes)
    n = int(primes[0], 16) * int(primes[1], 16)
    assert output == f"{n - 5:0512x}{7:0512x}"


@pytest.mark.parametrize("mode", ["leaky-window", "leaky-lookup"])
def test_the_leaky_twins_are_reported(program, primes, mode):
    code, _, report = memcheck(program, mode, primes)
    assert code == REPORTED, report
