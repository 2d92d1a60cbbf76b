"""Trains a logistic regression between two machines in one process, and prints what each stage cost.

    python bench/logistic_training.py --rows 20000 --columns 14 14 --key-bits 2048 --threads 2

The parties take turns, so a stage's seconds are its own; two machines overlap most of them. The floor of a
stage is its number of products mod n² (counts.py) times the kernel's own time for one, measured in the same
run. The weights are compared with those of scikit-learn's regression on the pooled columns.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import counts
import numpy as np
from gbdt_tree import drive
from sklearn.linear_model import LogisticRegression

from isthmus import paillier
from isthmus._core import system
from isthmus.models.scaling import BlockScaler, quantised, whitening
from isthmus.protocol import logistic_moments, logistic_refine, logistic_solver
from isthmus.protocol.logistic import LogisticParameters, Trained, train
from isthmus.protocol.logistic_messages import CHUNK, chunks
from isthmus.protocol.machine import Progress, Send, Steps
from isthmus.protocol.sharing import RING_BITS, SlotPlan

BACKEND = system.active_backend()
BITS = logistic_moments.FEATURE_MAGNITUDE_BITS


def draw(rows: int, columns: list[int]) -> list[np.ndarray[Any, Any]]:
    """Return both parties' columns, correlated with each other."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(rows, 1))
    return [rng.normal(size=(rows, count)) + common / 2 for count in columns]


def watched(steps: Steps[Trained], seconds: Counter[str], sent: Counter[str]) -> Steps[Trained]:
    """Pass the steps on; book time and bytes to the stage that is running."""
    answer, stage = None, "logistic: keys"
    while True:
        began = time.process_time()
        try:
            step = steps.send(answer)
        except StopIteration as stop:
            result: Trained = stop.value
            return result
        finally:
            seconds[stage] += time.process_time() - began
        if isinstance(step, Progress):
            stage = step.stage
        elif isinstance(step, Send):
            sent[stage] += step.message.ByteSize()
        answer = yield step


def owner_and_answer(key_bits: int) -> tuple[float, float]:
    """Products of an encryption by the owner, and of a result's encryption and decryption."""
    public = counts.encrypt_public(key_bits, BACKEND).total
    return counts.encrypt_owner(key_bits, BACKEND).total, public + counts.decrypt(key_bits).total


def weighted_sum(rows: int, columns: int, bits: int, key_bits: int) -> float:
    """Products of a weighted sum."""
    return counts.weighted_sum(rows, columns, bits, key_bits, BACKEND).total


def moments_products(rows: int, passive: int, active: int, key_bits: int) -> float:
    """One encryption of each row, a pass of weighted sums over them, and the masked answers."""
    slots = logistic_moments.moment_plan(rows, key_bits).slots
    packs = -(-(active + 1) // slots)
    owner, answer = owner_and_answer(key_bits)
    sums = sum(weighted_sum(stop - start, passive, BITS, key_bits) for start, stop in chunks(rows))
    return packs * (rows * owner + sums + passive * answer)


def solve_products(passive: int, active: int, key_bits: int, passes: int) -> float:
    """Both parties' random vectors, times the other's random matrix, masked and decrypted."""
    total = logistic_solver.STEPS * (passes + 1)
    plan = SlotPlan(2 * RING_BITS - 1 + max(passive, active).bit_length(), key_bits)
    packs = plan.plaintexts(total)
    shapes = (active, passive), (passive, active)
    sums = sum(weighted_sum(*shape, RING_BITS, key_bits) for shape in shapes)
    return 2 * packs * ((passive + active) * sum(owner_and_answer(key_bits)) + sums)


def pass_products(size: int, passive: int, active: int, key_bits: int) -> float:
    """Scores, cubes and gradient of one batch of the cubic sigmoid."""
    owner, answer = owner_and_answer(key_bits)
    total = 0.0
    for columns in (passive, active):
        plan = SlotPlan(RING_BITS + BITS + columns.bit_length(), key_bits)
        for start, stop in chunks(size, CHUNK // plan.slots * plan.slots):
            total += counts.packed_products(stop - start, columns, BITS, plan.slots, plan.slot_bits).total
        total += columns * owner + plan.plaintexts(size) * answer
        total += size * owner + weighted_sum(size, columns, BITS, key_bits) + columns * answer
    cubes = SlotPlan(2 * RING_BITS, key_bits)
    total += 2 * size * (owner + counts.mul_plain(RING_BITS).total) + size
    total += counts.compress(size, cubes.slot_bits, cubes.slots).total + cubes.plaintexts(size) * answer
    return total


def product_seconds(key: paillier.PrivateKey) -> float:
    """Return the time of one product mod n² on one thread, from a sum whose operands stay in cache."""
    ct = key.encrypt(np.arange(512))
    threads = system.thread_count()
    system.set_thread_count(1)
    times = []
    for _ in range(20):
        began = time.process_time()
        ct.sum()
        times.append((time.process_time() - began) / 511)
    system.set_thread_count(threads)
    return min(times)


def rows_of_table(
    seconds: Counter[str], sent: Counter[str], floors: dict[str, float]
) -> Iterator[tuple[str, float, float, float]]:
    """Yield (stage, CPU seconds, floor, MB sent) of both parties together, and their sums."""
    for stage, floor in floors.items():
        yield stage, seconds[stage], floor, sent[stage] / 1e6
    yield "total", sum(seconds.values()), sum(floors.values()), sum(sent.values()) / 1e6


def main() -> None:
    """Train once and print one row per stage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, nargs=2, default=[14, 14], metavar=("PASSIVE", "ACTIVE"))
    parser.add_argument("--key-bits", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=system.thread_count())
    options = parser.parse_args()
    system.set_thread_count(options.threads)
    rows, (passive, active), bits = options.rows, options.columns, options.key_bits
    scaled = [BlockScaler.fit(block, 3.0).transform(block) for block in draw(rows, options.columns)]
    score = np.hstack(scaled) @ np.linspace(-1, 1, passive + active) / 3 - 1
    labels = (np.random.default_rng(1).random(rows) < 1 / (1 + np.exp(-score))).astype(np.int64)
    parameters = LogisticParameters(key_bits=bits)
    transforms = [whitening(block, parameters.l2) for block in scaled]
    blocks = [quantised(block @ transform) for block, transform in zip(scaled, transforms, strict=True)]
    keys = [paillier.keygen(key_bits=bits) for _ in range(2)]
    seconds: Counter[str] = Counter()
    sent: Counter[str] = Counter()
    machines = [
        watched(train(parameters, block, y, keys=pair), seconds, sent)
        for block, y, pair in zip(blocks, (None, labels), keys, strict=True)
    ]
    halves = drive(*machines)
    found = np.concatenate([t @ half.weights for t, half in zip(transforms, halves, strict=True)])
    pooled = LogisticRegression(max_iter=1000).fit(np.hstack(scaled), labels).coef_[0]
    assert np.corrcoef(found, pooled)[0, 1] > 0.99
    product = product_seconds(keys[0][1])
    size = min(parameters.batch_rows, rows)
    floors = {
        logistic_moments.STAGE: product * moments_products(rows, passive, active, bits),
        logistic_solver.STAGE: product * solve_products(passive, active, bits, parameters.passes),
        logistic_refine.STAGE: product * parameters.passes * pass_products(size, passive, active, bits),
    }
    print(f"{rows:,} rows, {passive} + {active} columns, {bits} bits, {product * 1e6:.2f} us per product")
    print("| stage | CPU seconds | floor | CPU / floor | MB sent |")
    print("|---|---|---|---|---|")
    for stage, spent, floor, megabytes in rows_of_table(seconds, sent, floors):
        print(f"| {stage} | {spent:.1f} | {floor:.1f} | {spent / floor:.2f} | {megabytes:.1f} |")


if __name__ == "__main__":
    main()
