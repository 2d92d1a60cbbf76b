"""Measures everything that bench/README.md shows, and writes its tables and plots.

    python bench/report.py measure                 # about 40 minutes on two cores
    python bench/report.py measure core psi-50m    # some steps, or one that is not among those
    python bench/report.py list                    # the steps, with the minutes they take
    python bench/report.py write                   # tables and plots, from the rows measured so far

Nothing else should run on the machine while it measures. Rows are appended to a file of this processor's in
bench/results. A table is written between ``<!-- table: NAME -->`` and ``<!-- end -->`` in bench/README.md,
README.md and docs/scale.md, and left as it is while there are no rows for it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import plots
import tables
from results import HERE, Measured, default_path, load, machine, select

ROOT = HERE.parent
PAGES = (HERE / "README.md", ROOT / "README.md", ROOT / "docs" / "scale.md")
MARKED = re.compile(r"(<!-- table: ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command: what it is called, the minutes it takes, and its arguments."""

    name: str
    minutes: float
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    only_by_name: bool = False


def _psi(*arguments: str) -> tuple[str, ...]:
    return ("bench/psi_end_to_end.py", *arguments)


SUITES = ("--suites", "X25519", "P-256", "SM2")
SHORT = ("--key-bits", "2048", "3072", "--threads", "1", "--scale", "0.2", "--seconds", "1")
STEPS = (
    Step("kernels", 1.2, ("bench/kernels.py",)),
    Step("groups", 1.5, ("bench/groups.py",)),
    Step("core", 4.5, ("bench/run.py", "--key-bits", "2048", "3072", "--seconds", "2")),
    Step("growth", 2.5, ("bench/run.py", "--growth", "--seconds", "0.5")),
    Step("core-avx2", 1.0, ("bench/run.py", *SHORT), {"ISTHMUS_BACKEND": "avx2"}),
    Step("core-portable", 1.8, ("bench/run.py", *SHORT), {"ISTHMUS_BACKEND": "portable"}),
    Step("peers-paillier", 8, ("bench/peers/paillier.py", "--seconds", "4")),
    Step(
        "peers-paillier-all-cores",
        5,
        ("bench/peers/paillier.py", "--all-cores", "--repeat", "2", "--seconds", "3"),
    ),
    Step("psi", 1, _psi("--sizes", "65536", "1048576")),
    Step("psi-state", 0.5, _psi("--sizes", "1048576", "--threads", "2", "--state")),
    Step("psi-suites", 2, _psi("--sizes", "65536", "1048576", "--threads", "2", *SUITES)),
    Step("peers-psi", 3, ("bench/peers/psi.py", "--log2", "16", "--repeat", "1")),
    Step("peers-psi-million", 6, ("bench/peers/psi.py", "--log2", "20", "--repeat", "1")),
    Step("psi-10m", 6.5, _psi("--sizes", "10000000")),
    Step("demo", 1.5, ("bench/demo.py",)),
    Step("psi-50m", 8, _psi("--sizes", "50000000x1000000", "--threads", "2"), only_by_name=True),
)


def measure(steps: list[Step], path: Path) -> list[str]:
    """Run the steps one after the other; return those that failed."""
    failed = []
    for step in steps:
        print(f"\n{step.name}: about {step.minutes:g} min", file=sys.stderr, flush=True)
        began = time.monotonic()
        environment = {**os.environ, **step.environment}
        command = [sys.executable, *step.command, "--json", str(path)]
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment)
        minutes = (time.monotonic() - began) / 60
        print(f"{step.name}: {minutes:.1f} min", file=sys.stderr, flush=True)
        if done.returncode != 0:
            failed.append(step.name)
    return failed


def _of(table: str, make: Callable[[list[Measured]], str], **key: object) -> Callable[[list[Measured]], str]:
    """Return a function that makes a table of those rows, or nothing when there are none."""

    def write(rows: list[Measured]) -> str:
        chosen = list(select(rows, table, **key))
        return make(chosen) if chosen else ""

    return write


def best_backend(rows: list[Measured]) -> str:
    """Return the backend of the main tables: the fastest that was measured."""
    order = ("portable", "avx2", "avx512ifma")
    return max((row["backend"] for row in select(rows, "core")), key=order.index, default="")


def _core_of(backend: str) -> Callable[[list[Measured]], str]:
    def write(rows: list[Measured]) -> str:
        return _of("core", tables.core, backend=backend or best_backend(rows))(rows)

    return write


def where(rows: list[Measured]) -> str:
    """Say on which machine and when the rows were measured."""
    if not rows:
        return ""
    machines = ", ".join(dict.fromkeys(row.where["machine"] for row in rows))
    days = sorted(row.where["when"][:10] for row in rows)
    commits = ", ".join(dict.fromkeys(f"`{row.where['commit']}`" for row in rows if row.where["commit"]))
    span = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    return f"{machines}; {span}; commit {commits}.\n"


def _plot(table: str, name: str, words: str) -> Callable[[list[Measured]], str]:
    return _of(table, lambda _: f"![{words}](growth-{name}.svg)")


TABLES: dict[str, Callable[[list[Measured]], str]] = {
    "where": where,
    "kernels": _of("kernels", tables.kernels),
    "groups": _of("groups", tables.groups),
    "sodium": _of("sodium", tables.sodium),
    "rings": _of("kernel", tables.rings),
    "core": _core_of(""),
    "memory": lambda rows: _of("core", tables.memory, backend=best_backend(rows))(rows),
    "core-avx2": _core_of("avx2"),
    "core-portable": _core_of("portable"),
    "growth": lambda rows: _of("growth", tables.growth, backend=best_backend(rows))(rows),
    "peers-paillier-2048": _of("paillier-peers", tables.paillier_peers, key_bits=2048, cores="one"),
    "peers-paillier-3072": _of("paillier-peers", tables.paillier_peers, key_bits=3072, cores="one"),
    "peers-paillier-2048-all": _of("paillier-peers", tables.paillier_peers, key_bits=2048, cores="all"),
    "peers-paillier-3072-all": _of("paillier-peers", tables.paillier_peers, key_bits=3072, cores="all"),
    "psi": _of("psi", tables.psi),
    "peers-psi": _of("psi-peers", tables.psi_peers),
    "scale-items": tables.scale_items,
    "scale-billion": tables.scale_billion,
    "demo": _of("demo", tables.demo),
    "summary": tables.summary,
    "plot-paillier": _plot(
        "growth", "paillier", "Time of bucket_sum and weighted_sum per unit and in all, by rows"
    ),
    "plot-psi": _plot("psi", "psi", "Seconds, memory and bytes of an alignment, by identifiers"),
}


def write(path: Path) -> None:
    """Fill the marked places of the pages and draw the plots."""
    rows = load(path)

    def fill(match: re.Match[str]) -> str:
        made = TABLES[match[2]](rows)
        return f"{match[1]}{made.rstrip()}\n{match[3]}" if made else match[0]

    for page in PAGES:
        page.write_text(MARKED.sub(fill, page.read_text(encoding="utf-8")), encoding="utf-8")
        print(page)
    for plot in plots.draw(rows, HERE):
        print(plot)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["measure", "write", "list"])
    parser.add_argument("steps", nargs="*", metavar="STEP", help="steps to measure; all if none is named")
    parser.add_argument("--results", type=Path, default=default_path(), help="the file of rows")
    given = parser.parse_args()
    known = {step.name: step for step in STEPS}
    if unknown := set(given.steps) - set(known):
        parser.error(f"no such step: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    steps = [known[name] for name in given.steps] or [step for step in STEPS if not step.only_by_name]
    if given.what == "write":
        write(given.results)
        return
    print(f"{machine()}: {sum(step.minutes for step in steps):g} min in all")
    if given.what == "list":
        for step in STEPS:
            print(f"{step.minutes:5g}  {step.name:24}  {' '.join(step.command)}")
        return
    if failed := measure(steps, given.results):
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
