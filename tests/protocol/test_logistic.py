"""The logistic protocol step by step against its twin in the clear, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus import paillier
from isthmus.errors import (
    AlignmentError,
    CiphertextRange,
    DecodeError,
    FeatureValue,
    InvalidArgument,
    KeyRejected,
    PeerValue,
    ProtocolCount,
    ProtocolState,
)
from isthmus.protocol import logistic_messages, logistic_refine
from isthmus.protocol.logistic import LogisticParameters, score, train
from isthmus.protocol.logistic_moments import (
    COEFFICIENT_BITS,
    CROSS_BITS,
    FEATURE_LIMIT,
    SLOPE,
    WEIGHT_BITS,
    Blocks,
    active_moments,
    passive_moments,
)
from isthmus.protocol.logistic_refine import batch, correction
from isthmus.protocol.logistic_solver import prepare_solver
from isthmus.protocol.sharing import Shared, decode, encode, random_words
from isthmus.protocol.wire import logistic_pb2 as wire
from isthmus.protocol.wire.alignment_pb2 import TableShape
from tests.protocol.cases import Machine, drive
from tests.protocol.logistic_data import (
    CUBIC,
    LINEAR,
    assert_equals_twin,
    keys,
    make_data,
    make_machines,
    make_sides,
)
from tests.protocol.logistic_twin import Twin

DATA = make_data(150, 3, 2)
TINY = make_data(24, 1, 1)
PASSIVE_ONLY = make_data(150, 3, 0)
ULP = 2.0**-WEIGHT_BITS


def opened(a, b):
    assert (a.scale, a.first, b.first) == (b.scale, False, True)
    return decode(a.words + b.words, a.scale)


def split(values, scale):
    words = encode(np.asarray(values, dtype=float), scale)
    passive = random_words(words.shape)
    return Shared(passive, scale, False), Shared(words - passive, scale, True)


def split_blocks(passive, active, bias):
    halves = [split(part, WEIGHT_BITS) for part in (passive, active, [bias])]
    return Blocks(*(h[0] for h in halves)), Blocks(*(h[1] for h in halves))


def open_blocks(a, b):
    return opened(a.passive, b.passive), opened(a.active, b.active), opened(a.bias, b.bias)[0]


# --- each step against the twin ----------------------------------------------------------------------------


@pytest.mark.parametrize("data", (DATA, PASSIVE_ONLY), ids=("both", "passive-only"))
def test_moments_equal_the_twins(data):
    sides, twin = make_sides(data), Twin(*data)
    a, b = drive(passive_moments(sides[0], data[0]), active_moments(sides[1], data[1], data[2]))
    np.testing.assert_allclose(opened(a.cross, b.cross), twin.cross, atol=2.0**-CROSS_BITS)
    passive, active, bias = open_blocks(a.rhs, b.rhs)
    np.testing.assert_allclose(passive, twin.rhs[0], atol=ULP)
    np.testing.assert_allclose(active, twin.rhs[1], atol=ULP)
    assert abs(bias - twin.bias) <= ULP


def test_the_solver_equals_the_twins():
    sides, twin = make_sides(DATA), Twin(*DATA)
    cross, rhs = split(twin.cross, CROSS_BITS), split_blocks(*twin.rhs, twin.bias)

    def steps(i):
        solver = yield from prepare_solver(sides[i], cross[i], 2)
        first = yield from solver.solve(rhs[i], rhs[i] - rhs[i])
        return first, (yield from solver.solve(rhs[i], first))

    once, twice = zip(*drive(steps(0), steps(1)), strict=True)
    expected = twin.solve(twin.rhs, [np.zeros(3), np.zeros(2)])
    exact = np.linalg.solve(
        np.block([[np.eye(3), twin.cross], [twin.cross.T, np.eye(2)]]), np.concatenate(twin.rhs)
    )
    # C itself is rounded to 2^-12.
    np.testing.assert_allclose(np.concatenate(open_blocks(*once)[:2]), np.concatenate(expected), atol=2e-3)
    np.testing.assert_allclose(np.concatenate(open_blocks(*twice)[:2]), exact, atol=2e-3)


@pytest.mark.parametrize("data", (DATA, PASSIVE_ONLY), ids=("both", "passive-only"))
def test_a_pass_equals_the_twins(data):
    sides, twin = make_sides(data), Twin(*data)
    start = [np.linspace(-1, 1, 3), np.linspace(0.5, 1, data[1].shape[1])]
    weights = split_blocks(*start, -1.25)
    a, b = drive(correction(sides[0], data[0], weights[0]), correction(sides[1], data[1], weights[1]))
    parts, bias = twin.correction(np.arange(150), start, -1.25)
    # Scores are rounded to 2^-7 before the polynomial.
    passive, active, opened_bias = open_blocks(a, b)
    np.testing.assert_allclose(passive, parts[0], atol=2e-3)
    np.testing.assert_allclose(active, parts[1], atol=2e-3)
    assert abs(opened_bias - bias) < 2e-3


@pytest.mark.parametrize("parameters", (LINEAR, CUBIC), ids=("linear", "cubic"))
@pytest.mark.parametrize("data", (DATA, PASSIVE_ONLY), ids=("both", "passive-only"))
def test_training_equals_the_twins(data, parameters):
    assert_equals_twin(*drive(*make_machines(data, parameters)), data, parameters)


def test_chunks_do_not_change_the_result(monkeypatch):
    monkeypatch.setattr("isthmus.protocol.logistic_messages.MASKED_CHUNK", 3)
    for module in ("messages", "refine"):
        monkeypatch.setattr(f"isthmus.protocol.logistic_{module}.CHUNK", 64)
    assert_equals_twin(*drive(*make_machines(DATA, CUBIC)), DATA, CUBIC)


def test_batches_are_spread_and_distinct():
    for rows, size in ((1000, 256), (256, 256), (100, 256), (12345, 2048)):
        seen = [batch(rows, size, index, 3) for index in range(3)]
        for chosen in seen:
            assert len(np.unique(chosen)) == min(rows, size)
            assert 0 <= chosen.min() <= chosen.max() < rows
        assert rows <= size or not (seen[0] == seen[1]).all()


# --- what crosses ------------------------------------------------------------------------------------------


def sizes(data, parameters):
    seen = []

    def record(party):
        def tamper(_, message):
            seen.append((party, type(message).__name__, message.ByteSize()))
            return message

        return tamper

    drive(*make_machines(data, parameters), record("passive"), record("active"))
    return seen


def test_message_sizes_do_not_depend_on_the_data():
    passive, active, labels = TINY
    other = (np.zeros_like(passive), -active, 1 - labels)
    assert sizes(TINY, CUBIC) == sizes(other, CUBIC)


def test_what_is_opened_looks_random():
    """The words that cross are shares of masked values: no two runs on the same data have one in common."""

    def words():
        seen = []

        def tamper(_, message):
            if isinstance(message, wire.RingWords) and message.stage != wire.REVEAL:
                seen.extend(np.frombuffer(message.data, dtype="<u8").tolist())
            return message

        drive(*make_machines(TINY, LINEAR), tamper, tamper)
        return seen

    first, second = words(), words()
    assert not set(first) & set(second)
    assert len(set(first)) == len(first)
    bits = np.unpackbits(np.array(first, dtype=np.uint64).view(np.uint8))
    assert abs(bits.mean() - 0.5) < 7 * 0.5 / np.sqrt(bits.size)


# --- what is refused ---------------------------------------------------------------------------------------


def change(kind, stage, edit):
    """Edit the first message of a type and stage."""
    done = []

    def tamper(_, message):
        if isinstance(message, kind) and not done and (stage is None or message.stage == stage):
            done.append(True)
            edit(message)
        return message

    return tamper


def zero_ciphertext(message):
    width = len(message.data) // message.count
    message.data = bytes(width) + message.data[width:]


def one_fewer(message):
    width = len(message.data) // message.count
    message.count -= 1
    message.data = message.data[width:]


def shorter(message):
    message.data = message.data[:-1]


def other_stage(message):
    message.stage = wire.REVEAL


def out_of_bound(key):
    def edit(message):
        large = key.encrypt(np.full(message.count, (1 << 2046) - 1, dtype=object))
        message.data = large.to_bytes()

    return edit


# Every stage is read by one of two functions: one flaw each shows that they are called with the right bounds.
BAD = [
    *(
        (wire.Ciphertexts, wire.MOMENT_ROWS, edit, error, "active")
        for edit, error in (
            (zero_ciphertext, CiphertextRange),
            (shorter, DecodeError),
            (other_stage, ProtocolState),
        )
    ),
    *(
        (wire.Ciphertexts, stage, one_fewer, ProtocolCount, sender)
        for stage, sender in (
            (wire.MOMENT_ROWS, "active"),
            (wire.MOMENT_SUMS, "passive"),
            (wire.TRIPLE_VECTORS, "passive"),
            (wire.TRIPLE_PRODUCTS, "active"),
            (wire.PEER_WEIGHTS, "active"),
            (wire.FORWARD, "passive"),
            (wire.SCORE_POWERS, "passive"),
            (wire.CUBES, "active"),
            (wire.RESIDUALS, "passive"),
            (wire.GRADIENT, "active"),
        )
    ),
    (wire.Ciphertexts, wire.GRADIENT, zero_ciphertext, CiphertextRange, "passive"),
    (wire.RingWords, wire.OPEN_MATRIX, one_fewer, ProtocolCount, "active"),
    (wire.RingWords, wire.OPEN_VECTORS, other_stage, ProtocolState, "passive"),
    (wire.RingWords, wire.REVEAL, shorter, DecodeError, "active"),
]


@pytest.mark.parametrize(
    ("kind", "stage", "edit", "error", "sender"),
    BAD,
    ids=[f"{wire.Stage.Name(stage)}-{edit.__name__}" for _, stage, edit, _, _ in BAD],
)
def test_malformed_messages_are_refused(kind, stage, edit, error, sender):
    tampers = {"passive": None, "active": None, sender: change(kind, stage, edit)}
    with pytest.raises(error):
        drive(*make_machines(TINY, CUBIC), tampers["passive"], tampers["active"])


@pytest.mark.parametrize("stage", (wire.MOMENT_SUMS, wire.TRIPLE_PRODUCTS, wire.GRADIENT))
def test_masked_answers_out_of_bound_are_refused(stage):
    """Fault case 45: what the key's owner decrypts must lie in the range of an honest answer."""
    edit = change(wire.Ciphertexts, stage, out_of_bound(keys("active")[0]))
    with pytest.raises(PeerValue):
        drive(*make_machines(TINY, CUBIC), edit, None)


def test_cubes_out_of_bound_are_refused():
    edit = change(wire.Ciphertexts, wire.CUBES, out_of_bound(keys("passive")[0]))
    with pytest.raises(PeerValue):
        drive(*make_machines(TINY, CUBIC), None, edit)


def test_the_own_key_sent_back_is_refused():
    def reflect(message):
        message.public_key = keys("passive")[0].to_bytes()

    with pytest.raises(KeyRejected):
        drive(*make_machines(DATA, LINEAR), None, change(wire.Key, None, reflect))


def test_a_key_of_another_size_is_refused():
    passive, active, labels = DATA
    larger = replace(LINEAR, key_bits=3072)
    machines = (
        train(LINEAR, passive, None, keys=keys("passive")),
        train(larger, active, labels, keys=paillier.keygen(key_bits=3072)),
    )
    with pytest.raises(KeyRejected):
        drive(*machines)


def test_different_row_counts_are_refused_before_anything_else_is_sent():
    """Fault case 43."""
    passive, active, labels = DATA
    machine = Machine(train(LINEAR, passive[:-1], None, keys=keys("passive")))
    other = Machine(train(LINEAR, active, labels, keys=keys("active")))
    machine.advance()
    other.advance()
    machine.inbox.extend(other.outbox)
    with pytest.raises(AlignmentError):
        machine.advance()
    assert [type(message) for message in machine.outbox] == [TableShape]


@pytest.mark.parametrize("both", (True, False), ids=("two-active", "two-passive"))
def test_exactly_one_party_has_labels(both):
    passive, _, labels = DATA
    machines = [train(LINEAR, passive, labels if both else None, keys=keys(p)) for p in ("passive", "active")]
    with pytest.raises(InvalidArgument):
        drive(*machines)


def test_too_few_rows_for_the_weights_are_refused():
    """Threat L2: with as many weights as rows, a party's final weights would give away labels."""
    data = make_data(23, 3, 2)
    with pytest.raises(InvalidArgument):
        drive(*make_machines(data, LINEAR))


def test_features_beyond_the_bound_are_refused():
    passive, _, _ = DATA
    passive = passive.copy()
    passive[3, 1] = FEATURE_LIMIT + 1
    with pytest.raises(FeatureValue):
        next(train(LINEAR, passive, None))


def test_parameters_out_of_range_are_refused():
    for bad in (
        {"sigmoid": "exact"},
        {"iterations": 0},
        {"iterations": 4},
        {"batch_rows": 10},
        {"l2": 0.0},
        {"l2": float("nan")},
    ):
        with pytest.raises(InvalidArgument):
            LogisticParameters(**bad)


# --- the polynomial ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cubic", "half_width", "bound"), ((True, 5, 0.0611), (False, 4, 0.1311)), ids=("cubic", "linear")
)
def test_the_polynomials_accuracy_is_as_documented(cubic, half_width, bound):
    z = np.linspace(-half_width, half_width, 10001)
    scale = 1 << COEFFICIENT_BITS
    if cubic:
        p = 0.5 + logistic_refine.CUBIC_LINEAR / scale * z + logistic_refine.CUBIC / scale * z**3
    else:
        p = 0.5 + SLOPE / scale * z
    error = np.abs(p - 1 / (1 + np.exp(-z))).max()
    assert bound - 0.001 < error < bound


# --- scoring -----------------------------------------------------------------------------------------------


def test_scores_add_up_at_the_active_party_only():
    part = np.linspace(-4, 4, 70_000)
    passive, active = drive(score(part, 3, active=False), score(part[::-1].copy(), 2, active=True))
    assert passive is None
    np.testing.assert_allclose(active, 0, atol=2.0**-12)


def test_an_active_party_without_columns_takes_the_peers_rows():
    passive, active = drive(score(np.ones(5), 3, active=False), score(None, 0, active=True))
    assert passive is None
    assert active.tolist() == [1.0] * 5


def test_scores_of_other_rows_are_refused():
    with pytest.raises(AlignmentError):
        drive(score(np.ones(5), 3, active=False), score(np.ones(4), 2, active=True))


@pytest.mark.parametrize(
    ("edit", "error"),
    (
        (one_fewer, ProtocolCount),
        (shorter, DecodeError),
        (lambda m: setattr(m, "data", b"\x7f" * len(m.data)), PeerValue),
    ),
    ids=("count", "length", "value"),
)
def test_malformed_scores_are_refused(edit, error):
    with pytest.raises(error):
        drive(
            score(np.ones(5), 3, active=False),
            score(np.ones(5), 2, active=True),
            change(wire.PartialScores, None, edit),
        )


@pytest.mark.parametrize("party", [0, 1])
def test_a_pool_serves_the_run_and_ends_with_it(party):
    machines = [Machine(steps) for steps in make_machines(TINY, LINEAR)]
    key = keys(("passive", "active")[party])[1]
    while key._pool is None or not key._pool._running:
        for machine, peer in (machines, machines[::-1]):
            machine.advance()
            peer.inbox.extend(machine.outbox)
            machine.outbox.clear()
    machines[party]._steps.close()
    assert not key._pool._running
    assert key._pool.ready == 0


def test_no_pool_is_left_after_a_run():
    drive(*make_machines(TINY, LINEAR))
    assert not any(keys(party)[1]._pool._running for party in ("passive", "active"))


def test_sums_do_not_depend_on_their_blocks(monkeypatch):
    features = DATA[0]
    ct = keys("active")[1].encrypt(np.arange(len(features)))
    monkeypatch.setattr(logistic_messages, "SUM_ROWS", 60)
    sums = logistic_messages.RowSums(features)
    for first, last in logistic_messages.chunks(len(features), 40):
        sums.add(ct[first:last])
    np.testing.assert_array_equal(
        keys("active")[1].decrypt(sums.total()), features.T @ np.arange(len(features))
    )
