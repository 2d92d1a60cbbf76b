"""Virtual environments for the peers: one each, kept between runs, away from ours and from each other."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HOME = Path.home() / ".cache" / "isthmus-bench-peers"


@dataclass(frozen=True)
class Peer:
    """A peer's packages.

    Attributes
    ----------
    name
        Folder of its environment.
    requirements
        What pip installs, versions pinned.
    pythons
        Versions that its wheels are for, best first.
    dependencies
        Whether pip also installs what the packages ask for; some ask for far more than we time.
    """

    name: str
    requirements: tuple[str, ...]
    pythons: tuple[str, ...] = ("3.11", "3.10")
    dependencies: bool = True


def python_of(peer: Peer) -> Path:
    """Return the interpreter of the peer's environment, made now if need be."""
    folder = HOME / peer.name
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists() or done.read_text() != " ".join(peer.requirements):
        print(f"installing {', '.join(peer.requirements)} in {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([_interpreter(peer.pythons), "-m", "venv", str(folder)], check=True)
        options = [] if peer.dependencies else ["--no-deps"]
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *options, *peer.requirements], check=True)
        done.write_text(" ".join(peer.requirements))
    return python


def _interpreter(versions: tuple[str, ...]) -> str:
    """Return a Python of one of these versions: this one, from PATH, or from pyenv."""
    for version in versions:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            return sys.executable
        found = shutil.which(f"python{version}")
        if found and _runs(found):
            return found
        installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
        if installed:
            return str(installed[-1])
    raise SystemExit(f"this peer needs Python {' or '.join(versions)}, and none is installed")


def _runs(python: str) -> bool:
    """Tell an interpreter from a version manager's stand-in for one that is not selected."""
    return subprocess.run([python, "--version"], check=False, capture_output=True).returncode == 0
