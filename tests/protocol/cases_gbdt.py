"""Training and scoring of boosted trees, with either party active and with columns on one or both sides."""

from dataclasses import asdict

import numpy as np

from isthmus.protocol.gbdt import (
    ActiveForest,
    GBDTParameters,
    OwnSplit,
    PassiveSplits,
    Tree,
    predict_active,
    predict_passive,
)
from isthmus.protocol.gbdt_tree import (
    PeerSplit,
)
from tests.protocol.cases import ProtocolCase
from tests.protocol.gbdt_data import assert_equals_twin, make_data, make_machines

PARAMETERS = GBDTParameters(n_trees=1, max_depth=2, min_leaf=5, sample_rows=40, key_bits=2048)
BINS, LABELS = make_data(n=60, features=3)


def training(name, own, active_first):
    def machine(active):
        return lambda: make_machines(BINS, LABELS, own, PARAMETERS)[0 if active else 1]

    def check(a, b):
        forest, half = (a, b) if active_first else (b, a)
        assert_equals_twin((forest, half), BINS, LABELS, own, PARAMETERS)

    return ProtocolCase(
        name=name,
        protocol="gbdt/1",
        make_steps_a=machine(active_first),
        make_steps_b=machine(not active_first),
        check=check,
        parameters=asdict(PARAMETERS),
    )


FOREST = ActiveForest("id", 0.25, [Tree({1: PeerSplit(0), 2: OwnSplit(0, 6)}, {3: 1.0, 4: 2.0, 5: 3.0})])
HALF = PassiveSplits("id", [OwnSplit(1, 6)])


def check_scores(margin, nothing):
    peer, own = BINS[:, 2] <= 6, BINS[:, 0] <= 6
    assert np.array_equal(margin, 0.25 + np.where(peer, np.where(own, 2.0, 3.0), 1.0))
    assert nothing is None


CASES = [
    training("gbdt-active-first", 1, True),
    training("gbdt-active-second-without-columns", 0, False),
    ProtocolCase(
        name="gbdt-scores",
        protocol="gbdt-predict/1",
        make_steps_a=lambda: predict_active(FOREST, BINS[:, :1]),
        make_steps_b=lambda: predict_passive(HALF, BINS[:, 1:]),
        check=check_scores,
        parameters={"model": "id"},
    ),
]
