"""Prints what one group element costs, step by step, on every backend: ``python bench/groups.py``.

Microseconds of one core per element, the best of many short runs. The floor of a row is its number of field
products and squares, counted by running the same code on a counting field (``counted_field.hpp``), times what
the backend's field kernel needs for one of each, measured right before and after it. ``curve_kernels.cpp``
and ``weierstrass_kernels.cpp`` do this, compiled here with the backend's flags. libsodium, which handles one
element at a time, is measured beside them, when the system has it. The calls from Python are checked against
each other.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tables
from results import Recorder

from isthmus import items
from isthmus._core import system
from isthmus.groups import Group, group, group_names

ROOT = Path(__file__).resolve().parents[1]
AVX2 = ["-mavx2", "-mfma"]
IFMA = [f"-mavx512{name}" for name in ("f", "vl", "dq", "bw", "ifma")]
FLAGS = {
    "portable": ["-DLANES=1"],
    "avx2": ["-DLANES=4", *AVX2],
    "avx512ifma": ["-DLANES=8", *AVX2, *IFMA, "-mprefer-vector-width=512"],
}
PROGRAMS = {
    "curve_kernels": ("core/secret", "curve/edwards25519", "curve/canonical25519"),
    "weierstrass_kernels": ("core/secret", "core/memory", "core/fork", "curve/weierstrass_digits"),
}
STEPS = {
    "decode": "decode, validate",
    "map": "map one field element",
    "multiply": "multiply",
    "encode": "encode, less the shared inversion",
    "hashed": "map and encode",
    "own": "own item: map, mask, encode",
    "peer": "peer's item: decode, mask, encode",
}
COUNT = 4096
DOMAIN = b"psi_ecdh/1" + bytes(32)


def kernel_rows(program: str, backend: str) -> dict[str, tuple[float, ...]]:
    """Compile and run a program: name -> nanoseconds, products, squares, share of the floor."""
    sources = [f"bench/{program}.cpp", *(f"cpp/src/{name}.cpp" for name in PROGRAMS[program])]
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder) / "kernels"
        command = ["c++", "-std=c++20", "-O3", "-DNDEBUG", "-Wno-psabi", f"-I{ROOT}/cpp/include"]
        command += [*FLAGS[backend], *(str(ROOT / source) for source in sources), "-o", str(binary)]
        subprocess.run(command, check=True)
        lines = subprocess.run([str(binary)], check=True, capture_output=True, text=True).stdout.splitlines()
    split = [line.rsplit(maxsplit=4) for line in lines]
    return {name: tuple(map(float, figures)) for name, *figures in split}


def record_kernels(recorder: Recorder, backend: str) -> None:
    """One row per step and group, with the share of the floor."""
    for program in PROGRAMS:
        for name, (nanoseconds, products, squares, fraction) in kernel_rows(program, backend).items():
            group_name, step = name.split(".")
            values = {"micros": nanoseconds / 1000}
            if step in STEPS:
                values |= {"products": products, "squares": squares, "fraction": fraction}
            key = {"group": group_name, "step": STEPS.get(step, step), "backend": backend}
            recorder.add("groups", key, values)


def best_of(run: Callable[[], object], count: int, repeats: int = 9) -> float:
    """Return the processor microseconds per element of the fastest run."""
    fastest = float("inf")
    for _ in range(repeats):
        start = time.thread_time()
        run()
        fastest = min(fastest, time.thread_time() - start)
    return fastest / count * 1e6


def measure_group(group: Group) -> dict[str, float]:
    """Return microseconds per item of each call."""
    digests = np.random.default_rng(0).integers(0, 256, (COUNT, 32), dtype=np.uint8)
    ours, theirs = group.random_scalar(), group.random_scalar()
    own, peer = (items.mask_digests(digests, scalar, domain=DOMAIN) for scalar in (ours, theirs))
    assert np.array_equal(items.mask_points(own, theirs), items.mask_points(peer, ours))
    messages = [digest.tobytes() for digest in digests]
    calls = {
        "hash_to_group": lambda: group.hash_to_group(messages, dst=DOMAIN),
        "mask_digests": lambda: items.mask_digests(digests, ours, domain=DOMAIN),
        "mask_points": lambda: items.mask_points(peer, ours),
    }
    return {name: best_of(call, COUNT) for name, call in calls.items()}


def measure_calls() -> dict[str, dict[str, float]]:
    """In a process of one backend: group -> call -> microseconds per item."""
    system.set_thread_count(1)
    return {name: measure_group(group(name)) for name in group_names()}


def record_calls(recorder: Recorder, backend: str) -> None:
    """The same three calls for every group, from Python, on one thread."""
    command = [sys.executable, __file__, "--calls"]
    environment = {**os.environ, "ISTHMUS_BACKEND": backend}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    for name, calls in json.loads(done.stdout).items():
        for call, micros in calls.items():
            key = {"group": name, "step": f"`{call}`, from Python", "backend": backend}
            recorder.add("groups", key, {"micros": micros})


def record_sodium(recorder: Recorder) -> None:
    """libsodium's calls for the same work, one element at a time, where it is installed."""
    path = ctypes.util.find_library("sodium")
    if path is None:
        return
    sodium = ctypes.CDLL(path)
    sodium.sodium_init()
    uniform, scalar, base = (ctypes.create_string_buffer(os.urandom(64), 64) for _ in range(3))
    point, out = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    base.raw = bytes([9]) + bytes(63)
    scalar.raw = scalar.raw[:31] + bytes(33)
    assert sodium.crypto_core_ristretto255_from_hash(point, uniform) == 0
    calls: dict[str, Callable[[], int]] = {
        "X25519": lambda: sodium.crypto_scalarmult_curve25519(out, scalar, base),
        "ristretto255, decode, multiply, encode": lambda: sodium.crypto_scalarmult_ristretto255(
            out, scalar, point
        ),
        "ristretto255 from 64 uniform bytes": lambda: sodium.crypto_core_ristretto255_from_hash(out, uniform),
    }
    for name, call in calls.items():
        assert call() == 0
        micros = best_of(lambda c=call: [c() for _ in range(200)], 200)
        recorder.add("sodium", {"call": name}, {"micros": micros})


def main() -> None:
    """Measure on every backend, then print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    parser.add_argument("--calls", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.calls:
        print(json.dumps(measure_calls()))
        return
    recorder = Recorder(given.json)
    for backend in system.available_backends():
        record_kernels(recorder, backend)
        record_calls(recorder, backend)
    record_sodium(recorder)
    print(tables.groups([row for row in recorder.rows if row.table == "groups"]))
    print("\n" + tables.sodium([row for row in recorder.rows if row.table == "sodium"]))


if __name__ == "__main__":
    main()
