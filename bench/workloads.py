"""What the benchmark rows time: inputs, the call, how many operations it is, and a check of its result."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import counts
import numpy as np
from counts import Products
from numpy.typing import NDArray

import isthmus as ist
from isthmus._core import system

POOL = 64  # distinct ciphertexts behind large inputs: encrypting every row would outlast the row itself
N_BUCKETS = 32
WEIGHT_BITS = 20
SLOT_BITS = 128

Keys = tuple[Any, Any]


@dataclass(frozen=True)
class Workload:
    """One row: ``operations`` are what a user counts, ``products`` the products mod n² they need."""

    name: str
    unit: str
    operations: int
    products: Products | None
    run: Callable[[], Any]
    verify: Callable[[Any], None]


BACKEND = system.active_backend()


def keys(key_bits: int, *, fast: bool = False) -> Keys:
    return _keys(key_bits, fast)


@functools.cache
def _keys(key_bits: int, fast: bool) -> Keys:
    return ist.paillier.keygen(key_bits, fast=fast)


@functools.cache
def _pool(key_bits: int, fast: bool) -> tuple[NDArray[np.int64], Any]:
    values = np.random.default_rng(1).integers(-(2**40), 2**40, POOL)
    return values, keys(key_bits, fast=fast)[1].encrypt(values)


def draw(key_bits: int, n: int, seed: int = 0, *, fast: bool = False) -> tuple[NDArray[np.int64], Any]:
    """Return n plaintexts and their ciphertexts, drawn from the pool."""
    values, ct = _pool(key_bits, fast)
    index = np.random.default_rng(seed).integers(0, POOL, n)
    return values[index], ct[index]


def _decrypts_to(key_bits: int, expected: NDArray[Any], *, fast: bool = False) -> Callable[[Any], None]:
    def verify(result: Any) -> None:
        np.testing.assert_array_equal(keys(key_bits, fast=fast)[1].decrypt(result), expected)

    return verify


def _with_fast(name: str, fast: bool) -> str:
    return f"{name}, fast key" if fast else name


def encrypt_public(key_bits: int, n: int, *, fast: bool = False) -> Workload:
    values, _ = draw(key_bits, n)
    key = keys(key_bits, fast=fast)[0]
    return Workload(
        _with_fast("encrypt, public key", fast),
        "value",
        n,
        counts.encrypt_public(key_bits, BACKEND, fast=fast) * n,
        functools.partial(key.encrypt, values),
        _decrypts_to(key_bits, values, fast=fast),
    )


def encrypt_owner(key_bits: int, n: int, *, fast: bool = False) -> Workload:
    values, _ = draw(key_bits, n)
    key = keys(key_bits, fast=fast)[1]
    return Workload(
        _with_fast("encrypt, key owner", fast),
        "value",
        n,
        counts.encrypt_owner(key_bits, BACKEND, fast=fast) * n,
        functools.partial(key.encrypt, values),
        _decrypts_to(key_bits, values, fast=fast),
    )


def decrypt(key_bits: int, n: int, *, fast: bool = False) -> Workload:
    values, ct = draw(key_bits, n, fast=fast)
    return Workload(
        _with_fast("decrypt, fault check on", fast),
        "value",
        n,
        counts.decrypt(key_bits, fast=fast) * n,
        functools.partial(keys(key_bits, fast=fast)[1].decrypt, ct),
        lambda result: np.testing.assert_array_equal(result, values),
    )


def array(key_bits: int, n: int) -> Workload:
    """Rows of ciphertexts by themselves, for what they take in memory."""
    values, pool = _pool(key_bits, False)
    index = np.random.default_rng(9).integers(0, POOL, n)
    check = _decrypts_to(key_bits, values[index[:64]])
    return Workload(
        "take rows of an array", "ciphertext", n, None, lambda: pool[index], lambda result: check(result[:64])
    )


def add(key_bits: int, n: int) -> Workload:
    values, ct = draw(key_bits, n)
    others, other_ct = draw(key_bits, n, 1)
    check = _decrypts_to(key_bits, values + others)
    return Workload("add", "value", n, Products(n=n), lambda: ct + other_ct, check)


def total(key_bits: int, n: int) -> Workload:
    values, ct = draw(key_bits, n)
    check = _decrypts_to(key_bits, np.asarray(values.sum()))
    return Workload("sum", "value", n, Products(n=n - 1), ct.sum, check)


def mul_plain(key_bits: int, n: int) -> Workload:
    values, ct = draw(key_bits, n)
    weights = np.random.default_rng(2).integers(-(2**40), 2**40, n)
    product = values.astype(object) * weights.astype(object)
    check = _decrypts_to(key_bits, product)
    return Workload(
        "multiply, signed 40-bit", "value", n, counts.mul_plain(40) * n, lambda: ct * weights, check
    )


def rerandomize(key_bits: int, n: int) -> Workload:
    values, ct = draw(key_bits, n)
    return Workload(
        "rerandomize",
        "value",
        n,
        (counts.encrypt_public(key_bits, BACKEND) + Products(n=1 - 2 * counts.MODULO)) * n,
        ct.rerandomize,
        _decrypts_to(key_bits, values),
    )


def to_bytes(key_bits: int, n: int) -> Workload:
    values, ct = draw(key_bits, n)
    parse = keys(key_bits)[0].ciphertexts_from_bytes
    check = _decrypts_to(key_bits, values)
    return Workload("to_bytes", "value", n, None, ct.to_bytes, lambda result: check(parse(result)))


def from_bytes(key_bits: int, n: int) -> Workload:
    values, ct = draw(key_bits, n)
    run = functools.partial(keys(key_bits)[0].ciphertexts_from_bytes, ct.to_bytes())
    return Workload("ciphertexts_from_bytes", "value", n, None, run, _decrypts_to(key_bits, values))


def bucket_sum(key_bits: int, n: int, features: int, bins: int = N_BUCKETS) -> Workload:
    values, ct = draw(key_bits, n)
    buckets = np.random.default_rng(3).integers(0, bins, (n, features), dtype=np.uint8)
    weights = values.astype(float)
    expected = np.stack([np.bincount(column, weights, bins) for column in buckets.T])
    return Workload(
        f"bucket_sum, {n:,} × {features} × {bins}",
        "row × feature",
        n * features,
        Products(n=counts.bucket_sum(n, [bins] * features, key_bits, BACKEND)),
        lambda: ist.aggregate.bucket_sum(ct, buckets, bins),
        _decrypts_to(key_bits, expected.astype(np.int64)),  # the float sums are exact: far below 2**53
    )


def weighted_sum(key_bits: int, n: int, features: int, bits: int = WEIGHT_BITS) -> Workload:
    values, ct = draw(key_bits, n)
    X = np.random.default_rng(4).integers(-(2**bits) + 1, 2**bits, (n, features))
    return Workload(
        f"weighted_sum, {n:,} × {features}, {bits}-bit",
        "entry",
        n * features,
        counts.weighted_sum(n, features, bits, key_bits, BACKEND),
        lambda: ist.aggregate.weighted_sum(X, ct),
        _decrypts_to(key_bits, _exact_product(X.T, values)),
    )


def weighted_sum_binned(key_bits: int, n: int, features: int, distinct: int = N_BUCKETS) -> Workload:
    """Columns of few values, of 40 bits."""
    values, ct = draw(key_bits, n)
    rng = np.random.default_rng(8)
    bins = rng.integers(-(2**40) + 1, 2**40, (distinct, features))
    X = np.take_along_axis(bins, rng.integers(0, distinct, (n, features)), axis=0)
    return Workload(
        f"weighted_sum, {n:,} × {features}, {distinct} values",
        "entry",
        n * features,
        counts.weighted_sum_binned(n, features, distinct, key_bits, BACKEND),
        lambda: ist.aggregate.weighted_sum(X, ct),
        _decrypts_to(key_bits, _exact_product(X.T, values)),
    )


def packed_products(key_bits: int, n: int, d: int, bits: int = WEIGHT_BITS) -> Workload:
    values, ct = draw(key_bits, d)
    X = np.random.default_rng(5).integers(-(2**bits) + 1, 2**bits, (n, d))
    slots = (key_bits - 2) // SLOT_BITS
    sums = _exact_product(X, values)
    packed = [
        sum(v << (s * SLOT_BITS) for s, v in enumerate(sums[t : t + slots].tolist()))
        for t in range(0, n, slots)
    ]
    return Workload(
        f"packed_products, {n:,} × {d}, {bits}-bit",
        "entry",
        n * d,
        counts.packed_products(n, d, bits, slots, SLOT_BITS),
        lambda: ist.aggregate.packed_products(X, ct, SLOT_BITS),
        _decrypts_to(key_bits, np.array(packed, dtype=object)),
    )


def compress(key_bits: int, n: int) -> Workload:
    public = 2**60
    values = np.random.default_rng(6).integers(0, public, POOL)
    ct = keys(key_bits)[1].encrypt(values)
    index = np.random.default_rng(7).integers(0, POOL, n)
    slots = (key_bits - 2) // SLOT_BITS
    folded = [
        sum(v << (k * SLOT_BITS) for k, v in enumerate(values[index][g : g + slots].tolist()))
        for g in range(0, n, slots)
    ]
    wide = ct[index]
    return Workload(
        f"compress, {n:,} at {SLOT_BITS} bits",
        "ciphertext",
        n,
        counts.compress(n, SLOT_BITS, slots),
        lambda: ist.aggregate.compress(wide, SLOT_BITS),
        _decrypts_to(key_bits, np.array(folded, dtype=object)),
    )


def _exact_product(X: NDArray[np.int64], m: NDArray[np.int64]) -> NDArray[np.object_]:
    """X @ m without overflow, by 20 bits of each: sums of up to 2**22 products stay below 2**63."""
    total = np.zeros(X.shape[0], dtype=object)
    for i, x in enumerate((X & 0xFFFFF, X >> 20)):
        for j, y in enumerate((m & 0xFFFFF, m >> 20)):
            total += (x @ y).astype(object) * 2 ** (20 * (i + j))
    return total


Row = Callable[[int, int], Workload]

PAILLIER: dict[str, Row] = {
    f.__name__: f
    for f in (
        encrypt_public,
        encrypt_owner,
        decrypt,
        add,
        total,
        mul_plain,
        rerandomize,
        to_bytes,
        from_bytes,
    )
}
# The widths of the demo's models: 23 features of the passive side, 16 encrypted weights.
AGGREGATE: dict[str, Row] = {
    "bucket_sum": lambda key_bits, n: bucket_sum(key_bits, n, 23),
    "weighted_sum": lambda key_bits, n: weighted_sum(key_bits, n, 16),
    "packed_products": lambda key_bits, n: packed_products(key_bits, n, 16),
    "compress": lambda key_bits, n: compress(key_bits, min(n, 23 * N_BUCKETS)),
}
