"""Trains boosted trees between two machines in one process, and prints what each phase of a tree cost.

    python bench/gbdt_tree.py --rows 20000 --columns 13 --sample 5000 --threads 2

The parties take turns, so a phase's seconds are its own. The floor of a phase is its number of kernel
operations times that operation's own batched rate, measured in the same run: owner encryptions, decryptions,
public-key randomizers, and products mod n² (the cheapest joint grouping for bucket sums). All columns are the
passive party's. The trees are compared with the clear-text twin's.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import counts
import numpy as np

from isthmus import aggregate, paillier
from isthmus._core import system
from isthmus.prep import Binner
from isthmus.protocol import gbdt, gbdt_packing, gbdt_passive
from isthmus.protocol.gbdt_clear import train_clear
from isthmus.protocol.machine import Receive, Send, Steps

BINS = 32


@dataclass
class Clock:
    """Seconds and kernel operations by phase."""

    seconds: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)

    def watch(self, owner: Any, name: str, phase: str, operations: Callable[..., float]) -> None:
        """Time every call of ``owner.name`` as part of ``phase``."""
        inner = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            result = inner(*arguments, **named)
            self.seconds[phase] += time.perf_counter() - began
            self.operations[phase] += operations(*arguments, **named)
            return result

        setattr(owner, name, timed)


def drive(first: Steps[Any], second: Steps[Any]) -> tuple[Any, Any]:
    """Run two machines by turns; return their results."""
    machines, inboxes, results = (first, second), ([], []), [None, None]
    waiting: list[Any] = [next(first), next(second)]
    while any(step is not None for step in waiting):
        for k in (0, 1):
            try:
                while waiting[k] is not None and not (isinstance(waiting[k], Receive) and not inboxes[k]):
                    answer = inboxes[k].pop(0) if isinstance(waiting[k], Receive) else None
                    if isinstance(waiting[k], Send):
                        inboxes[1 - k].append(waiting[k].message)
                    waiting[k] = machines[k].send(answer)
            except StopIteration as stop:
                waiting[k], results[k] = None, stop.value
    return results[0], results[1]


def rates(key: paillier.PrivateKey) -> dict[str, float]:
    """Seconds per operation of each kernel, in large batches."""

    def best(call: Callable[[], Any], operations: int) -> float:
        times = []
        for _ in range(3):
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) / operations)
        return min(times)

    ct = key.encrypt(np.arange(2048))
    folded, slot_bits = ct[:512], 60
    return {
        "encrypt": best(lambda: key.encrypt(np.arange(2048)), 2048),
        "decrypt": best(lambda: key.decrypt(ct[:256]), 256),
        "rerandomise": best(ct[:256].rerandomize, 256),
        "product": best(lambda: aggregate.compress(folded, slot_bits), len(folded) * slot_bits),
    }


def watch_phases(clock: Clock) -> None:
    """Put the clock around every native call of the protocol."""

    def sum_products(ct: Any, buckets: Any, n_buckets: int, *, rows: Any, **_: Any) -> float:
        radices = [n_buckets] * buckets.shape[1]
        return counts.bucket_sum(len(rows), radices, ct.public_key.key_bits, system.active_backend())

    clock.watch(paillier.PrivateKey, "encrypt_packed", "encrypt", lambda self, columns, layout: len(columns))
    clock.watch(paillier.PrivateKey, "decrypt_packed", "decrypt", lambda self, ct, layout: len(ct))
    clock.watch(paillier.CiphertextArray, "rerandomize", "rerandomise", lambda self: self.size)
    clock.watch(paillier.CiphertextArray, "__add__", "running sums", lambda self, other: self.size)
    clock.watch(gbdt_passive, "bucket_sum", "bucket sums", sum_products)
    clock.watch(gbdt_packing, "compress", "fold", lambda ct, slot_bits: ct.size * slot_bits)


def make_columns(rows: int, columns: int) -> tuple[gbdt.BinnedColumns, Any]:
    """Return random columns as bins, and labels that depend on them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns))
    y = (X.sum(axis=1) + columns**0.5 * rng.normal(size=rows) > 0).astype(np.float64)
    binner = Binner(BINS)
    return gbdt.BinnedColumns(binner.fit_transform(X), binner.n_bins), y


def main() -> None:
    """Print seconds per tree by phase, with each phase's floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("rows", 20_000), ("columns", 13), ("sample", 5_000), ("trees", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--key-bits", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    system.set_thread_count(options.threads)

    columns, labels = make_columns(options.rows, options.columns)
    parameters = gbdt.GBDTParameters(
        n_trees=options.trees, sample_rows=options.sample, key_bits=options.key_bits
    )
    _, key = paillier.keygen(options.key_bits)
    rate = rates(key)
    nothing = gbdt.BinnedColumns(columns.bins[:, :0], columns.n_bins)
    clock = Clock()
    watch_phases(clock)
    began = time.perf_counter()
    active = gbdt.train_active(nothing, labels, parameters, key, np.random.default_rng(0))
    forest, _ = drive(active, gbdt.train_passive(columns, parameters))
    total = time.perf_counter() - began
    _, twin = train_clear(columns, labels, parameters, np.random.default_rng(0))
    assert [tree.weights for tree in forest.trees] == [tree.weights for tree in twin]

    print(f"{options} backend={system.active_backend()}")
    print("| phase | operations per tree | seconds per tree | floor | ratio |\n|---|---|---|---|---|")
    for phase, seconds in clock.seconds.most_common():
        operations = clock.operations[phase] / options.trees
        floor = operations * rate.get(phase, rate["product"])
        spent = seconds / options.trees
        print(f"| {phase} | {operations:,.0f} | {spent:.3f} | {floor:.3f} | {spent / floor:.2f} |")
    rest = total - sum(clock.seconds.values())
    print(f"| messages, checks, gains | | {rest / options.trees:.3f} | | |")
    print(f"| **tree** | | **{total / options.trees:.3f}** | | |")


if __name__ == "__main__":
    main()
