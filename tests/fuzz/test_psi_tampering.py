"""One message of psi_ecdh flipped, cut, dropped or replaced at random.

The end is a typed error, or at most missing matches; never another error, never a false match.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import IsthmusError
from isthmus.party.decode import parse
from isthmus.protocol.registry import PSI_PROTOCOLS
from tests.protocol.cases import drive
from tests.protocol.psi_parties import COUNTERPART, PsiParty

IDS = [f"customer-{i}" for i in range(8)]
SHARED = {1, 2, 3, 4, 5}

each_role = pytest.mark.parametrize(
    ("protocol", "role"), [(row.name, role) for row in PSI_PROTOCOLS.values() for role in row.roles]
)


def run(ids, protocol, role, tamper):
    """Run against a peer whose messages are tampered with; return the rows that this party learned."""
    own, peer = PsiParty(IDS), PsiParty(ids)
    sides = [
        party.steps(r, min_result=1, batch_items=3, protocol=PSI_PROTOCOLS[protocol].steps)
        for party, r in ((own, role), (peer, COUNTERPART[role]))
    ]
    match, _ = drive(*sides, tamper_b=tamper)
    return None if match.positions is None else set(own.rows(match))


def flipped(data, draw):
    if not data:
        return b"\x08"
    position = draw(st.integers(0, len(data) - 1))
    return data[:position] + bytes([data[position] ^ draw(st.integers(1, 255))]) + data[position + 1 :]


CHANGES = {
    "flip": flipped,
    "cut": lambda data, draw: data[: draw(st.integers(0, max(len(data) - 1, 0)))],
    "extend": lambda data, draw: data + draw(st.binary(min_size=1, max_size=40)),
    "replace": lambda data, draw: draw(st.binary(max_size=100)),
}


@each_role
@settings(max_examples=60)
@given(data=st.data())
def test_a_tampered_message_never_gives_a_false_match(protocol, role, data):
    target = data.draw(st.integers(0, 8), label="message")
    change = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)), label="change")]

    def tamper(position, message):
        if position != target:
            return message
        return parse(type(message), change(message.SerializeToString(), data.draw))

    peer = [IDS[i] for i in sorted(SHARED)] + ["other-1", "other-2"]
    try:
        found = run(peer, protocol, role, tamper)
    except IsthmusError:
        return
    assert found is None or found <= SHARED


@each_role
@settings(max_examples=20)
@given(first=st.integers(0, 8), second=st.integers(0, 8))
def test_messages_in_another_order_never_give_a_false_match(protocol, role, first, second):
    held = []

    def swap(position, message):
        if position == first:
            held.append(message)
            return None
        return held[0] if held and position == second else message

    peer = [IDS[i] for i in sorted(SHARED)]
    try:
        found = run(peer, protocol, role, swap)
    except (IsthmusError, AssertionError) as error:
        # A message that never comes leaves both waiting; the session's deadline ends that.
        assert isinstance(error, IsthmusError) or "wait for each other" in str(error)
        return
    assert found is None or found <= SHARED
