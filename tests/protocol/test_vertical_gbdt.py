"""VerticalGBDT between two sessions: training, scoring, files, roles and bad input."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from isthmus import models
from isthmus.errors import (
    AlignmentError,
    FeatureValue,
    InvalidArgument,
    IsthmusError,
    LabelError,
    ModelFileError,
    ParameterMismatch,
    SchemaError,
)
from isthmus.models import VerticalGBDT
from isthmus.models.gbdt import ClearGBDT
from isthmus.party import run_in_memory
from tests.protocol.gbdt_data import private_key

SETTINGS = {
    "n_trees": 2,
    "max_depth": 3,
    "learning_rate": 0.5,
    "sample_rows": 150,
    "key_bits": 2048,
    "seed": 4,
}


@pytest.fixture(autouse=True)
def one_key(monkeypatch):
    """Making a key for each test would take most of their time."""
    key = private_key()
    monkeypatch.setattr("isthmus.models.gbdt.keygen", lambda bits, fast: (key.public_key, key))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(8)
    X = pd.DataFrame(rng.normal(size=(400, 5)), columns=["age", "income", "delay", "bill", "limit"])
    y = (X.sum(axis=1) + rng.normal(size=400) > 0).astype(int)
    X.loc[::9, "bill"] = np.nan
    return X[["age", "income"]], X[["delay", "bill", "limit"]], y.to_numpy()


def train(own, other, y, *, bank=None, fund=None, first="bank"):
    """Fit both halves; ``first`` is the party that holds the labels."""
    bank, fund = bank or VerticalGBDT(**SETTINGS), fund or VerticalGBDT(**SETTINGS)
    parties = {
        "bank": lambda session: (bank.fit(session, own, y), list(session.audit))[1],
        "fund": lambda session: (fund.fit(session, other), list(session.audit))[1],
    }
    audit = run_in_memory(dict(sorted(parties.items(), reverse=first == "fund")))
    return bank, fund, audit


def score(bank, fund, own, other):
    return run_in_memory(
        {
            "bank": lambda session: bank.predict_proba(session, own),
            "fund": lambda session: fund.predict_proba(session, other),
        }
    )


def test_training_scoring_and_files(data, tmp_path):
    own, other, y = data
    bank, fund, audit = train(own[:300], other[:300], y[:300])
    assert (bank.role, fund.role) == ("active", "passive")
    assert bank.model_id == fund.model_id != ""
    for party in ("bank", "fund"):
        assert any("bank learned gradient sums" in str(record) for record in audit[party])
        assert any("fund learned which training rows" in str(record) for record in audit[party])

    bank.save(tmp_path / "bank.json")
    fund.save(tmp_path / "fund.json")
    loaded = models.load(tmp_path / "bank.json"), VerticalGBDT.load(tmp_path / "fund.json")
    fresh = score(bank, fund, own[300:], other[300:])
    again = score(*loaded, own[300:], other[300:])
    assert fresh["fund"] is None
    assert np.array_equal(fresh["bank"], again["bank"])
    assert ((fresh["bank"] > 0) & (fresh["bank"] < 1)).all()
    pooled = ClearGBDT(n_trees=2, max_depth=3, learning_rate=0.5, sample_rows=150, seed=4)
    pooled.fit(pd.concat([own, other], axis=1)[:300], y[:300])
    clear = pooled.predict_proba(pd.concat([own, other], axis=1)[300:])
    assert np.allclose(fresh["bank"], clear, rtol=1e-12)
    assert roc_auc_score(y[300:], clear) > 0.7


def test_scoring_is_recorded_at_both_parties(data):
    own, other, y = data
    bank, fund, _ = train(own[:200], other[:200], y[:200])

    def scoring(half, columns):
        return lambda session: (half.predict_proba(session, columns), session.audit[-1])[1]

    last = run_in_memory({"bank": scoring(bank, own), "fund": scoring(fund, other)})
    for party in ("bank", "fund"):
        assert "bank learned each scored row's side of every split of fund" in last[party]["statement"]


def test_halves_hold_only_their_own_columns(data, tmp_path):
    own, other, y = data
    bank, fund, _ = train(own[:200], other[:200], y[:200])
    bank.save(tmp_path / "bank.json")
    fund.save(tmp_path / "fund.json")
    active, passive = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("bank", "fund"))
    assert "records" not in active["body"]
    assert not {"trees", "base"} & passive["body"].keys()
    assert all(name not in json.dumps(active) for name in other.columns)
    assert all(name not in json.dumps(passive) for name in own.columns)


def test_the_label_holder_may_have_no_columns_and_be_either_party(data):
    _, other, y = data
    bank, fund, _ = train(None, other[:200], y[:200], first="fund")
    result = score(bank, fund, None, other[200:])
    assert result["bank"].shape == (200,)
    assert roc_auc_score(y[200:], result["bank"]) > 0.6


def refuse(error, **changed):
    """Expect that training fails with ``error`` for one party and that neither half is fitted."""
    bank, fund = changed.pop("bank", VerticalGBDT(**SETTINGS)), VerticalGBDT(**SETTINGS)
    with pytest.raises(error):
        train(bank=bank, fund=fund, **changed)
    assert bank.role is None
    assert fund.role is None
    with pytest.raises(InvalidArgument, match="not fitted"):
        bank.save("unused.json")


def test_bad_input_is_refused_before_training(data):
    own, other, y = data
    good = {"own": own[:100], "other": other[:100], "y": y[:100]}
    refuse(LabelError, **good | {"y": np.where(y[:100] == 1, 2, 0)})
    refuse(LabelError, **good | {"y": np.ones(100)})
    refuse(AlignmentError, **good | {"y": y[:99]})
    refuse(AlignmentError, **good | {"other": other[:99]})
    refuse(FeatureValue, **good | {"other": other[:100].assign(limit=np.inf)})
    refuse(SchemaError, **good | {"other": other[:100].assign(limit="high")})
    refuse(SchemaError, **good | {"other": None})
    refuse(InvalidArgument, own=own[:39], other=other[:39], y=y[:39])
    refuse(InvalidArgument, **good | {"y": None})


def test_different_parameters_are_named(data):
    own, other, y = data
    bank = VerticalGBDT(**SETTINGS | {"max_depth": 2})
    with pytest.raises(ParameterMismatch, match="max_depth"):
        train(own[:100], other[:100], y[:100], bank=bank)


def test_scoring_refuses_other_columns_rows_and_halves(data, tmp_path):
    own, other, y = data
    bank, fund, _ = train(own[:100], other[:100], y[:100])
    with pytest.raises(SchemaError, match="order"):
        score(bank, fund, own[["income", "age"]], other)
    with pytest.raises(SchemaError, match="missing"):
        score(bank, fund, own, other[["delay"]])
    with pytest.raises(AlignmentError):
        score(bank, fund, own[:50], other[:49])
    stranger, _, _ = train(own[:100], other[:100], y[:100])
    with pytest.raises(ParameterMismatch, match="model"):
        score(stranger, fund, own, other)
    with pytest.raises(ModelFileError, match="belongs"):
        score(fund, bank, other, own)


def drop_leaf(body):
    body["trees"][0]["leaves"].pop()


def lift_split(body):
    body["trees"][0]["splits"][0][0] = 9


def renumber(body):
    for tree in body["trees"]:
        for split in tree["splits"]:
            if split[1] == "peer":
                split[2] += 1


@pytest.mark.parametrize(
    ("role", "edit"),
    [
        ("passive", lambda body: body.pop("records")),
        ("passive", lambda body: body.update(records=[[3, 1]])),
        ("passive", lambda body: body.update(records=[[0, 200]])),
        ("passive", lambda body: body["binner"].update(names=["a", "b", "c"])),
        ("passive", lambda body: body["parameters"].update(n_trees=0)),
        ("active", lambda body: body.update(base=float("inf"))),
        ("active", drop_leaf),
        ("active", lift_split),
        ("active", renumber),
    ],
)
def test_a_damaged_half_is_refused(data, role, edit):
    half = small_model(data)[role]
    document = {
        "kind": "gbdt",
        "party": "bank",
        "role": role,
        "model_id": half.model_id,
        "feature_names": list(half.feature_names),
        "body": json.loads(json.dumps(half._body())),
    }
    assert VerticalGBDT._from_document(document).role == role
    edit(document["body"])
    with pytest.raises(ModelFileError):
        VerticalGBDT._from_document(document)


_SMALL = {}


def small_model(data):
    """Both halves of one small model, trained once."""
    if not _SMALL:
        own, other, y = data
        bank, fund, _ = train(own[:100], other[:100], y[:100])
        _SMALL.update(active=bank, passive=fund)
    return _SMALL


def test_errors_hold_no_values(data):
    own, other, y = data
    with pytest.raises(IsthmusError) as caught:
        train(own[:100], other[:100].assign(limit=1e300), y[:100])
    assert "1e+300" not in str(caught.value)
