"""Fast keys in jobs: both parties choose them, either sees the kind, and the audit record names them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from isthmus.errors import DecodeError, KeyRejected, ParameterMismatch
from isthmus.models import VerticalGBDT, VerticalLogisticRegression
from isthmus.paillier import keygen
from isthmus.party import run_in_memory
from isthmus.protocol.agreed_key import parse_agreed_key
from isthmus.protocol.gbdt import BinnedColumns, GBDTParameters, train_active, train_passive
from isthmus.protocol.logistic import train
from tests.protocol.cases import drive
from tests.protocol.gbdt_data import N_BINS, make_data
from tests.protocol.logistic_data import LINEAR
from tests.protocol.logistic_data import keys as djn_keys
from tests.protocol.logistic_data import make_data as make_logistic_data

GBDT = {"n_trees": 1, "max_depth": 2, "min_leaf": 5, "sample_rows": 40, "key_bits": 2048}
LOGISTIC = {"key_bits": 2048, "sigmoid": "linear"}
STATEMENT = "secrecy rested on fast Paillier keys and their subgroup assumption"


@cache
def fast_keys(party):
    del party
    return keygen(2048, fast=True)


def test_a_key_must_be_of_the_agreed_kind_and_size():
    fast, djn = fast_keys("a")[0].to_bytes(), djn_keys("passive")[0].to_bytes()
    assert parse_agreed_key(fast, 2048, fast=True).kind == "fast"
    assert parse_agreed_key(djn, 2048, fast=False).kind == "djn"
    for data, bits, kind in ((fast, 2048, False), (djn, 2048, True), (fast, 3072, True)):
        with pytest.raises(KeyRejected, match="agreed"):
            parse_agreed_key(data, bits, fast=kind)
    with pytest.raises(DecodeError):
        parse_agreed_key(fast[:-1], 2048, fast=True)


def test_logistic_parties_refuse_a_key_of_another_kind():
    passive, active, labels = make_logistic_data(60, 2, 1)
    fast = replace(LINEAR, fast_keys=True)
    honest = train(fast, passive, None, keys=fast_keys("a")), train(fast, active, labels, keys=fast_keys("b"))
    weights, other = drive(*honest)
    assert weights.shared_id == other.shared_id
    for first, second in ((LINEAR, fast), (fast, LINEAR)):
        pairs = [fast_keys("a") if p.fast_keys else djn_keys("passive") for p in (first, second)]
        with pytest.raises(KeyRejected):
            drive(train(first, passive, None, keys=pairs[0]), train(second, active, labels, keys=pairs[1]))


@pytest.mark.parametrize("agreed", [False, True])
def test_gbdt_parties_refuse_a_key_of_another_kind(agreed):
    bins, labels = make_data(60, 3)
    parameters = GBDTParameters(**GBDT, fast_keys=agreed)
    key = (djn_keys("passive") if agreed else fast_keys("a"))[1]
    active = train_active(
        BinnedColumns(bins[:, :1], N_BINS), labels, parameters, key, np.random.default_rng(0)
    )
    with pytest.raises(KeyRejected, match="agreed"):
        drive(active, train_passive(BinnedColumns(bins[:, 1:], N_BINS), parameters))


def fit(bank, fund):
    """Fit two halves on a little data; returns the audit records."""
    rng = np.random.default_rng(5)
    own, other = rng.normal(size=(120, 1)), rng.normal(size=(120, 2))
    labels = (own[:, 0] + other[:, 0] > 0).astype(int)
    return run_in_memory(
        {
            "bank": lambda session: (bank.fit(session, own, labels), list(session.audit))[1],
            "fund": lambda session: (fund.fit(session, other), list(session.audit))[1],
        }
    )


@pytest.mark.parametrize(("model", "options"), [(VerticalLogisticRegression, LOGISTIC), (VerticalGBDT, GBDT)])
def test_models_train_on_fast_keys_and_say_so(monkeypatch, model, options):
    made = []

    def recorded(key_bits, *, fast):
        made.append(fast)
        return keygen(key_bits, fast=fast)

    for module in ("isthmus.protocol.logistic", "isthmus.models.gbdt"):
        monkeypatch.setattr(f"{module}.keygen", recorded)
    audits = fit(model(**options, fast_keys=True), model(**options, fast_keys=True))
    assert made and all(made)
    for audit in audits.values():
        assert STATEMENT in [record.get("statement") for record in audit]


@pytest.mark.parametrize(("model", "options"), [(VerticalLogisticRegression, LOGISTIC), (VerticalGBDT, GBDT)])
def test_parties_that_differ_stop_before_anything_is_sent(model, options):
    with pytest.raises(ParameterMismatch, match="fast_keys"):
        fit(model(**options), model(**options, fast_keys=True))
