"""Items and tags in memory and on disk: the same answers for any budget, and nothing readable left behind."""

from __future__ import annotations

import os
import resource

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import _core, errors
from isthmus.items import SecretSeed
from isthmus.protocol.matching import RunRecord
from isthmus.protocol.psi_exchange import WINDOW
from isthmus.psi.ingest import IdSource, read_items
from isthmus.psi.ledger import RunLedger
from isthmus.psi.own_items import ItemCollector
from isthmus.psi.segments import Segments, spans
from isthmus.psi.workspace import FileShelf, MemoryShelf, Workspace

SEED = SecretSeed(b"\x01" * 32)
native = _core.records


def own_items(ids, memory_bytes=1 << 30, folder=None):
    return read_items(IdSource(ids), SEED, Workspace(memory_bytes, folder), lambda rows: None)


def in_order(own):
    return own.digests(0, own.count).tobytes(), own.rows(np.arange(own.count, dtype=np.uint64)).tolist()


@pytest.mark.parametrize("n", [0, 1, 300, 300_000])
def test_memory_disk_and_batches_give_the_same_items(n, tmp_path):
    values = np.random.default_rng(n).integers(0, max(n, 1), n)
    in_memory, on_disk = own_items(values), own_items(values, 0, tmp_path)
    batches = pa.RecordBatchReader.from_batches(
        pa.schema([("id", pa.int64())]),
        (pa.record_batch({"id": part}) for part in np.array_split(values, 7)),
    )
    streamed = own_items(batches)
    assert in_order(in_memory) == in_order(on_disk) == in_order(streamed)
    assert in_memory.summary.fingerprint == on_disk.summary.fingerprint == streamed.summary.fingerprint
    assert in_memory.count == len(np.unique(values))
    assert (in_memory.memory_bytes > 0) == (n > 0)
    assert on_disk.memory_bytes == 0
    assert not any(tmp_path.iterdir())


@settings(max_examples=60)
@given(st.lists(st.integers(0, 12), max_size=60), st.randoms(use_true_random=False))
def test_rows_are_those_of_the_items_asked_for(values, random):
    own = own_items(np.array(values, dtype=np.int64))
    assert own.summary.total_rows == len(values)
    repeats = [i for i, value in enumerate(values) if value in values[:i]]
    assert own.summary.first_repeat == min(repeats, default=None)
    positions = np.array(random.sample(range(own.count), random.randint(0, own.count)), dtype=np.uint64)
    firsts = own.rows(positions).tolist()
    assert len({values[row] for row in firsts}) == len(positions)
    assert all(values[row] not in values[:row] for row in firsts)
    expected = [i for row in firsts for i, value in enumerate(values) if value == values[row]]
    assert own.rows(positions, every=True).tolist() == expected


def test_the_order_is_another_for_another_seed_and_not_that_of_the_input():
    values = np.arange(1000)
    orders = [
        read_items(IdSource(values), SecretSeed(), Workspace(), lambda rows: None).rows(
            values.astype(np.uint64)
        )
        for _ in range(2)
    ]
    assert not np.array_equal(*orders)
    assert abs(np.corrcoef(orders[0], values)[0, 1]) < 0.2


@pytest.mark.parametrize("memory_bytes", [0, 1 << 30])
def test_items_take_the_order_that_another_seed_would_have_given_them(memory_bytes):
    values = np.random.default_rng(1).integers(0, 3000, 5000)
    seed = SecretSeed(b"\x02" * 32)
    own = own_items(values, memory_bytes)
    before = in_order(own)
    own.reorder(seed)
    expected = read_items(IdSource(values), seed, Workspace(), lambda rows: None)
    assert in_order(own) == in_order(expected) != before
    assert own.summary == expected.summary
    every = np.arange(own.count, dtype=np.uint64)
    assert own.rows(every, every=True).tolist() == expected.rows(every, every=True).tolist()


def test_digests_can_be_read_anywhere():
    own = own_items(np.arange(2000), 0)
    whole = own.digests(0, own.count)
    for start, stop in ((0, 1), (5, 5), (1990, 2000), (13, 1500)):
        assert np.array_equal(own.digests(start, stop), whole[start:stop])


def test_an_input_of_one_repeated_identifier_is_one_item():
    own = own_items(np.zeros(200_000, dtype=np.int64))
    assert (own.count, own.summary.first_repeat) == (1, 1)
    assert len(own.rows(np.zeros(1, dtype=np.uint64), every=True)) == 200_000


def test_a_stream_whose_type_changes_is_refused():
    class Stream:
        schema = pa.schema([("id", pa.string())])

        def __iter__(self):
            yield pa.record_batch({"id": ["a"]})
            yield pa.record_batch({"id": [1]})

    with pytest.raises(errors.SchemaError):
        own_items(Stream())


@pytest.mark.parametrize("bad", ["b ", None])
def test_rows_of_a_stream_are_counted_from_its_start(bad):
    batches = [pa.record_batch({"id": pa.array(part, pa.string())}) for part in (["x", "y"], ["a", bad])]
    with pytest.raises(errors.IdEncoding) as caught:
        own_items(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
    assert caught.value.row == 3


@pytest.mark.parametrize("shelf", [MemoryShelf, lambda: FileShelf("/tmp")], ids=["memory", "file"])
def test_shelves_give_back_what_they_were_given(shelf):
    kept = shelf()
    arrays = [
        np.random.default_rng(0).integers(0, 2**63, (size, 3)).astype(np.uint64)
        for size in (0, 1, 77, 200_000)
    ]
    numbers = [kept.put(array) for array in arrays]
    for number, array in zip(numbers, arrays, strict=True):
        assert np.array_equal(kept.get(number, 0, len(array)), array)
        middle = len(array) // 3
        assert np.array_equal(kept.get(number, middle, len(array)), array[middle:])
    kept.drop(numbers[3], 50_000, 150_000)
    assert np.array_equal(kept.get(numbers[3], 0, 50_000), arrays[3][:50_000])
    assert np.array_equal(kept.get(numbers[3], 150_000, 200_000), arrays[3][150_000:])


def test_dropped_memory_is_given_back():
    kept = MemoryShelf()
    number = kept.put(np.ones((1 << 22, 3), dtype=np.uint64))
    before = resident()
    kept.drop(number, 0, 1 << 22)
    assert before - resident() > 64 << 20


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_a_file_has_no_name_and_no_readable_content(tmp_path):
    shelf = FileShelf(tmp_path)
    rows = np.full((1000, 4), 0x1234567812345678, dtype=np.uint64)
    shelf.put(rows)
    assert not any(tmp_path.iterdir())
    data = os.pread(shelf._file.fileno(), rows.nbytes, 0)
    assert len(data) == rows.nbytes
    assert len(set(data)) == 256
    assert rows[0, 0].tobytes() not in data


# --- tags -------------------------------------------------------------------------------------------------


def ledger_of(own, peer, width, memory_bytes=1 << 30):
    """A ledger that has received these tags and keys, in batches of 50."""
    ledger = RunLedger(Workspace(memory_bytes), 0)
    ledger.begin(RunRecord(bytes(32), SEED, len(own), len(peer)), own_tags=len(own), tag_bytes=width)
    for start in range(0, len(own), 50):
        ledger.add_own(own[start : start + 50, :width])
    for start in range(0, len(peer), 50):
        ledger.add_peer(peer[start : start + 50])
    return ledger


def keys(*rows):
    return np.frombuffer(b"".join(row.ljust(16, b"\0") for row in rows), np.uint8).reshape(-1, 16)


@settings(max_examples=40)
@given(
    own=st.sets(st.binary(min_size=3, max_size=3), max_size=30),
    peer=st.sets(st.binary(min_size=3, max_size=3), max_size=30),
    both=st.sets(st.binary(min_size=3, max_size=3), max_size=30),
    width=st.integers(3, 16),
)
def test_matches_are_the_common_tags_in_their_order(own, peer, both, width):
    sides = [sorted(own | both, key=hash), sorted(peer | both, key=lambda tag: tag[::-1])]
    a, b = (keys(*side) for side in sides)
    found = [int(i) for part in ledger_of(a, b, width).matches() for i in part]
    assert [sides[0][i] for i in found] == sorted((own | both) & (peer | both))


@pytest.mark.parametrize("memory_bytes", [0, 1 << 30])
def test_many_tags_match_in_memory_and_on_disk(memory_bytes):
    rows = np.random.default_rng(5).integers(0, 256, (3000, 16), dtype=np.uint8)
    ledger = ledger_of(rows[:2000], rows[1000:], 9, memory_bytes)
    found = np.concatenate(list(ledger.matches()))
    assert sorted(found.tolist()) == list(range(1000, 2000))
    assert [bytes(rows[i]) for i in found] == sorted(bytes(row) for row in rows[1000:2000])
    tags = np.concatenate(list(ledger.sorted_tags()))
    assert [bytes(tag) for tag in tags] == sorted(bytes(row[:9]) for row in rows[1000:])


def test_keys_that_share_a_tag_are_no_duplicates():
    a, b = keys(b"abc"), keys(b"abc1", b"abc2")
    assert np.concatenate(list(ledger_of(a, b, 3).matches())).tolist() == [0]


def test_what_was_sent_or_returned_twice_is_refused():
    one, two = keys(b"abc", b"abd"), keys(b"abc", b"abc")
    for ledger in (ledger_of(one, two, 3), ledger_of(two, one, 3)):
        with pytest.raises(errors.PeerDuplicate):
            list(ledger.matches())
    with pytest.raises(errors.PeerDuplicate):
        list(ledger_of(one, two, 3).sorted_tags())
    assert not np.concatenate(list(ledger_of(two, keys(b"xyz"), 3).matches())).size


def test_recent_tags_are_kept_for_a_window():
    batches = WINDOW + 8  # of 50
    rows = np.random.default_rng(5).integers(0, 256, (50 * batches, 16), dtype=np.uint8)
    ledger = ledger_of(rows[:0], rows, 7)
    assert ledger.recent_tags(batches) is None
    assert np.array_equal(ledger.recent_tags(batches - 1), rows[-50:, :7])
    assert np.array_equal(ledger.recent_tags(8), rows[400:450, :7])
    assert ledger.recent_tags(7) is None


@pytest.mark.parametrize("count", [0, 1, 1 << 14, (1 << 14) + 1, 100_003, 1 << 22, 1 << 32])
def test_partitions_are_read_together_in_order_and_once(count):
    found = list(spans(count))
    assert [partition for span in found for partition in range(*span)] == list(range(native.PARTITIONS))
    largest = max(last - first for first, last in found)
    assert largest == 1 or largest * count / native.PARTITIONS <= 1 << 14


@pytest.mark.parametrize("n", [0, 1, 2, 1023, 1024, 5000, 300_000])
@pytest.mark.parametrize("first_words", ["any", "two", "one"])
def test_sorting_orders_records_of_any_partitions(n, first_words):
    records = np.random.default_rng(n).integers(0, 1 << 64, (n, 3), dtype=np.uint64)
    if first_words != "any":
        records[:, 0] %= np.uint64(2 if first_words == "two" else 1)
        records[:, 0] += np.uint64((1 << 64) - 2)
    order = np.lexsort((records[:, 2], records[:, 1], records[:, 0]))
    assert np.array_equal(native.sort(records), records[order])


def test_tags_that_all_lie_together_are_refused_before_they_fill_the_memory():
    segments = Segments(3, MemoryShelf(), even=True)
    segments.add(np.zeros((100_000, 3), dtype=np.uint64))
    with pytest.raises(errors.PeerValue):
        segments.read(0, 1)


def test_a_peer_whose_tags_all_lie_together_is_refused_by_the_ledger():
    count = 400_000  # few enough for several partitions to be read together
    assert next(iter(spans(count))) != (0, 1)
    ledger = ledger_of(keys(), np.zeros((0, 16), dtype=np.uint8), 16)
    ledger.begin(RunRecord(bytes(32), SEED, 0, count), own_tags=0, tag_bytes=16)
    rows = np.random.default_rng(2).integers(0, 256, (count, 16), dtype=np.uint8)
    rows[:, 0] = 7
    ledger.add_peer(rows)
    with pytest.raises(errors.PeerValue):
        list(ledger.matches())


def test_items_go_to_disk_when_they_exceed_the_budget():
    collector = ItemCollector(Workspace(20 << 20))
    for first in (0, 300_000, 600_000):
        records = np.zeros((300_000, 6), dtype=np.uint64)
        records[:, 0] = np.arange(300_000) * 2**40
        records[:, 5] = np.arange(first, first + 300_000)
        collector.add(records, 1)
    own = collector.sort()
    assert own.memory_bytes == 0
    assert (own.summary.total_rows, own.summary.fingerprint) == (900_000, 3)
