"""Prints the measured rows of bench/README.md: ``python bench/run.py --key-bits 2048 --threads 1``.

Every result is checked after it was timed. Processor time, which other programs on the machine do not
lengthen, is the best of a few runs summed over the threads. The floor of a row is its number of products
mod n² (counts.py) times the kernel's own time for one, measured in the same process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import workloads
from rich.console import Console
from rich.table import Table

from isthmus._core import bigint, system


@dataclass(frozen=True)
class Timing:
    """The best of several runs: elapsed seconds, and processor seconds of all threads."""

    elapsed: float
    processor: float
    result: Any


def best_of(run: Callable[[], Any], repeats: int) -> Timing:
    elapsed, processor, result = float("inf"), float("inf"), None
    for _ in range(repeats):
        start, processor_start = time.perf_counter(), time.process_time()
        result = run()
        elapsed = min(elapsed, time.perf_counter() - start)
        processor = min(processor, time.process_time() - processor_start)
    return Timing(elapsed, processor, result)


def product_seconds(key_bits: int, repeats: int = 25) -> float:
    """Return the processor time of one product mod n²: bench/kernels.py's figure for as many at a time.

    Each run takes some milliseconds, since the clock of a process is read too coarsely for less; those that
    another program disturbed are longer, and the best counts.
    """
    rounds, n = 200, workloads.keys(key_bits)[0].n
    ring, values = bigint.SquareModulus(n), [pow(3, i + 1, n * n) for i in range(workloads.POOL)]

    def seconds(rounds: int) -> float:
        return best_of(lambda: ring.multiply_repeatedly(values, values, rounds), repeats).processor

    return (seconds(rounds) - seconds(0)) / rounds / workloads.POOL


def table(title: str, rows: Iterable[workloads.Workload], product: float, repeats: int) -> Table:
    out = Table(title=title)
    out.add_column("operation")
    out.add_column("unit")
    for heading in ("count", "seconds", "core us\n/ unit", "products\n/ unit", "achieved\n/ floor"):
        out.add_column(heading, justify="right")
    for row in rows:
        timing = best_of(row.run, repeats)
        row.verify(timing.result)
        per_unit = ratio = "-"
        if row.products is not None:
            per_unit = f"{row.products / row.operations:.2f}"
            ratio = f"{timing.processor / (row.products * product):.2f}"
        micros = f"{timing.processor / row.operations * 1e6:,.2f}"
        out.add_row(
            row.name, row.unit, f"{row.operations:,}", f"{timing.elapsed:.3f}", micros, per_unit, ratio
        )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key-bits", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the aggregate table")
    parser.add_argument(
        "--growth", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="rows of the growth table"
    )
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    system.set_thread_count(args.threads)
    console = Console(width=120)
    product = product_seconds(args.key_bits)
    console.print(
        f"{args.key_bits}-bit key, {system.thread_count()} thread(s), backend {system.active_backend()}: "
        f"one product mod n² takes {product * 1e6:.2f} us"
    )
    rows = [row(args.key_bits, workloads.POOL * 8) for row in workloads.PAILLIER.values()]
    console.print(table("paillier", rows, product, args.repeats))
    rows = [row(args.key_bits, args.rows) for row in workloads.AGGREGATE.values()]
    console.print(table("aggregate", rows, product, args.repeats))
    growth = [
        workloads.AGGREGATE[name](args.key_bits, n)
        for name in ("bucket_sum", "weighted_sum", "packed_products")
        for n in args.growth
    ]
    if growth:
        console.print(table("growth with rows", growth, product, 1))


if __name__ == "__main__":
    main()
