"""One message of gbdt changed at random: the end is a typed error or a whole model, never another error."""

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import IsthmusError
from isthmus.party.decode import parse
from isthmus.protocol.gbdt import GBDTParameters
from tests.fuzz.tampering import CHANGES
from tests.protocol.cases import drive
from tests.protocol.gbdt_data import make_data, make_machines

PARAMETERS = GBDTParameters(n_trees=1, max_depth=2, min_leaf=5, sample_rows=40, key_bits=2048)
BINS, LABELS = make_data(n=50, features=3)


@settings(max_examples=40)
@given(data=st.data())
def test_a_tampered_message_never_gives_another_error(data):
    active = data.draw(st.booleans(), label="of the active party")
    target = data.draw(st.integers(0, 5), label="message")
    change = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)), label="change")]

    def tamper(position, message):
        if position != target:
            return message
        return parse(type(message), change(message.SerializeToString(), data.draw))

    machines = make_machines(BINS, LABELS, 1, PARAMETERS)
    try:
        forest, half = drive(*machines, **{"tamper_a" if active else "tamper_b": tamper})
    except IsthmusError:
        return
    assert forest.n_records == len(half.records)
    for tree in forest.trees:
        assert sorted(tree.weights) == tree.leaves()
