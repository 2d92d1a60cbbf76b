"""A member of a star that breaks psi_star's rules (fault cases 11 to 13, 15, 16): a typed error."""

from __future__ import annotations

import pytest

from isthmus import errors
from isthmus.protocol import psi_star
from isthmus.protocol.psi_star_relay import at_hub
from isthmus.protocol.suites import psi_suite
from isthmus.protocol.wire import psi_star_pb2 as wire
from isthmus.psi.sealing import RunKey
from tests.protocol.cases import Machine
from tests.protocol.star import Plain, drive_star

SETS = [[f"customer-{i}" for i in range(10)]] * 4
FILTER = 3
IDENTITY = bytes(32)
FIELD_PRIME = (2**255 - 19).to_bytes(32, "little")


def refusal(sender, to, number, change, *, seals=Plain, sets=SETS, min_result=0):
    """Change the n-th message between two members; return the error that ends the run."""

    def tamper(*step):
        return change(step[3]) if step[:3] == (sender, to, number) else step[3]

    with pytest.raises(errors.IsthmusError) as caught:
        drive_star(sets, seals=seals, tamper=tamper, chunk_items=4, min_result=min_result)
    assert "customer" not in str(caught.value)
    return caught.value


def content(change):
    """Change what is in a plain box."""
    return lambda message: wire.Sealed(box=change(message.box[:-16]) + bytes(16))


def element(replacement, position=1):
    at = 32 * position
    return content(lambda data: data[:at] + replacement + data[at + 32 :])


@pytest.mark.parametrize(
    ("replacement", "kind"),
    [
        (IDENTITY, errors.PointInvalid),
        (b"\x34\x12" + bytes(30), errors.PointInvalid),
        (FIELD_PRIME, errors.PointEncoding),
    ],
    ids=["identity", "not-an-element", "not-reduced"],
)
@pytest.mark.parametrize(("sender", "to"), [(0, 1), (1, 2), (3, 0)])
def test_a_bad_element_is_refused_with_its_row(sender, to, replacement, kind):
    # Before the second chunk go the Join or Roster, where there is one, and the first chunk.
    number = 1 if (sender, to) == (1, 2) else 2
    error = refusal(sender, to, number, element(replacement))
    assert type(error) is kind
    assert error.row == 4 + 1


@pytest.mark.parametrize(("sender", "to"), [(1, 2), (2, 3), (3, 0)])
@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-32], lambda data: data + data[:32], lambda data: data[:-1], lambda data: b""],
    ids=["short", "long", "ragged", "empty"],
)
def test_a_chunk_of_another_length_is_refused(sender, to, change):
    assert type(refusal(sender, to, 1, content(change))) is errors.ProtocolCount


def test_an_item_brought_twice_is_refused_by_the_filter():
    for sender, to in ((1, 2), (0, 1)):
        twice = content(lambda data: data[:32] * 2 + data[64:])
        assert type(refusal(sender, to, 1, twice)) is errors.PeerDuplicate


def test_tags_of_another_number_are_refused():
    # Three chunks of tags follow nine of elements from the member before the filter.
    for change in (lambda data: data[:-1], lambda data: data + b"x"):
        assert type(refusal(2, FILTER, 9, content(change))) is errors.ProtocolCount


@pytest.mark.parametrize(
    "change",
    [
        lambda box: box[:-1] + bytes([box[-1] ^ 1]),
        lambda box: bytes([box[0] ^ 1]) + box[1:],
        lambda box: box[:15],
        lambda box: b"",
    ],
)
def test_a_box_that_was_altered_on_its_way_is_refused(change):
    altered = lambda message: wire.Sealed(box=change(message.box))  # noqa: E731
    for sender, to in ((1, 2), (2, 3), (3, 2), (1, 0)):
        number = 1 if (sender, to) == (1, 0) else 0
        assert type(refusal(sender, to, number, altered, seals=RunKey)) is errors.TranscriptError


def test_a_box_in_another_s_place_is_refused():
    kept = []

    def swap(sender, to, number, message):
        if (sender, to) == (1, 2) and number == 0:
            kept.append(message)
        return kept[0] if (sender, to, number) == (1, 2, 1) else message

    with pytest.raises(errors.TranscriptError):
        drive_star(SETS, tamper=swap)


def outcome(**fields):
    def change(data):
        message = wire.Outcome.FromString(data)
        for name, value in fields.items():
            setattr(message, name, value)
        return message.SerializeToString()

    return content(change)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (outcome(shared=b"\xff"), errors.ProtocolCount),
        (outcome(shared=b"\xff\x03\x00"), errors.ProtocolCount),
        (outcome(shared=b"\x03\x04"), errors.PeerValue),
        (outcome(released=False), errors.ProtocolCount),
        (outcome(shared=b"\x01\x00"), errors.PeerValue),
        (content(lambda data: b"\xff\xff"), errors.DecodeError),
    ],
    ids=["short", "long", "beyond", "withheld", "below-minimum", "not-protobuf"],
)
@pytest.mark.parametrize(("sender", "to"), [(3, 2), (2, 1), (1, 0)])
def test_an_outcome_that_cannot_be_is_refused(sender, to, change, kind):
    number = {(3, 2): 0, (2, 1): 0, (1, 0): 1}[sender, to]
    assert type(refusal(sender, to, number, change, min_result=2)) is kind


def test_more_shared_items_than_a_member_has_are_refused():
    sets = [*SETS[:3], SETS[3][:3]]
    for sender, to in ((3, 2), (2, 1), (1, 0)):
        number = 1 if to == 0 else 0
        error = refusal(sender, to, number, outcome(shared=b"\x0f\x00"), sets=sets)
        assert type(error) is errors.ProtocolCount


def join(**fields):
    def change(message):
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    return change


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (join(count=psi_star.MAX_ITEMS + 1), errors.TooLarge),
        (join(count=(1 << 64) - 1), errors.TooLarge),
        (join(nonce=bytes(31)), errors.DecodeError),
        (join(public_key=bytes(33)), errors.DecodeError),
        (join(public_key=bytes(32)), errors.PeerValue),
    ],
    ids=["large", "huge", "nonce", "key-length", "no-key"],
)
def test_a_join_that_cannot_be_is_refused(change, kind):
    assert type(refusal(2, 0, 0, change, seals=RunKey)) is kind


@pytest.mark.parametrize("field", ["nonce", "public_key"])
def test_a_reflected_nonce_or_key_is_refused(field):
    first = []

    def reflect(sender, to, number, message):
        if isinstance(message, wire.Join):
            first.append(getattr(message, field))
            setattr(message, field, first[0])
        return message

    with pytest.raises(errors.PeerValue):
        drive_star(SETS, tamper=reflect)


def told(change):
    def alter(message):
        change(message.members)
        return message

    return alter


def rename(member, name):
    return told(lambda members: setattr(members[member], "name", name))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (told(lambda members: members.pop(2)), errors.PeerValue),
        (told(lambda members: [members.pop(2), members.pop(2)]), errors.ProtocolCount),
        (told(lambda members: setattr(members[2].join, "count", 11)), errors.PeerValue),
        (rename(2, "zoe"), errors.PeerValue),
        (rename(0, "zoe"), errors.PeerValue),
        (rename(1, "bob"), errors.ParameterMismatch),
        (rename(1, ""), errors.DecodeError),
        (rename(1, "\x1b[2J"), errors.DecodeError),
        (rename(1, "x" * 200), errors.DecodeError),
        (told(lambda members: setattr(members[1].join, "nonce", bytes(32))), errors.TranscriptError),
        (told(lambda members: setattr(members[1].join, "count", 9)), errors.TranscriptError),
        (rename(1, "eve"), errors.TranscriptError),
    ],
    ids=[
        "without-me",
        "too-few",
        "my-count",
        "my-name",
        "hub-name",
        "same-names",
        "no-name",
        "control-characters",
        "long-name",
        "another-nonce",
        "another-count",
        "another-name",
    ],
)
def test_a_hub_that_tells_a_member_something_else_is_refused(change, kind):
    assert type(refusal(0, 2, 0, change, seals=RunKey)) is kind


# --- the hub's relay ---------------------------------------------------------------------------------------


class Queues:
    def __init__(self):
        self.messages = []

    def put(self, sender, to, message):
        self.messages.append((sender, to, message))
        return True

    def get(self, sender, to):
        return roster() if sender == 0 else None


def roster():
    joins = [wire.Join(count=10, nonce=bytes([i]) * 32, public_key=bytes([i]) * 32) for i in range(4)]
    return wire.Roster(members=[wire.Member(name=f"m{i}", join=join) for i, join in enumerate(joins)])


@pytest.mark.parametrize("size", [0, 15, 4 * 32, 4 * 32 + 15, 4 * 32 + 17, 1 << 20])
def test_the_hub_passes_no_box_on_whose_length_is_wrong(size):
    queues = Queues()
    machine = Machine(at_hub(2, queues, psi_suite("ristretto255"), chunk_items=4))
    machine.inbox.append(roster().members[2].join)
    machine.advance()
    machine.inbox.append(wire.Sealed(box=bytes(4 * 32 + 16)))
    machine.advance()
    machine.inbox.append(wire.Sealed(box=bytes(size)))
    with pytest.raises(errors.ProtocolCount):
        machine.advance()
    assert [step[:2] for step in queues.messages] == [(2, 0), (2, 3)]
