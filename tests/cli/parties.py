"""Parties on the command line: each its own process, its own folder, mutual TLS between them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.tables import write_table
from tests.ports import free_port

COMMAND = [sys.executable, "-m", "isthmus"]
PARTIES = ("bank", "fund")
OUT = ["--out", "aligned.parquet"]
STATE = [*OUT, "--state", "state"]

DIES = """
import os
import isthmus.tables
from isthmus.psi.checkpoint import Checkpoint
def die(*_, **__):
    os._exit(9)
{target} = die
from isthmus.cli.app import main
main()
"""


def fingerprint_of(done: Any) -> str:
    """Return the fingerprint that a command printed."""
    return next(line.split()[1] for line in done.output.splitlines() if line.startswith("fingerprint"))


def introduce(run: Callable[..., Any], folder: Path) -> dict[str, str]:
    """Make a bank that waits and a fund that dials, each in its own folder, trusting each other."""
    pins = {}
    where = f"127.0.0.1:{free_port()}"
    for name, more in (("bank", ["--listen", where]), ("fund", [])):
        (folder / name).mkdir()
        made = run("party", "init", "--name", name, "--folder", folder / name, *more)
        assert made.exit_code == 0, made.output
        pins[name] = fingerprint_of(made)
    for name, peer, more in (("bank", "fund", []), ("fund", "bank", ["--address", where])):
        certificate, file = folder / peer / f"{peer}.crt", folder / name / f"{name}.toml"
        done = run("party", "trust", certificate, "--party", file, "--fingerprint", pins[peer], *more)
        assert done.exit_code == 0, done.output
    return pins


def write_tables(folder: Path, rows: int = 600) -> None:
    """Customers 0..rows-1: the bank lacks the last tenth and the fund the first, and their orders differ."""
    rng = np.random.default_rng(3)
    signal, noise = rng.normal(size=rows), rng.normal(size=rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(-2 * signal - noise))).astype(np.int64)
    ids = np.array([f"K{number:05d}" for number in rng.permutation(90_000)[:rows]])
    city = np.array(["north", "south", "west"])[rng.integers(0, 3, rows)]
    bank, fund = rng.permutation(rows - rows // 10), rng.permutation(np.arange(rows // 10, rows))
    table = {"customer": ids[bank], "defaulted": label[bank], "noise": noise[bank], "city": city[bank]}
    write_table(pa.table(table), folder / "bank" / "bank.csv")
    write_table(pa.table({"customer": ids[fund], "signal": signal[fund]}), folder / "fund" / "fund.parquet")


def psi_arguments(**changes: list[str]) -> dict[str, list[str]]:
    """Return each party's command; ``changes`` replaces a party's ``--out``."""
    own = {"bank": "bank.csv", "fund": "fund.parquet"}
    fixed = ["--job", "june", "--id", "customer"]
    return {
        name: ["psi", "run", "--party", f"{name}.toml", "--input", own[name], *fixed, *changes.get(name, OUT)]
        for name in PARTIES
    }


def dying(target: str) -> list[str]:
    """A command that ends, as if killed, where the function ``target`` would be called."""
    return [sys.executable, "-c", DIES.format(target=target)]


def start(
    folder: Path, arguments: list[str], command: list[str] = COMMAND, **env: str
) -> subprocess.Popen[str]:
    """Start one party's command in its folder."""
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "120", **env},
    )


def together(
    world: Path, arguments: Mapping[str, list[str]], timeout: float = 100
) -> dict[str, tuple[int, str]]:
    """Run one command per party, each in its own folder; return statuses and outputs."""
    started = {name: start(world / name, arguments[name]) for name in arguments}
    try:
        outputs = {name: process.communicate(timeout=timeout)[0] for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
    return {name: (started[name].returncode, outputs[name]) for name in arguments}


def succeeded(done: Mapping[str, tuple[int, str]]) -> None:
    for status, output in done.values():
        assert status == 0, output
