"""What a user of the library sees: the names, tab completion, and how things print."""

import inspect

import numpy as np
import pytest

import isthmus as ist

SURFACE = {
    "aggregate": ["PackLayout", "bucket_sum", "weighted_sum"],
    "compat": ["phe"],
    "data": ["load", "split_for_demo"],
    "evaluate": ["binary_report"],
    "models": ["VerticalGBDT", "VerticalLogisticRegression", "load"],
    "oprf": ["Blinded", "Client", "Evaluation", "PrivateKey", "Server", "Suite", "suite", "suite_names"],
    "paillier": ["CiphertextArray", "PackLayout", "PrivateKey", "PublicKey", "RandomizerPool", "keygen"],
    "party": ["Session", "connect", "run_in_memory", "run_local"],
    "prep": ["Binner", "OneHotEncoder", "Standardizer", "WoeEncoder"],
    "psi": ["PsiResult", "StarResult", "intersect", "intersection_size", "star_intersect", "star_join"],
    "tables": ["open_stream", "read_table", "write_rows", "write_table"],
}


@pytest.mark.parametrize("module", SURFACE)
def test_names_exist_and_tab_completion_offers_them(module):
    found = getattr(ist, module)
    assert module in dir(ist)
    for name in SURFACE[module]:
        assert name in dir(found)
        assert inspect.getdoc(getattr(found, name))


@pytest.mark.parametrize("module", ["compat", "models", "oprf", "paillier", "party"])
def test_tab_completion_offers_nothing_else(module):
    found = getattr(ist, module)
    assert dir(found) == sorted(found.__all__)


def test_ciphertexts_behave_like_an_array():
    public_key, private_key = ist.paillier.keygen(key_bits=2048)
    values = np.array([1.5, -2.0])
    ct = public_key.encrypt(values)
    assert len(ct) == 2 and ct.shape == (2,)
    for made, expected in (
        (ct + ct, 2 * values),
        (ct - ct, 0 * values),
        (-ct, -values),
        (3 * ct, 3 * values),
        (ct * np.array([2, 5]), values * [2, 5]),
        (ct.sum(axis=0), values.sum()),
        (ct[1], values[1]),
        (ct[::-1], values[::-1]),
        (ct.reshape(2, 1), values.reshape(2, 1)),
        (ct.rerandomize(), values),
    ):
        np.testing.assert_array_equal(private_key.decrypt(made), expected)
    assert repr(private_key) == "PrivateKey(key_bits=2048, secret)"


def test_models_print_what_they_are():
    assert repr(ist.models.VerticalGBDT()) == "VerticalGBDT(not fitted)"
    model = ist.models.VerticalLogisticRegression()
    model.role, model.feature_names = "active", ("age", "income")
    assert repr(model) == "VerticalLogisticRegression(active half, 2 columns)"


def test_logistic_regression_refuses_a_short_key():
    with pytest.raises(ist.errors.InvalidArgument, match="key_bits is at least 2048"):
        ist.models.VerticalLogisticRegression(key_bits=1024)
