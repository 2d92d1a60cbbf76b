"""Prints the measured rows of bench/README.md: ``python bench/run.py --key-bits 2048 --threads 1``.

Times are the best of a few runs, and every result is checked after it was timed. The floor of a row is its
number of products mod n² (counts.py) times the kernel's own time for one, measured in the same process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from typing import Any

import workloads
from isthmus._core import system
from rich.console import Console
from rich.table import Table


def best_seconds(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the shortest of `repeats` runs, and the last result."""
    best = float("inf")
    result = None
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        best = min(best, time.perf_counter() - start)
    return best, result


def product_seconds(key_bits: int) -> float:
    """Return the time of one product mod n² on one thread, from a sum whose operands stay in cache."""
    _, ct = workloads.draw(key_bits, workloads.POOL)
    threads = system.thread_count()
    system.set_thread_count(1)
    seconds, _ = best_seconds(ct.sum, 20)
    system.set_thread_count(threads)
    return seconds / (workloads.POOL - 1)


def table(title: str, rows: Iterable[workloads.Workload], product: float, repeats: int) -> Table:
    out = Table(title=title)
    for heading in (
        "operation",
        "count",
        "unit",
        "seconds",
        "us per unit",
        "products per unit",
        "achieved / floor",
    ):
        out.add_column(heading, justify="left" if heading in ("operation", "unit") else "right")
    for row in rows:
        seconds, result = best_seconds(row.run, repeats)
        row.verify(result)
        per_unit = ratio = "-"
        if row.products is not None:
            per_unit = f"{row.products / row.operations:.2f}"
            ratio = f"{seconds * system.thread_count() / (row.products * product):.2f}"
        micros = f"{seconds / row.operations * 1e6:,.2f}"
        out.add_row(row.name, f"{row.operations:,}", row.unit, f"{seconds:.3f}", micros, per_unit, ratio)
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
    console = Console()
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
    console.print(table("growth with rows", growth, product, 1))


if __name__ == "__main__":
    main()
