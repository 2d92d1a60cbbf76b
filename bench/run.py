"""Times every operation of the Paillier core: ``python bench/run.py --key-bits 2048 3072 --threads 1 2``.

Every result is checked after it was timed. Core µs are processor time per unit on one thread, the best of a
few runs, which other programs on the machine do not lengthen. The floor is the number of products (counts.py)
times the kernels' own times for one, measured in the same process. "2 threads" is how many times as fast the
clock was as with one, the runs taken by turns. Peak is by how much resident memory grew during the call, the
result included.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import counts
import tables
import workloads
from counts import Products
from results import Recorder
from workloads import Workload

from isthmus._core import bigint, system

REPEATS = 5
KERNEL_REPEATS = 20  # of milliseconds each; those that another program disturbed are longer
# n, features, bins: one of the three varies at a time around 30 features of 32 bins.
GROWTH_ROWS = (1_000, 10_000, 100_000, 1_000_000)
GROWTH_SHAPES = ((3, 32), (10, 32), (30, 32), (30, 8), (30, 128))


def kernel_seconds(key_bits: int) -> Products:
    """Return the processor seconds of one product and one squaring in each ring, operands in the cache."""
    batch, rounds = 64, 200
    found = []
    for bits in (key_bits, key_bits // 2, key_bits // 2 + counts.GUARD_BITS):
        ring = bigint.SquareModulus(secrets.randbits(bits) | 1 << (bits - 1) | 1)
        x, y = ([secrets.randbits(2 * bits - 1) for _ in range(batch)] for _ in range(2))
        runs: tuple[Callable[[int], Any], ...] = (
            lambda n, ring=ring, x=x, y=y: ring.multiply_repeatedly(x, y, n),
            lambda n, ring=ring, x=x: ring.square_repeatedly(x, n),
        )
        for run in runs:
            empty = min(_processor(lambda run=run: run(0)) for _ in range(5))
            best = min(_processor(lambda run=run: run(rounds)) for _ in range(KERNEL_REPEATS))
            found.append((best - empty) / rounds / batch)
    return Products(*found)


def _processor(run: Callable[[], Any]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start


def resident_kib(field: str) -> int:
    """Return VmRSS or VmHWM of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0])


def grown_bytes(run: Callable[[], Any]) -> int:
    """Return by how much resident memory grew at most during the call."""
    gc.collect()
    system.drop_kept_blocks()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak to what is resident now
    before = resident_kib("VmRSS")
    run()
    return max(0, resident_kib("VmHWM") - before) * 1024


def measure(row: Workload, threads: list[int], seconds: float) -> dict[str, Any]:
    """Time one row by turns on each number of threads, until its share of the time is spent."""
    elapsed = dict.fromkeys(threads, float("inf"))
    processor = dict(elapsed)
    system.set_thread_count(threads[0])
    grown = grown_bytes(row.run)  # and makes the key's tables
    began, result = time.monotonic(), None
    for _ in range(REPEATS):
        for count in threads:
            system.set_thread_count(count)
            start, processor_start = time.perf_counter(), time.process_time()
            result = row.run()
            elapsed[count] = min(elapsed[count], time.perf_counter() - start)
            processor[count] = min(processor[count], time.process_time() - processor_start)
        if time.monotonic() - began > seconds:
            break
    row.verify(result)
    return {
        "unit": row.unit,
        "operations": row.operations,
        "elapsed": elapsed,
        "processor": processor,
        "grown_bytes": grown,
    }


def issue_rows(key_bits: int, scale: float) -> Iterator[Workload]:
    """Yield one row for each operation, at the sizes that a user has."""

    def size(n: int) -> int:
        return max(int(n * scale), 256)

    many = size(4096)
    yield workloads.array(key_bits, size(100_000))
    yield workloads.add(key_bits, size(8192))
    yield workloads.total(key_bits, size(8192))
    for fast in (False, True):
        yield workloads.encrypt_public(key_bits, many, fast=fast)
        yield workloads.encrypt_owner(key_bits, many, fast=fast)
        yield workloads.decrypt(key_bits, size(1024), fast=fast)
    yield workloads.mul_plain(key_bits, many)
    yield workloads.rerandomize(key_bits, many)
    yield workloads.to_bytes(key_bits, many)
    yield workloads.from_bytes(key_bits, many)
    for rows in (100_000, 1_000_000):
        yield workloads.bucket_sum(key_bits, size(rows), 30)
    for bits in (20, 40):
        yield workloads.weighted_sum(key_bits, size(100_000), 50, bits)
    yield workloads.weighted_sum_binned(key_bits, size(100_000), 50)
    yield workloads.packed_products(key_bits, size(20_000), 16)
    yield workloads.compress(key_bits, size(960))


def growth_rows(key_bits: int, scale: float) -> Iterator[tuple[dict[str, Any], Workload]]:
    """Yield the rows of the growth curves."""
    for n in (int(rows * scale) for rows in GROWTH_ROWS):
        for features, bins in GROWTH_SHAPES:
            shape = {"rows": n, "features": features, "bins": bins}
            yield {"curve": "bucket_sum", **shape}, workloads.bucket_sum(key_bits, n, features, bins)
        yield {"curve": "weighted_sum", "rows": n, "features": 16}, workloads.weighted_sum(key_bits, n, 16)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key-bits", type=int, nargs="+", default=[2048])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--scale", type=float, default=1.0, help="shrink all sizes")
    parser.add_argument("--seconds", type=float, default=3, help="a row is not run again after these")
    parser.add_argument("--growth", action="store_true", help="measure the growth curves instead")
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name holds one of these words")
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    return parser.parse_args()


def main() -> None:
    given = options()
    recorder = Recorder(given.json)
    backend = system.active_backend()
    for key_bits in given.key_bits:
        kernels = kernel_seconds(key_bits)
        key: dict[str, Any] = {"key_bits": key_bits, "backend": backend}
        product = {"product": kernels.n, "squaring": kernels.n_squarings}
        product |= {"half_product": kernels.p, "half_squaring": kernels.p_squarings}
        recorder.add("kernel", key, product)
        rows = (
            growth_rows(key_bits, given.scale)
            if given.growth
            else (({}, row) for row in issue_rows(key_bits, given.scale))
        )
        for curve, row in rows:
            if not any(word in row.name for word in given.only):
                continue
            figures = measure(row, given.threads, given.seconds)
            if row.products is not None:
                figures["products"] = row.products.total
                figures["floor"] = row.products.seconds(kernels)
            name = curve or {"operation": row.name}
            recorder.add("growth" if curve else "core", {**key, **name}, figures)
            print(f"{key_bits} bits, {row.name}: {min(figures['elapsed'].values()):.3f} s", file=sys.stderr)
    print(tables.growth(recorder.rows) if given.growth else tables.core(recorder.rows))


if __name__ == "__main__":
    main()
