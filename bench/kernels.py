"""Times one product of each kernel: ``python bench/kernels.py``.

One process per backend that this machine can run (``ISTHMUS_BACKEND``), pinned to one thread. A row is a ring
(modulo m, or modulo m² in pairs) of a length that keys use; a column is how many independent products a call
has. Figures are nanoseconds of processor time per product, the best of several runs, with the cost of a run
of no products taken off. Every result is checked with GMP, all of them in one run of a few rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gmpy2
import tables
from results import Recorder

from isthmus._core import bigint, system

BATCHES = (1, 4, 8, 16, 64)
# The modulus that bears the digits, and the key it belongs to.
LENGTHS = ((1024, "p of 2048"), (1536, "p of 3072"), (2048, "n of 2048"), (3072, "n of 3072"))
RUN_SECONDS = 0.004


def processor_seconds(run: Callable[[], object]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start


def nanoseconds(run: Callable[[int], object], batch: int, repeats: int) -> float:
    """Return the time of one of the products of ``run(rounds)``, which has ``rounds`` batches of them."""
    run(1)
    once = max(processor_seconds(lambda: run(8)) - processor_seconds(lambda: run(0)), 1e-7) / 8
    rounds = max(2, int(RUN_SECONDS / once))
    empty = min(processor_seconds(lambda: run(0)) for _ in range(3))
    best = min(processor_seconds(lambda: run(rounds)) for _ in range(repeats))
    return max(best - empty, 0.0) / rounds / batch * 1e9


def check(ring: bigint.Modulus | bigint.SquareModulus, value: int, operands: list[int]) -> None:
    """Compare a few rounds of every batch size with GMP."""
    for batch in BATCHES:
        x, y = operands[:batch], operands[-batch:]
        products = [a * gmpy2.powmod(b, 3, value) % value for a, b in zip(x, y, strict=True)]
        if ring.multiply_repeatedly(x, y, 3) != products:
            raise AssertionError(f"wrong product modulo {value}")
        if ring.square_repeatedly(x, 3) != [gmpy2.powmod(a, 8, value) for a in x]:
            raise AssertionError(f"wrong square modulo {value}")


def measure(repeats: int) -> list[tuple[str, list[float]]]:
    """Return the rows of the backend in use."""
    source = random.Random(52)
    rows = []
    for bits, name in LENGTHS:
        m = source.getrandbits(bits) | 1 << (bits - 1) | 1
        rings: list[tuple[str, bigint.Modulus | bigint.SquareModulus, int]] = [
            (f"mod {name}", bigint.Modulus(m), m),
            (f"mod ({name})²", bigint.SquareModulus(m), m * m),
        ]
        for title, ring, value in rings:
            operands = [source.randrange(value) for _ in range(max(BATCHES))]
            check(ring, value, operands)
            for operation in ("mul", "sqr"):
                figures = []
                for batch in BATCHES:
                    x, y = operands[:batch], operands[-batch:]

                    def run(rounds: int, operation=operation, ring=ring, x=x, y=y) -> object:
                        if operation == "mul":
                            return ring.multiply_repeatedly(x, y, rounds)
                        return ring.square_repeatedly(x, rounds)

                    figures.append(nanoseconds(run, batch, repeats))
                rows.append((f"{title} {operation}", figures))
    return rows


def backend_rows(backend: str, repeats: int) -> list[tuple[str, list[float]]]:
    command = [sys.executable, __file__, "--child", "--repeats", str(repeats)]
    environment = {**os.environ, "ISTHMUS_BACKEND": backend}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [(name, figures) for name, figures in json.loads(done.stdout)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        system.set_thread_count(1)
        print(json.dumps(measure(args.repeats)))
        return
    recorder = Recorder(args.json)
    for backend in system.available_backends():
        for name, figures in backend_rows(backend, args.repeats):
            nanoseconds = dict(zip(BATCHES, figures, strict=True))
            recorder.add("kernels", {"kernel": name, "backend": backend}, {"nanoseconds": nanoseconds})
    print(tables.kernels(recorder.rows))


if __name__ == "__main__":
    main()
