"""A passive party that returns wrong histograms (fault case 45): training stops, neither half is fitted."""

import numpy as np
import pytest

from isthmus.errors import PeerFailed, PeerValue, ProtocolCount
from isthmus.models import VerticalGBDT
from isthmus.party import run_in_memory
from isthmus.protocol.gbdt_packing import PairPacking
from tests.protocol.gbdt_data import private_key

SETTINGS = {"n_trees": 1, "max_depth": 2, "sample_rows": 60, "min_leaf": 10, "key_bits": 2048}


@pytest.fixture(autouse=True)
def one_key(monkeypatch):
    key = private_key()
    monkeypatch.setattr("isthmus.models.gbdt.keygen", lambda bits, fast: (key.public_key, key))


def train_with_fold(monkeypatch, fold):
    """Fit with a passive party whose folding is replaced; return each party's error."""
    monkeypatch.setattr(PairPacking, "fold", fold)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    models = {"bank": VerticalGBDT(**SETTINGS), "fund": VerticalGBDT(**SETTINGS)}
    errors = {}

    def fit(name, *columns):
        def work(session):
            try:
                models[name].fit(session, *columns)
            except Exception as error:
                errors[name] = error
                raise

        return work

    with pytest.raises((PeerValue, ProtocolCount)):
        run_in_memory({"bank": fit("bank", X[:, :1], y), "fund": fit("fund", X[:, 1:])})
    assert all(model.role is None for model in models.values())
    return errors


honest = PairPacking.fold
WRONG = {
    "out-of-bound": (lambda self, sums: honest(self, sums + sums), PeerValue),
    "negative": (lambda self, sums: honest(self, -sums), PeerValue),
    "wrong-shape": (lambda self, sums: honest(self, sums)[:0], ProtocolCount),
}


@pytest.mark.parametrize(("fold", "error"), WRONG.values(), ids=WRONG.keys())
def test_wrong_histograms_stop_training_on_both_sides(monkeypatch, fold, error):
    errors = train_with_fold(monkeypatch, fold)
    assert type(errors["bank"]) is error
    assert isinstance(errors["fund"], PeerFailed)
    assert errors["fund"].peer_code == error.code
