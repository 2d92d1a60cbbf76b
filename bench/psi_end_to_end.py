"""Aligns two files between two processes over mutual TLS on loopback, and prints what it cost.

    python bench/psi_end_to_end.py                              # 2^16 and 2^20, threads 1 and 2
    python bench/psi_end_to_end.py --sizes 10000000 --threads 2
    python bench/psi_end_to_end.py --sizes 50000000x1000000 --threads 2
    python bench/psi_end_to_end.py --sizes 65536 --suites ristretto255 X25519 P-256 SM2 --format csv

A size is the number of identifiers of each party, or one number for each. Half of the smaller party's are
shared. Each party reads its own file as a stream, intersects (both learn), and writes its aligned rows; the
two outputs are then compared row by row. Making the files and comparing the results is not timed.

Seconds are wall time of the slower party, from the first byte read to the last byte written. CPU seconds are
of both processes, peak memory of the larger one, all libraries included. Idle is the share of the processors'
time that neither party used. The three shares are of the CPU seconds: reading, digesting, ordering and
finding repeats; hashing to the group and multiplying; matching, finding the rows and writing them. What is
left is messages and keeping what arrives.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import tables as markdown
from results import Recorder

from isthmus import _core, psi, tables
from isthmus.party import run_local
from isthmus.party.session import Session
from isthmus.protocol import matching
from isthmus.psi import runs

_CHUNK_ROWS = 1 << 20


@dataclass(frozen=True)
class Case:
    """One run: both sizes, and how it is run."""

    sizes: tuple[int, int]
    suite: str
    threads: int
    format: str
    memory_bytes: int
    state: bool
    folder: Path | None


@dataclass(frozen=True)
class Cost:
    """What one party's run cost."""

    seconds: float
    cpu_seconds: float
    bytes_sent: int
    peak_mib: float
    read: float
    curve: float
    match_and_write: float


@dataclass
class Phases:
    """Processor seconds of this process by phase, from clocks around the functions that bound them."""

    threads: int
    read: float = 0.0
    curve: float = 0.0
    end_of_curve: float = field(default_factory=time.process_time)

    def watch(self) -> None:
        """Put the clocks in place."""
        runs.read_items = self._reading(runs.read_items)
        matching.mask_digests = self._masking(matching.mask_digests)
        matching.mask_points = self._masking(matching.mask_points)

    def _reading(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            result = inner(*arguments, **named)
            self.read += time.process_time() - began
            return result

        return timed

    def _masking(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """Time one batch: the threads that share it are equally long at it."""

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.thread_time()
            result = inner(*arguments, **named)
            self.curve += (time.thread_time() - began) * self.threads
            self.end_of_curve = time.process_time()
            return result

        return timed


def peak_mib() -> float:
    """Return this process's largest resident size; getrusage would count the process that started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def write_ids(path: Path, start: int, count: int) -> None:
    """Write ``count`` identifiers of 11 digits from ``start`` on, out of order, in memory of a fixed size."""
    step = next(a for a in range(int(count * 0.618) | 1, 2 * count + 2) if math.gcd(a, count) == 1)
    schema = pa.schema([("id", pa.string())])
    csv = path.suffix == ".csv"
    open_writer = pa.csv.CSVWriter if csv else pa.parquet.ParquetWriter
    with open_writer(path, schema) as writer:
        for first in range(0, count, _CHUNK_ROWS):
            numbers = np.arange(first, min(first + _CHUNK_ROWS, count)) * step % count + (start + 10**10)
            writer.write_table(pa.table({"id": pa.array(numbers).cast(pa.string())}))


def align(session: Session, case: Case, source: Path, target: Path) -> Cost:
    """Read, intersect and write; return the cost."""
    _core.system.set_thread_count(case.threads)
    phases = Phases(case.threads)
    phases.watch()
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
    rest = time.process_time() - phases.end_of_curve
    sent = session.counters.bytes_sent
    return Cost(seconds, cpu, sent, peak_mib(), phases.read, phases.curve, rest)


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
    with tempfile.TemporaryDirectory(dir=case.folder) as name:
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


def figures(case: Case, costs: list[Cost], cores: int) -> dict[str, float]:
    """Return the row's figures."""
    seconds, cpu = max(cost.seconds for cost in costs), sum(cost.cpu_seconds for cost in costs)
    total = sum(case.sizes)
    return {
        "seconds": seconds,
        "micros_per_item": seconds / total * 2e6,
        "cpu_seconds": cpu,
        "idle": max(0.0, 1 - cpu / (seconds * min(cores, 2 * case.threads))),
        "bytes_per_item": sum(cost.bytes_sent for cost in costs) / total,
        "bytes_sent": sum(cost.bytes_sent for cost in costs),
        "peak_mib": max(cost.peak_mib for cost in costs),
        "read": sum(cost.read for cost in costs) / cpu,
        "curve": sum(cost.curve for cost in costs) / cpu,
        "match_and_write": sum(cost.match_and_write for cost in costs) / cpu,
    }


def sizes(text: str) -> tuple[int, int]:
    """Read ``n`` or ``nxm``; the larger comes first."""
    first, _, second = text.partition("x")
    both = int(first), int(second or first)
    return max(both), min(both)


def main() -> None:
    """Measure every case, then print a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=sizes, nargs="+", default=[sizes(str(1 << 16)), sizes(str(1 << 20))])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="threads of each party")
    parser.add_argument("--suites", nargs="+", default=["ristretto255"])
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--memory", type=int, default=1 << 30, help="bytes for records, per party")
    parser.add_argument("--state", action="store_true", help="write every batch down, as for resuming")
    parser.add_argument("--folder", type=Path, help="where inputs, outputs and what exceeds --memory go")
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    given = parser.parse_args()
    cores, recorder = _core.system.thread_count(), Recorder(given.json)
    backend = _core.system.active_backend()
    for both in given.sizes:
        for suite in given.suites:
            for threads in given.threads:
                case = Case(both, suite, threads, given.format, given.memory, given.state, given.folder)
                key = {"sizes": both, "suite": suite, "threads": threads, "backend": backend}
                extra = {"format": given.format, "state": given.state}
                recorder.add("psi", {**key, **extra}, figures(case, run(case), cores))
                print(markdown.psi(recorder.rows[-1:]).splitlines()[-1], flush=True)
    print("\n" + markdown.psi(recorder.rows))


if __name__ == "__main__":
    main()
