"""Every command explains itself, and at once."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "pyarrow", "grpc", "google", "cryptography", "sklearn", "matplotlib", "pandas", "ray"}
COMMANDS = ["demo", "psi", "train", "predict", "evaluate", "party", "keygen", "bench", "version"]


def test_help_lists_every_command(run):
    done = run("--help")
    assert done.exit_code == 0
    assert all(name in done.output for name in COMMANDS)


@pytest.mark.parametrize(
    "command",
    [*([name] for name in COMMANDS), ["psi", "run"], ["psi", "star"], ["party", "init"], ["party", "trust"]],
)
def test_every_command_has_help(run, command):
    done = run(*command, "--help")
    assert done.exit_code == 0 and "Usage" in done.output


@pytest.mark.parametrize("code", ["import isthmus.cli.app", "import isthmus"])
def test_nothing_heavy_is_imported_before_a_command_needs_it(code):
    """What makes help answer at once: what takes long to import is not there yet."""
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {name.partition(".")[0] for name in shown.stdout.split()}
    assert "isthmus" in loaded and not loaded & HEAVY
    assert "isthmus._core" not in shown.stdout.split()


def test_help_imports_nothing_heavy():
    code = "import sys; from isthmus.cli.app import app; app(standalone_mode=False); print(*sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code, "psi", "run", "--help"], check=True, capture_output=True, text=True
    )
    assert "Usage" in shown.stdout
    assert not {name.partition(".")[0] for name in shown.stdout.splitlines()[-1].split()} & HEAVY


def test_wrong_usage_exits_2(run):
    assert run("nonsense").exit_code == 2
    assert run("evaluate").exit_code == 2
    assert run("demo", "--model", "forest").exit_code == 2
