"""Rows for private set intersection: ``pytest bench/test_psi.py --benchmark-enable``.

Each row checks the result that it times; ``extra_info`` holds microseconds per item.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from isthmus import items, tables
from isthmus.groups import group
from isthmus.protocol.matching import as_tags, match_tags
from isthmus.protocol.psi_ecdh import CHUNK_ITEMS, ecdh_psi
from tests.protocol.cases import drive

MILLION = 1 << 20
DOMAIN = bytes(32)


def id_column(start, count):
    return pa.chunked_array([[f"customer-{i:09d}" for i in range(start, start + count)]])


@pytest.fixture(scope="module")
def million():
    return [id_column(0, MILLION)]


def per_item(benchmark, count):
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_item"] = round(benchmark.stats.stats.min / count * 1e6, 3)


def test_check_ids(benchmark, million):
    benchmark(items.check_ids, million)
    per_item(benchmark, MILLION)


def test_first_occurrences(benchmark, million):
    rows = benchmark(items.first_occurrences, million)
    assert len(rows) == MILLION
    per_item(benchmark, MILLION)


def test_mask_items(benchmark, million):
    scalar = group("ristretto255").random_scalar()
    rows = np.random.default_rng(0).permutation(MILLION)[:CHUNK_ITEMS]
    points = benchmark(items.mask_items, million, scalar, domain=DOMAIN, rows=rows)
    assert len(np.unique(points, axis=0)) == CHUNK_ITEMS
    per_item(benchmark, CHUNK_ITEMS)


def test_mask_points(benchmark, million):
    a, b = (group("ristretto255").random_scalar() for _ in range(2))
    rows = np.arange(CHUNK_ITEMS)
    points_a, points_b = (items.mask_items(million, s, domain=DOMAIN, rows=rows) for s in (a, b))
    doubled = benchmark(items.mask_points, points_a, b)
    np.testing.assert_array_equal(doubled, items.mask_points(points_b, a))
    per_item(benchmark, CHUNK_ITEMS)


def test_match_tags(benchmark):
    random = np.random.default_rng(0).integers(0, 256, (MILLION * 3 // 2, 11), dtype=np.uint8)
    own, peer = as_tags(random[:MILLION]), as_tags(random[MILLION // 2 :])
    found = benchmark(match_tags, own, peer)
    assert sorted(found) == list(range(MILLION // 2, MILLION))
    per_item(benchmark, 2 * MILLION)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_read_identifiers(benchmark, million, tmp_path, suffix):
    path = tmp_path / f"ids{suffix}"
    tables.write_table(pa.table({"id": million[0]}), path)
    table = benchmark(tables.read_table, path, text=["id"])
    assert table.column("id").equals(million[0])
    per_item(benchmark, MILLION)


def test_both_machines_in_one_thread(benchmark):
    count = 1 << 13
    a, b = [id_column(0, count)], [id_column(count // 2, count)]
    rows = np.arange(count)

    def run():
        return drive(*(ecdh_psi(ids, rows, role="both", min_result=1) for ids in (a, b)))

    match, _ = benchmark.pedantic(run, rounds=1)
    assert sorted(match.rows) == list(range(count // 2, count))
    per_item(benchmark, count)
