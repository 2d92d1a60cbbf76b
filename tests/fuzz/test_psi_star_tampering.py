"""One message of psi_star changed at random: on its way, or in its box by the member that sealed it.

The end is a typed error, never another one. What was changed on its way gives no result at all, unless it
means the same.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import IsthmusError
from isthmus.party.decode import parse
from isthmus.protocol.wire import psi_star_pb2 as wire
from isthmus.psi.sealing import RunKey
from tests.fuzz.tampering import CHANGES
from tests.protocol.star import Plain, drive_star

IDS = [f"customer-{i}" for i in range(8)]
SETS = [IDS, IDS[1:6], [*IDS[3:], "other"]]
SHARED = {3, 4, 5}
MESSAGES = 24


def outcome(target, change, draw, seals):
    """Change the message that is sent as number ``target``; return the hub's positions, or None."""
    sent = 0

    def tamper(sender, to, number, message):
        nonlocal sent
        sent += 1
        if sent - 1 != target:
            return message
        if seals is Plain and isinstance(message, wire.Sealed):
            return wire.Sealed(box=change(message.box[:-16], draw) + bytes(16))
        return parse(type(message), change(message.SerializeToString(), draw))

    try:
        hub, *_ = drive_star(SETS, chunk_items=3, seals=seals, tamper=tamper)
    except IsthmusError:
        return None
    assert sent == MESSAGES
    return set() if hub.positions is None else set(hub.positions)


@pytest.mark.parametrize("seals", [RunKey, Plain], ids=["on-its-way", "by-its-sender"])
@settings(max_examples=80)
@given(data=st.data())
def test_a_changed_message_ends_in_a_typed_error(seals, data):
    target = data.draw(st.integers(0, MESSAGES - 1), label="message")
    change = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)), label="change")]
    found = outcome(target, change, data.draw, seals)
    if seals is RunKey:
        assert found in (None, SHARED)
    else:  # a member may drop an item, name another position, or withhold the result
        assert found is None or found <= set(range(len(IDS)))
