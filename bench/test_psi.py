"""Rows for private set intersection: ``pytest bench/test_psi.py --benchmark-enable``.

Each row checks the result that it times; ``extra_info`` holds microseconds per item.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from isthmus import items, tables
from isthmus.groups import group
from isthmus.protocol.matching import RunRecord
from isthmus.protocol.psi_ecdh import BATCH_ITEMS
from isthmus.psi.ledger import RunLedger
from isthmus.psi.own_items import ItemCollector
from isthmus.psi.workspace import Workspace
from tests.protocol.cases import drive
from tests.protocol.psi_parties import PsiParty

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


def test_item_records(benchmark, million):
    records, _ = benchmark(items.item_records, million, items.SecretSeed())
    assert np.array_equal(records[:, 5], np.arange(MILLION))
    per_item(benchmark, MILLION)


def test_sort_and_deduplicate(benchmark, million):
    records, fingerprint = items.item_records(million, items.SecretSeed())

    def run():
        collector = ItemCollector(Workspace())
        collector.add(records, fingerprint)
        return collector.sort()

    assert benchmark(run).count == MILLION
    per_item(benchmark, MILLION)


def test_mask_digests(benchmark, million):
    records, _ = items.item_records([million[0].slice(0, BATCH_ITEMS)], items.SecretSeed())
    digests = records[:, 1:5].copy().view(np.uint8)
    scalar = group("ristretto255").random_scalar()
    points = benchmark(items.mask_digests, digests, scalar, domain=DOMAIN)
    assert len(np.unique(points, axis=0)) == BATCH_ITEMS
    per_item(benchmark, BATCH_ITEMS)


def test_mask_points(benchmark, million):
    records, _ = items.item_records([million[0].slice(0, BATCH_ITEMS)], items.SecretSeed())
    digests = records[:, 1:5].copy().view(np.uint8)
    a, b = (group("ristretto255").random_scalar() for _ in range(2))
    points_a, points_b = (items.mask_digests(digests, s, domain=DOMAIN) for s in (a, b))
    doubled = benchmark(items.mask_points, points_a, b)
    np.testing.assert_array_equal(doubled, items.mask_points(points_b, a))
    per_item(benchmark, BATCH_ITEMS)


@pytest.mark.parametrize("memory_bytes", [0, 1 << 30], ids=["disk", "memory"])
def test_keep_and_match_tags(benchmark, memory_bytes):
    rows = np.random.default_rng(0).integers(0, 256, (MILLION * 3 // 2, 16), dtype=np.uint8)
    own, peer = rows[:MILLION, :11], rows[MILLION // 2 :]
    record = RunRecord(bytes(32), items.SecretSeed(), MILLION, MILLION)

    def run():
        ledger = RunLedger(Workspace(memory_bytes), 0)
        ledger.begin(record, own_tags=MILLION, tag_bytes=11)
        for start in range(0, MILLION, BATCH_ITEMS):
            ledger.add_own(own[start : start + BATCH_ITEMS])
            ledger.add_peer(peer[start : start + BATCH_ITEMS])
        return np.concatenate(list(ledger.matches()))

    found = benchmark(run)
    assert np.array_equal(np.sort(found), np.arange(MILLION // 2, MILLION))
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
    a, b = (PsiParty(id_column(start, count)) for start in (0, count // 2))

    def run():
        return drive(*(party.steps("both", min_result=1, batch_items=BATCH_ITEMS) for party in (a, b)))

    match, _ = benchmark.pedantic(run, rounds=1)
    assert sorted(a.rows(match)) == list(range(count // 2, count))
    per_item(benchmark, count)
