"""Aligns two files between two processes over mutual TLS on loopback, and prints what it cost.

    python bench/psi_end_to_end.py                              # 2^16 and 2^20, threads 1 and 2
    python bench/psi_end_to_end.py --sizes 10000000 --threads 2
    python bench/psi_end_to_end.py --sizes 50000000:1000000 --threads 2
    python bench/psi_end_to_end.py --sizes 65536 --suites ristretto255 X25519 P-256 SM2 --format csv

A size is the number of identifiers of each party, or one number for each. Half of the smaller party's are
shared. Each party reads its own file as a stream, intersects (both learn), and writes its aligned rows; the
two outputs are then compared row by row. Seconds are wall time of the slower party, from the first byte read
to the last byte written. CPU seconds are of both processes, peak memory of the larger one, all libraries
included. Idle is the share of the processors' time that neither party used.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from isthmus import _core, psi, tables
from isthmus.party import run_local
from isthmus.party.session import Session

_CHUNK_ROWS = 1 << 20
_HEADER = "| n | suite | threads | seconds | µs per item | CPU seconds | idle | bytes per item | peak MiB |"


@dataclass(frozen=True)
class Case:
    """One run: both sizes, and how it is run."""

    sizes: tuple[int, int]
    suite: str
    threads: int
    format: str
    memory_bytes: int
    state: bool


@dataclass(frozen=True)
class Cost:
    """What one party's run cost."""

    seconds: float
    cpu_seconds: float
    bytes_sent: int
    peak_mib: float


def write_ids(path: Path, start: int, count: int) -> None:
    """Write ``count`` shuffled identifiers of 11 digits from ``start`` on."""
    numbers = np.random.default_rng(start).permutation(count) + (start + 10**10)
    schema = pa.schema([("id", pa.string())])
    csv = path.suffix == ".csv"
    open_writer = pa.csv.CSVWriter if csv else pa.parquet.ParquetWriter
    with open_writer(path, schema) as writer:
        for first in range(0, count, _CHUNK_ROWS):
            ids = pa.array(numbers[first : first + _CHUNK_ROWS]).cast(pa.string())
            writer.write_table(pa.table({"id": ids}))


def align(session: Session, case: Case, source: Path, target: Path) -> Cost:
    """Read, intersect and write; return the cost."""
    _core.system.set_thread_count(case.threads)
    began = time.perf_counter(), time.process_time()
    found = psi.intersect(
        session,
        tables.open_stream(source, text=["id"]),
        role="both",
        suite=case.suite,
        memory_bytes=case.memory_bytes,
        work_dir=source.parent,
        state_dir=source.with_suffix(".state") if case.state else None,
    )
    tables.write_rows(source, found.indices, target, text=["id"])
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(seconds, cpu, session.counters.bytes_sent, peak)


def check(paths: list[Path], sizes: tuple[int, int]) -> None:
    """Compare both outputs, batch by batch, and count them."""
    rows = 0
    streams = [iter(tables.open_stream(path, text=["id"])) for path in paths]
    first, shared = max(sizes) - min(sizes) // 2 + 10**10, min(sizes) // 2
    for own, other in zip(*streams, strict=True):
        assert own.equals(other)
        numbers = own.column(0).cast(pa.int64()).to_numpy()
        assert numbers.min() >= first and numbers.max() < first + shared
        rows += len(numbers)
    assert rows == shared


def run(case: Case) -> list[Cost]:
    """Align two files; return each party's cost."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        files = {party: folder / f"{party}.{case.format}" for party in ("bank", "fund")}
        # The larger set comes first, and the smaller starts in its last part.
        starts = (0, case.sizes[0] - case.sizes[1] // 2)
        for path, start, count in zip(files.values(), starts, case.sizes, strict=True):
            write_ids(path, start, count)

        def work(path: Path) -> Callable[[Session], Cost]:
            return lambda session: align(session, case, path, path.with_suffix(f".aligned.{case.format}"))

        costs = run_local({party: work(path) for party, path in files.items()})
        check([path.with_suffix(f".aligned.{case.format}") for path in files.values()], case.sizes)
        return list(costs.values())


def row(case: Case, costs: list[Cost], cores: int) -> str:
    """Return the table's row."""
    seconds, cpu = max(cost.seconds for cost in costs), sum(cost.cpu_seconds for cost in costs)
    total = sum(case.sizes)
    sent = sum(cost.bytes_sent for cost in costs) / total
    idle = max(0.0, 1 - cpu / (seconds * min(cores, 2 * case.threads)))
    n = " × ".join(f"{size:,}" for size in case.sizes)
    return (
        f"| {n} | {case.suite} | {case.threads} | {seconds:.1f} | {seconds / total * 2e6:.1f} | {cpu:.1f} "
        f"| {idle:.0%} | {sent:.1f} | {max(cost.peak_mib for cost in costs):.0f} |"
    )


def sizes(text: str) -> tuple[int, int]:
    """Read ``n`` or ``n:m``; the larger comes first."""
    first, _, second = text.partition(":")
    both = int(first), int(second or first)
    return max(both), min(both)


def main() -> None:
    """Print one row per case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=sizes, nargs="+", default=[sizes(str(1 << 16)), sizes(str(1 << 20))])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="threads of each party")
    parser.add_argument("--suites", nargs="+", default=["ristretto255"])
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--memory", type=int, default=1 << 30, help="bytes for records, per party")
    parser.add_argument("--state", action="store_true", help="write every batch down, as for resuming")
    given = parser.parse_args()
    cores = _core.system.thread_count()
    print(_HEADER)
    print("|---|---|---|---|---|---|---|---|---|")
    for both in given.sizes:
        for suite in given.suites:
            for threads in given.threads:
                case = Case(both, suite, threads, given.format, given.memory, given.state)
                print(row(case, run(case), cores), flush=True)


if __name__ == "__main__":
    main()
