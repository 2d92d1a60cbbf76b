"""Aligns two files between two processes over mutual TLS on loopback, and prints what it cost.

    python bench/psi_end_to_end.py --log2 16 20

Per size n: each party reads its own Parquet file of n identifiers, half of them shared, intersects (both
learn), and writes its aligned rows; the files are then compared. Seconds are wall time of the slower party,
from the first byte read to the last byte written; CPU seconds and peak memory are of its whole process.
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

from isthmus import psi, tables
from isthmus.party import run_local
from isthmus.party.session import Session


@dataclass(frozen=True)
class Cost:
    """What one party's run cost."""

    seconds: float
    cpu_seconds: float
    bytes_sent: int
    peak_mib: float


def write_ids(path: Path, start: int, count: int) -> None:
    """Write ``count`` shuffled identifiers from ``start`` on."""
    numbers = np.random.default_rng(start).permutation(count) + start
    tables.write_table(pa.table({"id": pa.array(numbers).cast(pa.string())}), path)


def align(session: Session, source: Path, target: Path) -> Cost:
    """Read, intersect and write; return the cost."""
    began = time.perf_counter()
    table = tables.read_table(source, text=["id"])
    found = psi.intersect(session, table, role="both")
    tables.write_table(table.take(pa.array(found.indices)), target)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(seconds, time.process_time(), sum(stage.bytes_sent for stage in session.stages), peak)


def run(count: int) -> Cost:
    """Align two lists of ``count`` identifiers; return the slower party's cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        starts = {"bank": 0, "fund": count // 2}
        for party, start in starts.items():
            write_ids(folder / f"{party}.parquet", start, count)

        def work(party: str) -> Callable[[Session], Cost]:
            source, target = folder / f"{party}.parquet", folder / f"{party}.aligned.parquet"
            return lambda session: align(session, source, target)

        costs = run_local({party: work(party) for party in starts})
        aligned = [tables.read_table(folder / f"{party}.aligned.parquet") for party in starts]
        assert aligned[0].equals(aligned[1])
        assert aligned[0].num_rows == count - count // 2
        slower: Cost = max(costs.values(), key=lambda cost: cost.seconds)
        return slower


def main() -> None:
    """Print one row per size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log2", type=int, nargs="+", default=[16, 20], help="sizes as powers of two")
    print("| n per party | seconds | µs per item | CPU seconds | bytes sent per item | peak MiB |")
    print("|---|---|---|---|---|---|")
    for exponent in parser.parse_args().log2:
        count = 1 << exponent
        cost = run(count)
        print(
            f"| 2^{exponent} | {cost.seconds:.1f} | {cost.seconds / count * 1e6:.1f} "
            f"| {cost.cpu_seconds:.1f} | {cost.bytes_sent / count:.1f} | {cost.peak_mib:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
