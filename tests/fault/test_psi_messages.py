"""A peer that breaks psi_ecdh's rules (fault cases 11 to 13, 15, 16, 18): a typed error, and no result."""

from __future__ import annotations

import pytest

from isthmus import errors
from isthmus.protocol.suites import psi_suite
from isthmus.protocol.wire import psi_ecdh_pb2 as wire
from tests.protocol.cases import drive
from tests.protocol.psi_parties import COUNTERPART, PsiParty

IDS = [f"customer-{i}" for i in range(10)]
BATCH = 4
WIDTH = psi_suite("ristretto255").tag_bytes(10, 10)
FIELD_PRIME = (2**255 - 19).to_bytes(32, "little")
IDENTITY = bytes(32)
BASE = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")


def steps(role, suite="ristretto255"):
    return PsiParty(IDS).steps(role, min_result=1, batch_items=BATCH, suite=suite)


def refusal(tamper, role="receiver", suite="ristretto255"):
    """Run party a against a peer whose messages ``tamper`` changes; return the error."""
    with pytest.raises(errors.IsthmusError) as caught:
        drive(steps(role, suite), steps(COUNTERPART[role], suite), tamper_b=tamper)
    assert "customer" not in str(caught.value)
    return caught.value


def changing(kind, change, occurrence=0):
    """Apply ``change`` to the peer's n-th message of a kind."""
    seen = -1

    def tamper(_, message):
        nonlocal seen
        if isinstance(message, kind):
            seen += 1
            if seen == occurrence:
                change(message)
        return message

    return tamper


def element(position, replacement):
    def change(message):
        points = bytearray(message.points)
        width = len(replacement)
        points[width * position : width * (position + 1)] = replacement
        message.points = bytes(points)

    return change


def set_points(points):
    return lambda message: setattr(message, "points", points(message.points))


@pytest.mark.parametrize("role", ["receiver", "sender", "both"])
@pytest.mark.parametrize(
    ("replacement", "kind"),
    [
        (IDENTITY, errors.PointInvalid),
        ((0x1234).to_bytes(32, "little"), errors.PointInvalid),
        (FIELD_PRIME, errors.PointEncoding),
        (BASE[:31] + bytes([BASE[31] | 0x80]), errors.PointEncoding),
        (bytes([BASE[0] ^ 1]) + BASE[1:], errors.PointEncoding),
    ],
    ids=["identity", "not-an-element", "not-reduced", "high-bit", "negative"],
)
def test_a_bad_element_is_refused_with_its_row(role, replacement, kind):
    error = refusal(changing(wire.Masked, element(1, replacement), occurrence=1), role)
    assert type(error) is kind
    assert error.row == BATCH + 1


P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
SM2_PRIME = 2**256 - 2**224 - 2**96 + 2**64 - 1
OTHER_SUITES = [
    ("X25519", bytes(32), errors.PointInvalid, "small-order"),
    ("X25519", b"\x01" + bytes(31), errors.PointInvalid, "small-order-one"),
    ("X25519", b"\x02" + bytes(31), errors.PointInvalid, "twist"),
    ("X25519", FIELD_PRIME, errors.PointEncoding, "not-reduced"),
    ("P-256", bytes(33), errors.PointEncoding, "identity"),
    ("P-256", b"\x06" + bytes(32), errors.PointEncoding, "hybrid"),
    ("P-256", b"\x02" + P256_PRIME.to_bytes(32, "big"), errors.PointEncoding, "not-reduced"),
    ("P-256", b"\x02" + (1).to_bytes(32, "big"), errors.PointInvalid, "off-curve"),
    ("SM2", bytes(33), errors.PointEncoding, "identity"),
    ("SM2", b"\x07" + bytes(32), errors.PointEncoding, "hybrid"),
    ("SM2", b"\x02" + SM2_PRIME.to_bytes(32, "big"), errors.PointEncoding, "not-reduced"),
    ("SM2", b"\x02" + (2).to_bytes(32, "big"), errors.PointInvalid, "off-curve"),
]


@pytest.mark.parametrize(
    ("suite", "replacement", "kind"),
    [case[:3] for case in OTHER_SUITES],
    ids=[f"{case[0]}-{case[3]}" for case in OTHER_SUITES],
)
def test_a_bad_element_of_any_suite_is_refused_with_its_row(suite, replacement, kind):
    tamper = changing(wire.Masked, element(1, replacement), occurrence=1)
    error = refusal(tamper, "both", suite=suite)
    assert type(error) is kind
    assert error.row == BATCH + 1


def of_mixed_order(points, source, target):
    """Put P + T in the place of element ``target``: P is ``source``, T = (0, 0) of order 2; 1/u for u."""
    u = int.from_bytes(points[32 * source : 32 * (source + 1)], "little")
    other = pow(u, -1, 2**255 - 19).to_bytes(32, "little")
    return points[: 32 * target] + other + points[32 * (target + 1) :]


def test_a_component_of_small_order_changes_nothing():
    tamper = changing(wire.Masked, set_points(lambda points: of_mixed_order(points, 1, 1)))
    matches = drive(steps("both", "X25519"), steps("both", "X25519"), tamper_b=tamper)
    assert [match.size for match in matches] == [len(IDS), len(IDS)]


@pytest.mark.parametrize("role", ["receiver", "sender", "both"])
def test_an_item_in_two_encodings_is_refused(role):
    tamper = changing(wire.Masked, set_points(lambda points: of_mixed_order(points, 1, 2)))
    assert type(refusal(tamper, role, "X25519")) is errors.PeerDuplicate


@pytest.mark.parametrize("role", ["receiver", "sender", "both"])
def test_a_masked_item_sent_twice_is_refused(role):
    def twice(message):
        message.points = message.points[:32] + message.points[:32] + message.points[64:]

    assert isinstance(refusal(changing(wire.Masked, twice), role), errors.PeerDuplicate)


@pytest.mark.parametrize("role", ["receiver", "both"])
def test_a_tag_returned_twice_is_refused(role):
    def twice(message):
        message.tags = message.tags[:WIDTH] * 2 + message.tags[2 * WIDTH :]

    assert isinstance(refusal(changing(wire.DoubleMasked, twice), role), errors.PeerDuplicate)


@pytest.mark.parametrize("role", ["receiver", "sender", "both"])
@pytest.mark.parametrize(
    ("points", "kind"),
    [
        (lambda points: points[:-32], errors.ProtocolCount),
        (lambda points: points + BASE, errors.ProtocolCount),
        (lambda points: b"", errors.ProtocolCount),
        (lambda points: points[:-1], errors.DecodeError),
    ],
    ids=["short", "long", "empty", "ragged"],
)
def test_a_batch_of_another_length_is_refused(role, points, kind):
    assert type(refusal(changing(wire.Masked, set_points(points)), role)) is kind


@pytest.mark.parametrize("role", ["receiver", "both"])
def test_tags_of_another_count_are_refused(role):
    def fewer(message):
        message.tags = message.tags[:-WIDTH]

    assert type(refusal(changing(wire.DoubleMasked, fewer), role)) is errors.ProtocolCount


@pytest.mark.parametrize("kind", [wire.Masked, wire.DoubleMasked])
@pytest.mark.parametrize("index", [0, 2, 1 << 63])
def test_a_gap_in_the_batches_is_refused(kind, index):
    def renumber(message):
        message.index = index

    assert type(refusal(changing(kind, renumber, occurrence=1), "both")) is errors.ProtocolCount


@pytest.mark.parametrize("role", ["receiver", "sender", "both"])
@pytest.mark.parametrize(
    ("count", "kind"),
    [
        (9, errors.ProtocolCount),
        (11, errors.ProtocolCount),
        (4, errors.ProtocolState),
        (0, errors.ProtocolState),
    ],
)
def test_a_count_that_is_not_kept_is_refused(role, count, kind):
    """The last batch has another length than the count says, or none is due where one comes."""

    def lie(message):
        message.count = count

    assert type(refusal(changing(wire.Start, lie), role)) is kind


def test_a_huge_count_is_refused_before_anything_is_allocated():
    def lie(message):
        message.count = (1 << 64) - 1

    assert type(refusal(changing(wire.Start, lie))) is errors.TooLarge


@pytest.mark.parametrize("nonce", [b"", bytes(31), bytes(33)])
def test_a_nonce_of_another_length_is_refused(nonce):
    def change(message):
        message.nonce = nonce

    assert type(refusal(changing(wire.Start, change))) is errors.DecodeError


def test_a_reflected_nonce_is_refused():
    nonces = []

    def record(_, message):
        if isinstance(message, wire.Start):
            nonces.append(message.nonce)
        return message

    def reflect(_, message):
        if isinstance(message, wire.Start):
            message.nonce = nonces[0]
        return message

    with pytest.raises(errors.PeerValue):
        drive(steps("both"), steps("both"), tamper_a=record, tamper_b=reflect)


@pytest.mark.parametrize(
    ("own", "peer"), [("receiver", "receiver"), ("sender", "both"), ("sender", "sender")]
)
def test_roles_that_do_not_fit_are_refused(own, peer):
    with pytest.raises(errors.ParameterMismatch):
        drive(steps(own), steps(peer))


@pytest.mark.parametrize("skipped", [wire.Start, wire.Masked, wire.DoubleMasked])
def test_a_skipped_message_is_out_of_state(skipped):
    seen = []

    def skip(_, message):
        if isinstance(message, skipped) and not seen:
            seen.append(message)
            return None
        return message

    error = refusal(skip)
    assert isinstance(error, errors.ProtocolState | errors.ProtocolCount)


def test_a_verdict_that_contradicts_the_tags_is_refused():
    def deny(message):
        message.released = False

    assert type(refusal(changing(wire.Verdict, deny), "both")) is errors.PeerValue
