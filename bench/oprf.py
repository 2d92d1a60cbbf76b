"""Prints what an oblivious pseudorandom function costs per input, step by step: ``python bench/oprf.py``.

Microseconds of one core, the best of several runs. The outputs are checked against the direct evaluation, and
a proof over a changed element is seen to fail.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

import isthmus as ist
from isthmus._core import system
from isthmus.errors import ProofInvalid

COUNT = 16384
REPEATS = 5
Result = TypeVar("Result")


def best_of(run: Callable[[], Result]) -> tuple[float, Result]:
    """Return microseconds per input and the last result."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.thread_time()
        result = run()
        best = min(best, time.thread_time() - started)
    return best / COUNT * 1e6, result


def steps(name: str) -> dict[str, float]:
    """Time every step of one suite, verifiable mode."""
    inputs = [b"customer %d" % i for i in range(COUNT)]
    suite = ist.oprf.suite(name)
    server = ist.oprf.Server(suite.generate_key())
    client = ist.oprf.Client(suite, server.public_key)
    prover, key = suite._native.proof, server._key._scalar
    found = {}
    found["blind"], blinded = best_of(lambda: client.blind(inputs))
    points = blinded.elements
    found["evaluate"], multiples = best_of(lambda: suite.group.scalar_mult(key, points))
    found["prove"], proof = best_of(lambda: prover.prove(key, server.public_key, points, multiples))
    found["verify"], _ = best_of(lambda: prover.verify(server.public_key, points, multiples, proof))
    found["finalize"], outputs = best_of(lambda: suite._native.finalize(inputs, blinded._blinds, multiples))
    found["evaluate directly"], direct = best_of(lambda: server.evaluate_directly(inputs))
    assert np.array_equal(outputs, direct)
    evaluation = server.evaluate(points)
    wrong = evaluation.elements[::-1]
    try:
        client.finalize(blinded, replace(evaluation, elements=wrong))
    except ProofInvalid:
        return found
    raise AssertionError("a false proof was taken")


def main() -> None:
    """Print the table for the backend in use."""
    system.set_thread_count(1)
    results = {name: steps(name) for name in ist.oprf.suite_names()}
    table = Table("step", *results, title=f"µs per input, {COUNT} inputs, {system.active_backend()}")
    for step in next(iter(results.values())):
        table.add_row(step, *(f"{result[step]:.2f}" for result in results.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
