"""``isthmus bench``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from isthmus.paillier import PrivateKey, PublicKey

_TARGET_SECONDS = 0.6
_SLOT_BITS = 128


def bench(
    what: Annotated[
        Literal["all", "paillier", "psi"],
        typer.Argument(help="Which half: encrypted arithmetic, or the masking of identifiers."),
    ] = "all",
    key_bits: Annotated[
        Literal["2048", "3072", "4096"],
        typer.Option(help="Paillier modulus; 2048 is 112-bit security, 3072 128."),
    ] = "2048",
) -> None:
    """Measure the core's operations on this machine, in well under a minute.

    Every result that is timed is also checked. Times are the clock's, of all
    threads together: OMP_NUM_THREADS=1 gives those of one core, and
    ISTHMUS_BACKEND=portable, avx2 or avx512ifma those of other
    instructions. "us" is microseconds per unit; a unit is what the batch
    counts.

    Examples:

        isthmus bench paillier --key-bits 3072

        OMP_NUM_THREADS=1 isthmus bench psi

    bench/ in the repository compares with other libraries.
    """
    from rich.console import Console

    from isthmus._core import system
    from isthmus.cli.progress import watch
    from isthmus.protocol.machine import Progress

    parts = {"paillier": lambda: _paillier(int(key_bits)), "psi": _psi}
    chosen = list(parts) if what == "all" else [what]
    rows: list[Row] = []
    with watch(Console(stderr=True)) as show:
        for part in chosen:
            show(Progress(part, 0, 0, "making keys and inputs"))
            operations = list(parts[part]())
            for done, operation in enumerate(operations):
                show(Progress(part, done, len(operations), operation.name))
                rows.append(_measure(operation))
            show(Progress(part, len(operations), len(operations)))
    threads, backend = system.thread_count(), system.active_backend()
    keys = f", {key_bits}-bit Paillier" if "paillier" in chosen else ""
    _print(f"{backend} backend, {threads} {'thread' if threads == 1 else 'threads'}{keys}", rows)


@dataclass(frozen=True)
class Operation:
    """What to time: a batched call, and a check of its result."""

    name: str
    unit: str
    batch: int
    run: Callable[[], Any]
    check: Callable[[Any], object]


@dataclass(frozen=True)
class Row:
    """One measured operation."""

    operation: Operation
    seconds: float

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.operation.batch / self.seconds


def _measure(operation: Operation) -> Row:
    """Repeat a batched call for about half a second; the best repetition counts."""
    if not operation.check(operation.run()):
        raise RuntimeError(f"{operation.name}: the result is wrong")
    best, spent = float("inf"), 0.0
    while spent < _TARGET_SECONDS:
        start = time.perf_counter()
        operation.run()
        seconds = time.perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
    return Row(operation, best)


def _print(title: str, rows: list[Row]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for name in ("operation", "batch", "us", "per second"):
        table.add_column(name, justify="left" if name == "operation" else "right")
    for row in rows:
        batch = f"{row.operation.batch:,} {row.operation.unit}"
        table.add_row(row.operation.name, batch, f"{1e6 / row.rate:,.4g}", f"{row.rate:,.0f}")
    Console().print(table)


def _paillier(key_bits: int) -> Iterator[Operation]:
    from isthmus.paillier import keygen

    keys = keygen(key_bits)
    yield from _encryption(*keys, "")
    yield from _encryption(*keygen(key_bits, fast=True), ", fast key")
    yield from _arithmetic(*keys)
    yield from _aggregates(*keys)


def _encryption(public_key: PublicKey, private_key: PrivateKey, kind: str) -> Iterator[Operation]:
    """Encrypt by either key, and decrypt."""
    import numpy as np

    n = 1024
    values = np.arange(-n // 2, n // 2)
    ct = private_key.encrypt(values[:256])

    def decrypts(result: Any) -> bool:
        return np.array_equal(private_key.decrypt(result), values)

    def is_plain(result: Any) -> bool:
        return np.array_equal(result, values[:256])

    yield Operation(f"encrypt, public key{kind}", "values", n, lambda: public_key.encrypt(values), decrypts)
    yield Operation(f"encrypt, key owner{kind}", "values", n, lambda: private_key.encrypt(values), decrypts)
    yield Operation(f"decrypt{kind}", "values", ct.size, lambda: private_key.decrypt(ct), is_plain)


def _arithmetic(public_key: PublicKey, private_key: PrivateKey) -> Iterator[Operation]:
    """Add, sum, multiply, and the way to bytes and back."""
    import numpy as np

    n = 2048
    values = np.arange(n)
    pool = private_key.encrypt(values[:64])
    ct, plain = pool[values % 64], values % 64
    factors = np.random.default_rng(0).integers(-(2**40), 2**40, n)

    def decrypts_to(expected: Any) -> Callable[[Any], bool]:
        return lambda result: np.array_equal(private_key.decrypt(result), expected)

    data = ct.to_bytes()
    parse = public_key.ciphertexts_from_bytes
    yield Operation("add", "pairs", n, lambda: ct + ct, decrypts_to(2 * plain))
    yield Operation("sum", "ciphertexts", n, ct.sum, decrypts_to(plain.sum()))
    yield Operation(
        "multiply, signed 40-bit", "values", n, lambda: ct * factors, decrypts_to(plain * factors)
    )
    yield Operation("rerandomize", "ciphertexts", n, ct.rerandomize, decrypts_to(plain))
    yield Operation("to_bytes", "ciphertexts", n, ct.to_bytes, lambda result: result == data)
    yield Operation("from bytes, checked", "ciphertexts", n, lambda: parse(data), decrypts_to(plain))


def _aggregates(public_key: PublicKey, private_key: PrivateKey) -> Iterator[Operation]:
    """Histograms, matrix products, and several values per plaintext."""
    import numpy as np

    from isthmus import aggregate

    rows, columns, bins = 20_000, 16, 32
    random = np.random.default_rng(0)
    index = random.integers(0, 64, rows)
    ct = private_key.encrypt(np.arange(64))[index]
    buckets = random.integers(0, bins, (rows, columns), dtype=np.uint8)
    histogram = np.stack([np.bincount(column, index, bins) for column in buckets.T]).astype(np.int64)
    weights = random.integers(-(2**20) + 1, 2**20, (rows, columns))
    binned = (buckets.astype(np.int64) * 2654435761 + 12345) % 2**40
    few = private_key.encrypt(np.arange(columns))
    slots = (public_key.key_bits - 2) // _SLOT_BITS

    def decrypts_to(expected: Any) -> Callable[[Any], bool]:
        return lambda result: np.array_equal(private_key.decrypt(result), expected)

    def packed(values: Any) -> Any:
        groups = [values[i : i + slots].tolist() for i in range(0, len(values), slots)]
        return np.array([sum(v << k * _SLOT_BITS for k, v in enumerate(g)) for g in groups], dtype=object)

    def row(name: str, unit: str, batch: int, run: Callable[[], Any], expected: Any) -> Operation:
        return Operation(name, unit, batch, run, decrypts_to(expected))

    entries, size = rows * columns, f"{columns} columns"
    sums = aggregate.bucket_sum, aggregate.weighted_sum, aggregate.packed_products
    bucket_sum, weighted_sum, packed_products = sums
    yield row("bucket_sum, 32 bins", "entries", entries, lambda: bucket_sum(ct, buckets, bins), histogram)
    name = f"weighted_sum, 20-bit, {size}"
    yield row(name, "entries", entries, lambda: weighted_sum(weights, ct), weights.T @ index)
    yield row(
        "weighted_sum, 32 values", "entries", entries, lambda: weighted_sum(binned, ct), binned.T @ index
    )
    some = weights[:4000]
    products = packed(some @ np.arange(columns))
    yield row(
        f"packed_products, {slots} slots",
        "entries",
        some.size,
        lambda: packed_products(some, few, _SLOT_BITS),
        products,
    )
    folded = packed(index[:480])
    yield row("compress", "ciphertexts", 480, lambda: aggregate.compress(ct[:480], _SLOT_BITS), folded)


def _psi() -> Iterator[Operation]:
    """Digest identifiers; hash, mask and mask again over every group."""
    import numpy as np
    import pyarrow as pa

    from isthmus.groups import group, group_names
    from isthmus.items import SecretSeed, item_records, mask_digests, mask_points

    n, domain = 8192, b"isthmus bench"
    column = [pa.chunked_array([[f"customer {k}" for k in range(n)]])]
    seed = SecretSeed()
    yield Operation(
        "digest identifiers",
        "ids",
        n,
        lambda: item_records(column, seed)[0],
        lambda records: len(records) == n,
    )
    digests = item_records(column, seed)[0][:, 1:5].copy().view(np.uint8)
    for name in group_names():
        a, b = (group(name).random_scalar() for _ in range(2))
        ours, theirs = (mask_digests(digests, scalar, domain=domain) for scalar in (a, b))

        def mask(a: Any = a) -> Any:
            return mask_digests(digests, a, domain=domain)

        def mask_again(b: Any = b, ours: Any = ours) -> Any:
            return mask_points(ours, b)

        def is_ours(result: Any, ours: Any = ours) -> bool:
            return np.array_equal(result, ours)

        def agrees(result: Any, a: Any = a, theirs: Any = theirs) -> bool:
            return np.array_equal(result, mask_points(theirs, a))

        yield Operation(f"hash and mask, {name}", "ids", n, mask, is_ours)
        yield Operation(f"mask the peer's, {name}", "ids", n, mask_again, agrees)
