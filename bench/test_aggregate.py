"""pytest-benchmark rows for isthmus.aggregate: ``pytest bench --benchmark-enable``."""

from typing import Any

import pytest
import workloads


@pytest.mark.parametrize("key_bits", [2048, 3072])
@pytest.mark.parametrize("row", workloads.AGGREGATE)
def test_aggregate(benchmark: Any, key_bits: int, row: str) -> None:
    workload = workloads.AGGREGATE[row](key_bits, 1000)
    result = benchmark.pedantic(workload.run, rounds=3, warmup_rounds=1)
    workload.verify(result)
    benchmark.extra_info["operations"] = workload.operations
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_operation"] = benchmark.stats.stats.min / workload.operations * 1e6
