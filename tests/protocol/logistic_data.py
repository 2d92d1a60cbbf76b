"""Small inputs for tests of the logistic protocol."""

from __future__ import annotations

from functools import cache

import numpy as np

from isthmus.paillier import keygen
from isthmus.protocol.logistic import LogisticParameters, train
from isthmus.protocol.logistic_messages import Side
from tests.protocol.logistic_twin import Twin, prepared

KEY_BITS = 2048
LINEAR = LogisticParameters(sigmoid="linear", key_bits=KEY_BITS)
CUBIC = LogisticParameters(iterations=1, batch_rows=256, key_bits=KEY_BITS)


@cache
def keys(party):
    """One pair per party for all tests: making one is slow."""
    del party
    return keygen(key_bits=KEY_BITS)


def make_data(rows, passive, active, seed=7):
    """Scaled integer blocks of both parties, correlated with each other, and labels."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(rows, 1))
    x_passive = rng.normal(size=(rows, passive)) + common
    x_active = rng.normal(size=(rows, active)) + common
    score = x_passive @ np.linspace(1, -0.5, passive) + x_active @ np.linspace(0.5, 1, active) - 0.8
    labels = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(np.int64)
    labels[:2] = 0, 1
    return prepared(x_passive)[2], prepared(x_active)[2], labels


def make_machines(data, parameters):
    """Both parties' training machines: passive, active."""
    passive, active, labels = data
    return (
        train(parameters, passive, None, keys=keys("passive")),
        train(parameters, active, labels, keys=keys("active")),
    )


def make_sides(data):
    """Both parties' places in a run, as they stand after the keys are exchanged."""
    passive, active, labels = data
    sizes = (passive.shape[1], active.shape[1])
    return (
        Side(False, len(labels), *sizes, keys("passive")[1], keys("active")[0]),
        Side(True, len(labels), *sizes, keys("active")[1], keys("passive")[0]),
    )


def assert_equals_twin(passive, active, data, parameters, tolerance=2e-3):
    """Both halves together are what the twin finds in the clear."""
    twin_passive, twin_active, twin_bias = Twin(*data).fit(parameters)
    assert passive.shared_id == active.shared_id
    np.testing.assert_allclose(passive.weights, twin_passive, atol=tolerance)
    np.testing.assert_allclose(active.weights, twin_active, atol=tolerance)
    assert abs(active.bias - twin_bias) < tolerance
    assert passive.bias == 0.0
