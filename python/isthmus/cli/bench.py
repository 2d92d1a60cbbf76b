"""``isthmus bench``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

_TARGET_SECONDS = 0.5


def bench(
    key_bits: Annotated[Literal["2048", "3072"], typer.Option(help="Paillier modulus.")] = "2048",
) -> None:
    """Measure the core's operations on this machine, in about fifteen seconds.

    Every result that is timed is also checked. Rates are of all threads
    together; OMP_NUM_THREADS limits them. bench/ has the full benchmarks.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from isthmus._core import system

    threads, backend = system.thread_count(), system.active_backend()
    title = f"{backend} backend, {threads} threads, {key_bits}-bit Paillier"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold")
    for name in ("operation", "batch", "per second"):
        table.add_column(name, justify="left" if name == "operation" else "right")
    console = Console()
    with console.status("measuring ...") if console.is_terminal else nullcontext():
        for row in (*_paillier(int(key_bits)), *_group()):
            table.add_row(row.operation, f"{row.batch:,}", f"{row.rate:,.0f}")
    console.print(table)


@dataclass(frozen=True)
class Row:
    """One measured operation."""

    operation: str
    batch: int
    rate: float


def _measure(operation: str, batch: int, call: Callable[[], Any]) -> Row:
    """Repeat a batched call for about half a second; the best repetition counts."""
    best, spent = float("inf"), 0.0
    while spent < _TARGET_SECONDS:
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
    return Row(operation, batch, batch / best)


def _check(good: object) -> None:
    if not good:
        raise RuntimeError("a benchmarked operation gave a wrong result")


def _paillier(key_bits: int) -> Iterator[Row]:
    import numpy as np

    from isthmus.aggregate import bucket_sum
    from isthmus.paillier import keygen

    public_key, private_key = keygen(key_bits)
    n = 256
    values = np.arange(n, dtype=np.int64)
    ct = public_key.encrypt(values)
    _check(np.array_equal(private_key.decrypt(ct), values))
    yield _measure("Paillier encrypt, by anyone", n, lambda: public_key.encrypt(values))
    yield _measure("Paillier encrypt, by the key's owner", n, lambda: private_key.encrypt(values))
    yield _measure("Paillier decrypt", n, lambda: private_key.decrypt(ct))
    many = public_key.encrypt(np.ones(4096, dtype=np.int64))
    yield _measure("ciphertext addition", many.size, lambda: many + many)
    buckets = np.arange(many.size) % 32
    _check(set(private_key.decrypt(bucket_sum(many, buckets, 32)).tolist()) == {many.size // 32})
    yield _measure("ciphertext into one of 32 buckets", many.size, lambda: bucket_sum(many, buckets, 32))


def _group() -> Iterator[Row]:
    import numpy as np
    import pyarrow as pa

    from isthmus import group
    from isthmus.items import SecretSeed, item_records, mask_digests

    ristretto = group("ristretto255")
    n = 4096
    names = [f"customer {k}".encode() for k in range(n)]
    a, b = ristretto.random_scalar(), ristretto.random_scalar()
    points = ristretto.hash_to_group(names, dst=b"isthmus bench")
    once, other = ristretto.scalar_mult(a, points), ristretto.scalar_mult(b, points)
    _check(np.array_equal(ristretto.scalar_mult(b, once), ristretto.scalar_mult(a, other)))
    yield _measure("hash to ristretto255", n, lambda: ristretto.hash_to_group(names, dst=b"isthmus bench"))
    yield _measure("ristretto255 scalar multiplication", n, lambda: ristretto.scalar_mult(a, points))
    column = [pa.array([name.decode() for name in names])]
    records, _ = item_records(column, SecretSeed())
    digests = records[:, 1:5].copy().view(np.uint8)
    _check(mask_digests(digests, a, domain=b"bench").shape == (n, ristretto.element_bytes))
    yield _measure("identifier hashed and masked", n, lambda: mask_digests(digests, a, domain=b"bench"))
