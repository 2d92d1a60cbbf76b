"""Fixtures that several test folders use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def installed_core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the core without Python, with the flags it ships with, and return its install prefix."""
    folder = tmp_path_factory.mktemp("core")
    build, prefix = folder / "build", folder / "prefix"
    launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
    _run("cmake", "-S", str(ROOT), "-B", str(build), f"-DCMAKE_INSTALL_PREFIX={prefix}", *launcher)
    _run("cmake", "--build", str(build), "--parallel", "2")
    _run("cmake", "--install", str(build))
    return prefix


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
