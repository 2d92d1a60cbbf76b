"""The gbdt protocol: equal to its twin, bounded in what it sends, strict in what it takes."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from isthmus.aggregate import PackLayout
from isthmus.errors import (
    AlignmentError,
    CiphertextRange,
    DecodeError,
    InvalidArgument,
    IsthmusError,
    KeyRejected,
    PeerValue,
    ProtocolCount,
    ProtocolState,
)
from isthmus.protocol.gbdt import (
    ActiveForest,
    BinnedColumns,
    GBDTParameters,
    OwnSplit,
    PassiveSplits,
    Tree,
    predict_active,
    predict_passive,
    train_passive,
)
from isthmus.protocol.gbdt_packing import PairPacking
from isthmus.protocol.gbdt_tree import (
    RowPartition,
)
from isthmus.protocol.gbdt_wire import pack_bits, unpack_bits
from isthmus.protocol.wire import gbdt_pb2 as wire
from isthmus.protocol.wire.alignment_pb2 import TableShape
from tests.protocol.cases import drive
from tests.protocol.gbdt_data import (
    N_BINS,
    assert_equals_twin,
    joined_splits,
    make_data,
    make_machines,
    private_key,
)

PARAMETERS = GBDTParameters(n_trees=2, max_depth=3, min_leaf=8, min_bucket=5, sample_rows=200, key_bits=2048)
BINS, LABELS = make_data()


def run(own=2, *, parameters=PARAMETERS, tamper_a=None, tamper_b=None, bins=BINS, labels=LABELS):
    return drive(*make_machines(bins, labels, own, parameters), tamper_a, tamper_b)


@cache
def honest():
    """Messages of one honest run, and its result."""
    seen = []

    def keep(_, message):
        seen.append(message)
        return message

    result = run(tamper_a=keep, tamper_b=keep)
    return seen, result


def of_type(kind):
    return [message for message in honest()[0] if isinstance(message, kind)]


# --- results ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", (0, 4))
def test_the_halves_together_are_the_twin(own):
    forest, half = run(own)
    assert_equals_twin((forest, half), BINS, LABELS, own, PARAMETERS)
    assert half.records


def test_columns_on_both_sides_give_the_twin():
    assert_equals_twin(honest()[1], BINS, LABELS, 2, PARAMETERS)


def test_scores_are_those_of_the_twin():
    forest, half = honest()[1]
    margin, nothing = drive(predict_active(forest, BINS[:, :2]), predict_passive(half, BINS[:, 2:]))
    assert nothing is None
    whole = [Tree(joined_splits(tree, half, 2), tree.weights) for tree in forest.trees]
    alone = ActiveForest("", forest.base, whole)
    expected, _ = drive(predict_active(alone, BINS), predict_passive(PassiveSplits("", []), BINS))
    assert np.array_equal(margin, expected)


def test_a_constant_column_gives_no_candidates():
    bins = BINS.copy(order="F")
    bins[:, 2:] = 1
    forest, half = run(bins=bins)
    assert half.records == []
    assert_equals_twin((forest, half), bins, LABELS, 2, PARAMETERS)


def test_many_rows_of_scores_need_several_messages(monkeypatch):
    monkeypatch.setattr("isthmus.protocol.gbdt._BITMAP_BYTES", 100)
    forest, half = honest()[1]
    sent = []
    margin, _ = drive(
        predict_active(forest, BINS[:, :2]),
        predict_passive(half, BINS[:, 2:]),
        tamper_b=lambda i, m: sent.append(m) or m,
    )
    assert len(sent) > 2
    monkeypatch.undo()
    assert np.array_equal(
        margin, drive(predict_active(forest, BINS[:, :2]), predict_passive(half, BINS[:, 2:]))[0]
    )


# --- what crosses ----------------------------------------------------------------------------------------


def test_sums_cover_at_least_min_bucket_rows():
    """With 200 sampled rows, buckets of 30 leave at most five boundaries to a column."""
    offered = {}
    for min_bucket in (1, 30):
        seen = []
        parameters = replace(PARAMETERS, min_bucket=min_bucket)
        run(parameters=parameters, tamper_b=lambda i, m, seen=seen: seen.append(m) or m)
        offered[min_bucket] = [m for m in seen if isinstance(m, wire.Sums)]
    for message in offered[30]:
        counts = np.frombuffer(message.row_counts, dtype="<u4")
        assert message.count <= 5 * 3
        assert ((counts == 0) | (counts >= 30)).all()
        if message.node == 1:
            assert counts.max() <= 200 - 30
    assert offered[30][0].count < offered[1][0].count


def test_every_split_keeps_min_leaf_sampled_rows():
    forest, half = honest()[1]
    starts = of_type(wire.TreeStart)
    for tree, start in zip(forest.trees, starts, strict=True):
        partition = RowPartition(unpack_bits(start.sample, len(BINS), "sample"))
        for node, split in sorted(joined_splits(tree, half, 2).items()):
            left = BINS[partition.rows(node), split.feature] <= split.bin
            partition.split(node, left)
            children = [len(partition.sampled(child)) for child in (2 * node, 2 * node + 1)]
            assert min(children) >= PARAMETERS.min_leaf


def test_only_smaller_siblings_are_summed_and_decrypted():
    for tree in range(PARAMETERS.n_trees):
        nodes = [m.node for m in of_type(wire.Sums) if m.tree == tree]
        assert len({node // 2 for node in nodes}) == len(nodes)


def test_messages_have_the_documented_sizes():
    width = 2048 // 4
    gradients = of_type(wire.Gradients)
    assert sum(len(m.ciphertexts) for m in gradients) == PARAMETERS.n_trees * 200 * width
    packing = PairPacking.for_sample(2048, 200)
    assert packing.pairs_per_ciphertext == 2046 // (2 * (17 + 8))
    for message in of_type(wire.Sums):
        assert len(message.ciphertexts) == packing.folded(message.count) * width
        assert len(message.row_counts) == 4 * message.count
    for message in of_type(wire.TreeStart):
        assert len(message.sample) == (len(BINS) + 7) // 8


def test_leaf_weights_and_last_partitions_stay_with_the_active_party():
    """A split whose children are leaves discloses no rows to the passive party."""
    last = [m for m in of_type(wire.Decisions) if m.level == PARAMETERS.max_depth - 1]
    own = [d for m in last for d in m.decisions if d.WhichOneof("fate") == "own_split"]
    assert own
    assert all(d.own_split == b"" for d in own)


def test_candidate_numbers_are_shuffled_for_every_tree():
    roots = [m for m in of_type(wire.Sums) if m.node == 1]
    for message in roots:
        counts = np.frombuffer(message.row_counts, dtype="<u4").astype(int)
        assert (np.diff(counts) < 0).sum() > 5  # per column they would increase


def test_folding_leaves_no_trace_of_the_terms():
    packing = PairPacking.for_sample(2048, 100)
    key = private_key()
    pairs = np.array([[3, 5], [1, 2]], dtype=np.int64)
    sums = key.encrypt_packed(pairs, packing.row)
    first, second = packing.fold(sums), packing.fold(sums)
    assert first.to_bytes() != second.to_bytes()
    assert packing.unfold(key, first, 2).tolist() == pairs.T.tolist()


@pytest.mark.parametrize("rows", (2, 5000, 1 << 24))
def test_packing_holds_the_largest_sums(rows):
    packing = PairPacking.for_sample(2048, rows)
    largest = rows * ((1 << 17) - 1)
    assert packing.row.slot_bits >= largest.bit_length()
    assert packing.pairs_per_ciphertext * packing.pair_bits <= 2046


# --- malformed peers -------------------------------------------------------------------------------------


def change(kind, edit, which=0):
    """A tamper function that edits the ``which``-th message of a kind."""
    seen = [0]

    def tamper(_, message):
        if isinstance(message, kind):
            if seen[0] == which:
                edit(message)
            seen[0] += 1
        return message

    return tamper


def encrypted_pairs(message, value):
    """Replace a Sums message's content by fresh encryptions of ``value`` in every slot's place."""
    packing = PairPacking.for_sample(2048, PARAMETERS.sample_rows)
    plain = np.full((message.count, 2), value, dtype=np.int64)
    bits = packing.row.slot_bits  # an honest party could not encrypt what is wider than a row's fields
    whole_slots = PackLayout(key_bits=2048, value_bits=(bits, bits), max_addends=1)
    sums = private_key().encrypt_packed(plain, whole_slots)
    message.ciphertexts = packing.fold(sums).to_bytes()


def set_counts(message, value):
    message.row_counts = np.full(message.count, value, dtype="<u4").tobytes()


def overfull(message):
    ciphertexts = private_key().public_key.encrypt(np.array([1 << 62], dtype=object) << 1980)
    message.ciphertexts = ciphertexts.to_bytes() * (len(message.ciphertexts) // 512)


@pytest.mark.parametrize(
    ("edit", "which", "error"),
    [
        (lambda m: setattr(m, "tree", 9), 0, ProtocolState),
        (lambda m: setattr(m, "node", 2), 0, ProtocolState),
        (lambda m: setattr(m, "count", m.count + 1), 0, ProtocolCount),
        (lambda m: setattr(m, "count", 2**32 - 1), 0, ProtocolCount),
        (lambda m: setattr(m, "candidates", b"\x01"), 0, ProtocolCount),
        (lambda m: setattr(m, "ciphertexts", m.ciphertexts[:-1]), 0, ProtocolCount),
        (lambda m: setattr(m, "ciphertexts", m.ciphertexts[512:]), 0, ProtocolCount),
        (lambda m: setattr(m, "ciphertexts", bytes(len(m.ciphertexts))), 0, CiphertextRange),
        (lambda m: setattr(m, "row_counts", m.row_counts[4:]), 0, ProtocolCount),
        (lambda m: set_counts(m, 0), 0, PeerValue),
        (lambda m: set_counts(m, 201), 0, PeerValue),
        (lambda m: encrypted_pairs(m, 0), 0, PeerValue),
        (lambda m: encrypted_pairs(m, (1 << 25) - 1), 0, PeerValue),
        (overfull, 0, PeerValue),
        (lambda m: setattr(m, "candidates", m.candidates[:-1]), 1, ProtocolCount),
        (lambda m: setattr(m, "candidates", b"\xff" * len(m.candidates)), 1, IsthmusError),
        (lambda m: setattr(m, "candidates", bytes(len(m.candidates))), 1, ProtocolCount),
        (lambda m: encrypted_pairs(m, 1), 1, PeerValue),
    ],
)
def test_sums_that_no_honest_peer_sends_are_refused(edit, which, error):
    with pytest.raises(error):
        run(tamper_b=change(wire.Sums, edit, which))


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda m: setattr(m, "level", 7), ProtocolState),
        (lambda m: m.partitions.add(node=99), ProtocolCount),
        (lambda m: setattr(m.partitions[0], "left", m.partitions[0].left[:-1]), ProtocolCount),
        (lambda m: setattr(m.partitions[0], "left", bytes(len(m.partitions[0].left))), PeerValue),
    ],
)
def test_partitions_that_no_honest_peer_sends_are_refused(edit, error):
    with pytest.raises(error):
        run(tamper_b=change(wire.Partitions, edit), own=0)


def choose_leafy_split(message):
    """Send all but one of the root's rows left."""
    left = np.ones(len(BINS), dtype=bool)
    left[0] = False
    message.decisions[0].own_split = pack_bits(left)


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda m: setattr(m, "tree", 3), ProtocolState),
        (lambda m: m.decisions.add(node=2, leaf=True), ProtocolState),
        (lambda m: m.decisions[0].ClearField("leaf") or m.decisions[0].ClearField("peer_split"), PeerValue),
        (lambda m: setattr(m.decisions[0], "peer_split", 10_000), PeerValue),
        (lambda m: setattr(m.decisions[0], "own_split", b"\x00"), ProtocolCount),
        (choose_leafy_split, PeerValue),
    ],
)
def test_decisions_that_no_honest_peer_sends_are_refused(edit, error):
    with pytest.raises(error):
        run(tamper_a=change(wire.Decisions, edit), own=0)


def test_padding_of_a_bitmap_must_be_zero():
    with pytest.raises(DecodeError):
        unpack_bits(b"\xff", 7, "bitmap")
    assert unpack_bits(b"\x05", 3, "bitmap").tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("kind", "edit", "error"),
    [
        (wire.Setup, lambda m: setattr(m, "public_key", b"\x01" * 9), IsthmusError),
        (wire.TreeStart, lambda m: setattr(m, "tree", 1), ProtocolState),
        (wire.TreeStart, lambda m: setattr(m, "sample", b"\xff" * 37 + b"\x0f"), ProtocolCount),
        (wire.Gradients, lambda m: setattr(m, "start", 1), ProtocolState),
        (wire.Gradients, lambda m: setattr(m, "count", 0), ProtocolCount),
        (wire.Gradients, lambda m: setattr(m, "count", 201), ProtocolCount),
        (wire.Gradients, lambda m: setattr(m, "ciphertexts", m.ciphertexts[1:]), ProtocolCount),
        (wire.Gradients, lambda m: setattr(m, "ciphertexts", b"\xff" * len(m.ciphertexts)), CiphertextRange),
    ],
)
def test_gradients_that_no_honest_peer_sends_are_refused(kind, edit, error):
    with pytest.raises(error):
        run(tamper_a=change(kind, edit))


def test_a_key_of_another_size_than_agreed_is_refused():
    active, _ = make_machines(BINS, LABELS, 2, PARAMETERS)
    agreed = GBDTParameters(n_trees=2, max_depth=3, min_leaf=8, sample_rows=200, key_bits=3072)
    with pytest.raises(KeyRejected):
        drive(active, train_passive(BinnedColumns(BINS[:, 2:], N_BINS), agreed))


def test_row_counts_must_agree_before_anything_is_encrypted():
    active, _ = make_machines(BINS, LABELS, 2, PARAMETERS)
    sent = []
    with pytest.raises(AlignmentError):
        drive(
            active,
            train_passive(BinnedColumns(BINS[1:, 2:], N_BINS), PARAMETERS),
            tamper_a=lambda i, m: sent.append(m) or m,
        )
    assert len(sent) == 1


def test_too_few_rows_for_one_split_are_refused():
    with pytest.raises(InvalidArgument, match="15 rows"):
        run(bins=BINS[:15], labels=LABELS[:15])


def test_a_row_count_beyond_memory_is_refused():
    with pytest.raises(PeerValue, match="rows"):
        drive(
            predict_active(honest()[1][0], None),
            predict_passive(honest()[1][1], BINS[:, 2:]),
            tamper_b=change(TableShape, lambda m: setattr(m, "rows", 1 << 40)),
        )


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (lambda m: setattr(m, "first_record", 1), ProtocolState),
        (lambda m: setattr(m, "records", 2), ProtocolState),
        (lambda m: setattr(m, "left", m.left[1:]), ProtocolCount),
        (lambda m: setattr(m, "left", b"\xff" * len(m.left)), DecodeError),
    ],
)
def test_split_bits_that_no_honest_peer_sends_are_refused(edit, error):
    forest = ActiveForest("", 0.0, [])
    forest.trees.append(honest()[1][0].trees[0])
    half = PassiveSplits("", [OwnSplit(0, 5)] * forest.n_records)
    with pytest.raises(error):
        drive(
            predict_active(forest, BINS[:, :2]),
            predict_passive(half, BINS[:, 2:]),
            tamper_b=change(wire.SplitBits, edit),
        )
