"""The core installs and is usable from another CMake project, without Python."""

import subprocess
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples/find_package"


def test_the_example_builds_against_the_installed_core_and_runs(cmake, installed_core, tmp_path):
    cmake("-S", EXAMPLE, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={installed_core}")
    cmake("--build", tmp_path)
    done = subprocess.run([str(tmp_path / "example")], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["alice", "carol"]


def test_no_public_header_needs_python(installed_core):
    headers = list((installed_core / "include/isthmus").rglob("*.hpp"))
    assert len(headers) > 10
    assert not [path for path in headers if "Python.h" in path.read_text() or "pybind11" in path.read_text()]
