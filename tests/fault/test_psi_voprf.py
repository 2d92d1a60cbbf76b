"""A peer that breaks psi_voprf's rules (cases 11 to 13, 15 to 18, 22, 53): a typed error, and no result."""

from __future__ import annotations

import pytest

from isthmus import errors, oprf
from isthmus.protocol.psi_voprf import MAX_ITEMS, _Plan
from isthmus.protocol.registry import PSI_PROTOCOLS
from isthmus.protocol.wire import psi_voprf_pb2 as wire
from tests.fault.test_psi_messages import BASE, FIELD_PRIME, IDENTITY, P256_PRIME, changing
from tests.protocol.cases import drive
from tests.protocol.psi_parties import COUNTERPART, PsiParty

IDS = [f"customer-{i}" for i in range(10)]
BATCH = 4
WIDTH = _Plan(oprf.suite("ristretto255-SHA512"), b"", 10, 10, True, BATCH).tag_bytes
ROLES = ["receiver", "sender"]
#: What a party of each role gets in batches of elements.
ELEMENTS = {"receiver": wire.Evaluated, "sender": wire.Blinded}


def steps(role, suite="ristretto255"):
    protocol = PSI_PROTOCOLS["voprf"].steps
    return PsiParty(IDS).steps(role, min_result=1, batch_items=BATCH, suite=suite, protocol=protocol)


def refusal(tamper, role="receiver", suite="ristretto255"):
    """Run party a against a peer whose messages ``tamper`` changes; return the error."""
    with pytest.raises(errors.IsthmusError) as caught:
        drive(steps(role, suite), steps(COUNTERPART[role], suite), tamper_b=tamper)
    assert "customer" not in str(caught.value)
    return caught.value


def setting(field, change):
    """Replace a field by a function of it."""
    return lambda message: setattr(message, field, change(getattr(message, field)))


def element(replacement):
    """Replace the second element."""
    width = len(replacement)
    return setting("elements", lambda data: data[:width] + replacement + data[2 * width :])


BAD_ELEMENTS = {
    "identity": ("ristretto255", IDENTITY, errors.PointInvalid),
    "not-an-element": ("ristretto255", (0x1234).to_bytes(32, "little"), errors.PointInvalid),
    "not-reduced": ("ristretto255", FIELD_PRIME, errors.PointEncoding),
    "negative": ("ristretto255", bytes([BASE[0] ^ 1]) + BASE[1:], errors.PointEncoding),
    "P-256-identity": ("P-256", bytes(33), errors.PointEncoding),
    "P-256-hybrid": ("P-256", b"\x06" + bytes(32), errors.PointEncoding),
    "P-256-not-reduced": ("P-256", b"\x02" + P256_PRIME.to_bytes(32, "big"), errors.PointEncoding),
    "P-256-off-curve": ("P-256", b"\x02" + (1).to_bytes(32, "big"), errors.PointInvalid),
}
each_bad_element = pytest.mark.parametrize(
    ("suite", "replacement", "kind"), BAD_ELEMENTS.values(), ids=BAD_ELEMENTS.keys()
)


@each_bad_element
@pytest.mark.parametrize("role", ROLES)
def test_a_bad_element_is_refused_with_its_row(role, suite, replacement, kind):
    error = refusal(changing(ELEMENTS[role], element(replacement), occurrence=1), role, suite)
    assert type(error) is kind
    assert error.row == BATCH + 1


@each_bad_element
def test_a_bad_public_key_is_refused(suite, replacement, kind):
    error = refusal(changing(wire.Start, setting("public_key", lambda _: replacement)), suite=suite)
    assert type(error) is kind


@pytest.mark.parametrize("key", [b"", BASE[:31], BASE + b"\0"], ids=["none", "short", "long"])
def test_a_public_key_of_another_length_is_refused(key):
    error = refusal(changing(wire.Start, setting("public_key", lambda _: key)))
    assert type(error) is errors.PointEncoding


def test_a_receiver_with_a_public_key_is_refused():
    error = refusal(changing(wire.Start, setting("public_key", lambda _: BASE)), "sender")
    assert type(error) is errors.DecodeError


@pytest.mark.parametrize(
    ("proof", "kind"),
    [
        (lambda proof: b"", errors.ProofInvalid),
        (lambda proof: proof[:-1], errors.DecodeError),
        (lambda proof: proof + proof, errors.DecodeError),
        (lambda proof: b"\xff" * 64, errors.DecodeError),
        (lambda proof: proof[32:] + proof[:32], errors.ProofInvalid),
        (lambda proof: bytes(64), errors.ProofInvalid),
    ],
    ids=["none", "short", "two", "not-reduced", "swapped", "zeros"],
)
def test_a_bad_proof_is_refused(proof, kind):
    assert type(refusal(changing(wire.Evaluated, setting("proof", proof), occurrence=1))) is kind


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        (lambda data: data[:-32], errors.ProtocolCount),
        (lambda data: data + BASE, errors.ProtocolCount),
        (lambda data: b"", errors.ProtocolCount),
        (lambda data: data[:-1], errors.DecodeError),
    ],
    ids=["short", "long", "empty", "ragged"],
)
def test_a_batch_of_another_length_is_refused(role, elements, kind):
    assert type(refusal(changing(ELEMENTS[role], setting("elements", elements)), role)) is kind


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        (lambda tags: tags[:-WIDTH], errors.ProtocolCount),
        (lambda tags: tags + bytes(WIDTH), errors.ProtocolCount),
        (lambda tags: tags[:-1], errors.DecodeError),
        (lambda tags: tags[:WIDTH] * BATCH, errors.PeerDuplicate),
    ],
    ids=["short", "long", "ragged", "repeated"],
)
def test_bad_tags_are_refused(tags, kind):
    assert type(refusal(changing(wire.Tags, setting("tags", tags)))) is kind


@pytest.mark.parametrize(
    ("role", "kind"), [("receiver", wire.Evaluated), ("receiver", wire.Tags), ("sender", wire.Blinded)]
)
@pytest.mark.parametrize("index", [0, 2, 1 << 63])
def test_a_gap_in_the_batches_is_refused(role, kind, index):
    error = refusal(changing(kind, setting("index", lambda _: index), occurrence=1), role)
    assert type(error) is errors.ProtocolCount


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("count", "kind"), [(9, errors.ProtocolCount), (11, errors.ProtocolCount), (0, errors.ProtocolState)]
)
def test_a_count_that_is_not_kept_is_refused(role, count, kind):
    """The last batch has another length than the count says, or none is due where one comes."""
    assert type(refusal(changing(wire.Start, setting("count", lambda _: count)), role)) is kind


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("count", [MAX_ITEMS + 1, (1 << 64) - 1])
def test_a_huge_count_is_refused_before_anything_is_allocated(role, count):
    error = refusal(changing(wire.Start, setting("count", lambda _: count)), role)
    assert type(error) is errors.TooLarge


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("nonce", [b"", bytes(31), bytes(33)])
def test_a_nonce_of_another_length_is_refused(role, nonce):
    error = refusal(changing(wire.Start, setting("nonce", lambda _: nonce)), role)
    assert type(error) is errors.DecodeError


def test_a_reflected_nonce_is_refused():
    nonces = []

    def record(_, message):
        if isinstance(message, wire.Start):
            nonces.append(message.nonce)
        return message

    reflect = changing(wire.Start, setting("nonce", lambda _: nonces[0]))
    with pytest.raises(errors.PeerValue):
        drive(steps("receiver"), steps("sender"), tamper_a=record, tamper_b=reflect)


@pytest.mark.parametrize("role", ROLES)
def test_roles_that_do_not_fit_are_refused(role):
    with pytest.raises(errors.ParameterMismatch):
        drive(steps(role), steps(role))


@pytest.mark.parametrize("skipped", [wire.Start, wire.Evaluated, wire.Tags])
def test_a_skipped_message_is_out_of_state(skipped):
    seen = []

    def skip(_, message):
        if isinstance(message, skipped) and not seen:
            seen.append(message)
            return None
        return message

    assert isinstance(refusal(skip), errors.ProtocolState | errors.ProtocolCount)
