"""Fixtures that several test folders use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# A busy machine is no failure, and every run of one revision draws the same examples, so that what fails is
# the change. ``--hypothesis-profile=explore`` draws others.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("isthmus", settings.get_profile("explore"), derandomize=True)
settings.load_profile("isthmus")


@pytest.fixture(scope="session")
def cmake() -> Callable[..., None]:
    """Return a function that runs this environment's cmake with Ninja and fails with its output."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    tool = shutil.which("cmake", path=path)
    assert tool is not None, "cmake is part of the test extra: pip install '.[test]'"

    def run(*arguments: object) -> None:
        command = [tool, *map(str, arguments)]
        environment = {**os.environ, "PATH": path, "CMAKE_GENERATOR": "Ninja"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"

    return run


@pytest.fixture(scope="session")
def installed_core(cmake: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the core without Python, with the flags it ships with, and return its install prefix."""
    folder = tmp_path_factory.mktemp("core")
    build, prefix = folder / "build", folder / "prefix"
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    cmake("-S", ROOT, "-B", build, f"-DCMAKE_INSTALL_PREFIX={prefix}", *launcher)
    cmake("--build", build, "--parallel", 2)
    cmake("--install", build)
    return prefix
