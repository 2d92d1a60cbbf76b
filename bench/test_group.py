"""Rows for hashing and groups: ``pytest bench/test_group.py --benchmark-enable``.

Each row checks the result that it times; ``extra_info`` holds microseconds per item, or megabytes per second.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from isthmus import _core
from isthmus.groups import Group, group, group_names

COUNT = 4096
MESSAGES = [b"customer-%09d" % i for i in range(COUNT)]


@pytest.fixture(scope="module", params=group_names())
def any_group(request: pytest.FixtureRequest) -> Group:
    return group(request.param)


def per_item(benchmark: Any) -> None:
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_item"] = round(benchmark.stats.stats.min / COUNT * 1e6, 3)


def test_hash_to_group(benchmark: Any, any_group: Group) -> None:
    points = benchmark(any_group.hash_to_group, MESSAGES, dst=b"bench")
    assert len(np.unique(points, axis=0)) == COUNT
    per_item(benchmark)


def test_scalar_mult(benchmark: Any, any_group: Group) -> None:
    points, scalar = any_group.hash_to_group(MESSAGES, dst=b"bench"), any_group.random_scalar()
    masked = benchmark(any_group.scalar_mult, scalar, points)
    assert np.array_equal(any_group.scalar_mult(scalar.inverse(), masked), points)
    per_item(benchmark)


@pytest.mark.parametrize("name", ["sha256", "sha512"])
def test_sha2(benchmark: Any, name: str) -> None:
    data = bytes(1 << 20)
    assert benchmark(getattr(_core.hash, name), data) == hashlib.new(name, data).digest()
    if benchmark.stats is not None:
        benchmark.extra_info["megabytes_per_second"] = round(len(data) / benchmark.stats.stats.min / 1e6)
