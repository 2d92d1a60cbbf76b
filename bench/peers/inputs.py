"""What the Paillier programs are given: drawn and summed once with NumPy, handed over in files.

The peers' environments hold little more than the peers, and Python would need minutes for 30 million buckets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

POOL = 64  # distinct ciphertexts behind large inputs: encrypting every row would outlast the row itself
VALUE_BITS = 16  # products with 40-bit factors then fit in 64 bits, all that one peer decodes


def _signed(draw: np.random.Generator, bits: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return signed factors other than zero, which one peer refuses."""
    factors = draw.integers(-(2**bits) + 1, 2**bits, shape)
    return np.where(factors == 0, 1, factors)


def _weights(draw: np.random.Generator, request: dict[str, Any]) -> NDArray[np.int64]:
    shape = request["rows"], request.get("columns", 1)
    if "distinct" not in request:
        return _signed(draw, request["bits"], shape)
    # Binned columns: few values of so many bits.
    bins = _signed(draw, request["bits"], (shape[1], request["distinct"]))
    return np.take_along_axis(bins.T, draw.integers(0, request["distinct"], shape), axis=0)


def _sums(matrix: NDArray[np.int64], values: NDArray[np.int64]) -> list[int]:
    """Return matrixᵀ · values by halves of the weights, whose sums stay below 2^63."""
    low, high = matrix & 0xFFFFF, matrix >> 20
    return [int(a) + (int(b) << 20) for a, b in zip(low.T @ values, high.T @ values, strict=True)]


def write(request: dict[str, Any], folder: Path, name: str) -> dict[str, Any]:
    """Draw the inputs of a request and write them; return the request with their places and the answer."""
    draw = np.random.default_rng(request["seed"])
    rows, operation = request["rows"], request["operation"]
    pool = draw.integers(-(2**VALUE_BITS), 2**VALUE_BITS, min(POOL, rows))
    index = draw.integers(0, len(pool), rows)
    values = pool[index]
    files, expected = {"index": index}, values.tolist()
    if operation == "add":
        expected = (2 * values).tolist()
    elif operation == "multiply":
        files["matrix"] = _signed(draw, 40, (rows, 1))
        expected = (values * files["matrix"][:, 0]).tolist()
    elif operation == "weighted_sum":
        files["matrix"] = _weights(draw, request)
        expected = _sums(files["matrix"], values)
    elif operation == "histogram":
        bins, columns = request["bins"], request["columns"]
        files["matrix"] = draw.integers(0, bins, (rows, columns), dtype=np.uint8)
        places = [np.bincount(column, values.astype(np.float64), bins) for column in files["matrix"].T]
        expected = np.concatenate(places).astype(np.int64).tolist()  # the float sums are exact: below 2^53
    paths = {}
    for what, array in files.items():
        paths[what] = str(folder / f"{name}.{what}")
        np.ascontiguousarray(array).tofile(paths[what])
    return {**request, **paths, "pool": pool.tolist(), "expected": expected}
