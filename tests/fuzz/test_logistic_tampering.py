"""One message of logistic changed at random: the end is a typed error or a result, never another error."""

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import IsthmusError
from isthmus.party.decode import parse
from tests.fuzz.tampering import CHANGES
from tests.protocol.cases import drive
from tests.protocol.logistic_data import LINEAR, make_data, make_machines

DATA = make_data(24, 1, 0)


@settings(max_examples=40)
@given(data=st.data())
def test_a_tampered_message_never_gives_another_error(data):
    active = data.draw(st.booleans(), label="of the active party")
    target = data.draw(st.integers(0, 3), label="message")
    change = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)), label="change")]

    def tamper(position, message):
        if position != target:
            return message
        return parse(type(message), change(message.SerializeToString(), data.draw))

    try:
        passive, labels = drive(
            *make_machines(DATA, LINEAR), **{"tamper_b" if active else "tamper_a": tamper}
        )
    except IsthmusError:
        return
    assert passive.weights.shape == (1,)
    assert labels.weights.shape == (0,)
