"""The dependency table of docs/architecture.md, held by the machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Which layers a C++ layer may include, beside itself.
MAY_INCLUDE = {
    "core": set(),
    "bigint": {"core"},
    "hash": {"core"},
    "field": {"core"},
    "paillier": {"core", "bigint", "hash"},
    "aggregate": {"core", "bigint", "paillier"},
    "curve": {"core", "hash", "field"},
    "hash_to_curve": {"core", "hash", "field", "curve"},
    "oprf": {"core", "hash", "curve", "hash_to_curve"},
    "psi": {"core", "hash", "field", "curve", "hash_to_curve"},
}
_INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)


def layer_folders():
    for base in (ROOT / "cpp" / "include" / "isthmus", ROOT / "cpp" / "src"):
        yield from (folder for folder in base.iterdir() if folder.is_dir())


def sources(folder):
    return [path for path in folder.rglob("*") if path.suffix in (".hpp", ".cpp")]


def test_python_imports_point_one_way():
    """import-linter's contracts in .importlinter."""
    code = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", code, "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_cpp_layer_is_in_the_table():
    assert {folder.name for folder in layer_folders()} <= set(MAY_INCLUDE)


@pytest.mark.parametrize("layer", MAY_INCLUDE)
def test_cpp_includes_point_one_way(layer):
    folders = [folder for folder in layer_folders() if folder.name == layer]
    assert folders
    for path in (path for folder in folders for path in sources(folder)):
        for included in _INCLUDE.findall(path.read_text(encoding="utf-8")):
            assert not re.match(r"pybind11|Python\.h", included), f"{path}: the core knows no Python"
            if included.startswith("isthmus/"):
                target = included.split("/")[1]
                assert target in MAY_INCLUDE[layer] | {layer}, f"{path} includes {included}"


def test_aggregate_and_psi_never_meet():
    def reach(layer):
        return {layer}.union(*(reach(below) for below in MAY_INCLUDE[layer]))

    assert "psi" not in reach("aggregate") and not {"aggregate", "paillier"} & reach("psi")


def test_nothing_includes_the_bindings():
    for folder in layer_folders():
        for path in sources(folder):
            assert "bindings" not in "".join(_INCLUDE.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", ["isthmus", "isthmus.cli.app"])
def test_importing_loads_nothing_heavy(module):
    heavy = ("numpy", "pyarrow", "grpc", "sklearn", "matplotlib", "pandas", "scipy")
    code = f"import sys, {module}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
