"""The logistic protocol: linear with columns on both sides, cubic with the passive party's columns only."""

import numpy as np

from isthmus.protocol.logistic import PROTOCOL, SCORE_PROTOCOL, score
from tests.protocol.cases import ProtocolCase
from tests.protocol.logistic_data import CUBIC, LINEAR, assert_equals_twin, make_data, make_machines


def case(name, parameters, rows, passive, active):
    data = make_data(rows, passive, active)
    return ProtocolCase(
        name=f"logistic-{name}",
        protocol=PROTOCOL,
        make_steps_a=lambda: make_machines(data, parameters)[0],
        make_steps_b=lambda: make_machines(data, parameters)[1],
        check=lambda a, b: assert_equals_twin(a, b, data, parameters),
        parameters=parameters.as_json(),
    )


def check_scores(a, b):
    assert a is None
    np.testing.assert_allclose(b, [0.5, 0.0, 2.5])


CASES = [
    case("linear", LINEAR, 24, 2, 1),
    case("cubic-passive-only", CUBIC, 24, 2, 0),
    ProtocolCase(
        name="logistic-score",
        protocol=SCORE_PROTOCOL,
        make_steps_a=lambda: score(np.array([0.25, -1.0, 2.0]), 2, active=False),
        make_steps_b=lambda: score(np.array([0.25, 1.0, 0.5]), 1, active=True),
        check=check_scores,
    ),
]
