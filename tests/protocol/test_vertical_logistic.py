"""VerticalLogisticRegression over sessions: parity with pooled training, roles, files, refusals."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from isthmus import models
from isthmus.data import describe, load
from isthmus.errors import (
    AlignmentError,
    FeatureValue,
    InvalidArgument,
    LabelError,
    ModelFileError,
    ParameterMismatch,
    PathError,
    SchemaError,
    StorageError,
)
from isthmus.models import VerticalLogisticRegression
from isthmus.party import run_in_memory
from isthmus.protocol import logistic
from isthmus.protocol.logistic import LogisticParameters
from isthmus.tables import numeric_matrix
from tests.protocol.logistic_data import keys
from tests.protocol.logistic_twin import clear_scores

OPTIONS = {"key_bits": 2048, "batch_rows": 512, "iterations": 1}


@pytest.fixture(autouse=True)
def two_keys(monkeypatch):
    """Each party takes one of two ready pairs; making them is slow and tested elsewhere."""
    pairs = [keys("passive"), keys("active")]
    monkeypatch.setattr(logistic, "keygen", lambda key_bits, fast: pairs.pop())


def real_data(name="credit-default"):
    """Return (passive columns, active columns, labels) of a shipped data set; text becomes 0/1."""
    data, table = describe(name), load(name)
    labels = table[data.label].to_numpy().astype(np.int64)

    def block(columns):
        frame = pd.get_dummies(table.select(list(columns)).to_pandas(), drop_first=True, dtype=float)
        return numeric_matrix(frame)[0]

    return block(data.passive_columns), block(data.active_columns), labels


def shuffled(data, seed=5):
    order = np.random.default_rng(seed).permutation(len(data[2]))
    return tuple(part[order] for part in data)


def pooled_auc(train, labels, held_out, held_out_labels):
    """scikit-learn on both parties' columns in one place."""
    scaler = StandardScaler().fit(np.hstack(train))
    model = LogisticRegression(max_iter=2000).fit(scaler.transform(np.hstack(train)), labels)
    return roc_auc_score(held_out_labels, model.decision_function(scaler.transform(np.hstack(held_out))))


def small(rows=60, seed=1):
    rng = np.random.default_rng(seed)
    passive, active = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 1))
    labels = (passive @ [1.0, -1.0] + active[:, 0] + rng.normal(size=rows) > 0).astype(int)
    return passive, active, labels


def fit_both(passive, active, labels, **options):
    """Train and return both fitted halves: bank is active."""
    options = {**OPTIONS, **options}

    def bank(session):
        return VerticalLogisticRegression(**options).fit(session, active, labels)

    def fund(session):
        return VerticalLogisticRegression(**options).fit(session, passive)

    result = run_in_memory({"bank": bank, "fund": fund})
    return result["bank"], result["fund"]


def score_both(bank, fund, active, passive):
    result = run_in_memory(
        {
            "bank": lambda session: bank.predict_proba(session, active),
            "fund": lambda session: fund.predict_proba(session, passive),
        }
    )
    assert result["fund"] is None
    return result["bank"]


# --- quality -----------------------------------------------------------------------------------------------


def test_auc_on_real_customers_equals_pooled_training():
    """The real protocol on 1,500 rows: the score is the twin's, and as good as scikit-learn's."""
    passive, active, labels = shuffled(real_data())
    train, held_out = slice(0, 1500), slice(1500, 9500)
    options = {"iterations": 2, "batch_rows": 1024}
    bank, fund = fit_both(passive[train], active[train], labels[train], **options)
    scores = score_both(bank, fund, active[held_out], passive[held_out])
    blocks = (passive[train], active[train]), (passive[held_out], active[held_out])
    twin = clear_scores(blocks[0], labels[train], LogisticParameters(**options), blocks[1])
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-twin)), atol=0.005)
    pooled = pooled_auc(blocks[0], labels[train], blocks[1], labels[held_out])
    alone = pooled_auc(blocks[0][1:], labels[train], blocks[1][1:], labels[held_out])
    found = roc_auc_score(labels[held_out], scores)
    assert found > pooled - 0.003
    assert found > alone + 0.05


@pytest.mark.parametrize(("name", "rows"), (("credit-default", 20_000), ("bank-marketing", 3_400)))
def test_auc_of_the_twin_equals_pooled_training(name, rows):
    """The defaults at full size, in the clear; the tests above hold the protocol to the twin."""
    differences = []
    for seed in range(4):
        passive, active, labels = shuffled(real_data(name), seed)
        blocks = (passive[:rows], active[:rows]), (passive[rows:], active[rows:])
        twin = clear_scores(blocks[0], labels[:rows], LogisticParameters(), blocks[1])
        pooled = pooled_auc(blocks[0], labels[:rows], blocks[1], labels[rows:])
        differences.append(roc_auc_score(labels[rows:], twin) - pooled)
    assert np.mean(differences) > -0.003


def test_columns_that_both_parties_hold_do_no_harm():
    passive, active, labels = shuffled(real_data())
    active = np.hstack([active, passive[:, :4]])
    blocks = (passive[:5000], active[:5000]), (passive[5000:], active[5000:])
    twin = clear_scores(blocks[0], labels[:5000], LogisticParameters(), blocks[1])
    assert (
        roc_auc_score(labels[5000:], twin)
        > pooled_auc(*[blocks[0], labels[:5000], blocks[1], labels[5000:]]) - 0.003
    )


# --- roles and inputs --------------------------------------------------------------------------------------


def test_either_party_can_be_active():
    passive, active, labels = small()
    options = {**OPTIONS, "sigmoid": "linear"}

    def run(active_name, passive_name):
        result = run_in_memory(
            {
                active_name: lambda s: VerticalLogisticRegression(**options).fit(s, active, labels),
                passive_name: lambda s: VerticalLogisticRegression(**options).fit(s, passive),
            }
        )
        return result[active_name], result[passive_name]

    first, second = run("bank", "fund")
    assert (first.role, first.party, second.role, second.party) == ("active", "bank", "passive", "fund")
    assert first.model_id == second.model_id
    assert second.coef_[0] > 0 > second.coef_[1]


def test_the_active_party_may_have_labels_only():
    passive, _, labels = small()
    bank, fund = fit_both(passive, None, labels)
    assert bank.coef_.size == 0
    assert bank.feature_names == ()
    scores = score_both(bank, fund, None, passive)
    assert roc_auc_score(labels, scores) > 0.7
    expected = 1 / (1 + np.exp(-(passive @ fund.coef_ + fund.intercept_ + bank.intercept_)))
    inside = np.abs((passive - passive.mean(0)) / passive.std(0)).max(axis=1) < 3
    np.testing.assert_allclose(scores[inside], expected[inside], atol=1e-3)


def test_frames_constant_columns_and_names():
    passive, active, labels = small()
    frame = pd.DataFrame(passive, columns=["income", "debt"]).assign(constant=7.25)
    bank, fund = fit_both(frame, pa.table({"age": active[:, 0]}), labels, sigmoid="linear")
    assert fund.feature_names == ("income", "debt", "constant")
    assert bank.feature_names == ("age",)
    assert fund.coef_[2] == 0
    assert np.isfinite(score_both(bank, fund, pa.table({"age": active[:, 0]}), frame)).all()


def test_what_was_disclosed_is_recorded():
    passive, active, labels = small()
    options = {**OPTIONS, "sigmoid": "linear"}

    def statements(session):
        return [r["statement"] for r in session.audit if r["event"] == "disclosure"]

    def bank(session):
        VerticalLogisticRegression(**options).fit(session, active, labels).predict_proba(session, active)
        return statements(session)

    def fund(session):
        VerticalLogisticRegression(**options).fit(session, passive).predict_proba(session, passive)
        return statements(session)

    result = run_in_memory({"bank": bank, "fund": fund})
    assert (
        result["bank"]
        == result["fund"]
        == [
            "bank learned the logistic weights of its own columns",
            "fund learned the logistic weights of its own columns",
            "bank learned the score of each row",
        ]
    )


# --- refusals ----------------------------------------------------------------------------------------------


def refused(error, bank_fit, fund_fit):
    """Run both and return the message; neither half may come out fitted."""
    made = []

    def party(arguments):
        def run(session):
            model = VerticalLogisticRegression(**OPTIONS, **arguments.pop("options", {}))
            made.append(model)
            return model.fit(session, **arguments)

        return run

    with pytest.raises(error) as caught:
        run_in_memory({"bank": party(bank_fit), "fund": party(fund_fit)})
    assert all(model.role is None for model in made)
    return str(caught.value)


def test_other_row_counts_are_refused():
    """Fault case 43."""
    passive, active, labels = small()
    refused(AlignmentError, {"X": active, "y": labels}, {"X": passive[:-1]})
    refused(AlignmentError, {"X": active[1:], "y": labels}, {"X": passive})


@pytest.mark.parametrize("y", ([0, 1, 2], [0, 0, 0], [np.nan] * 3), ids=("values", "one-class", "missing"))
def test_unfit_labels_are_refused(y):
    """Fault case 42."""
    passive, active, _ = small()
    refused(LabelError, {"X": active[:3], "y": np.array(y)}, {"X": passive[:3]})


@pytest.mark.parametrize("value", (np.nan, np.inf, 1e308))
def test_unfit_features_are_refused(value):
    """Fault case 41."""
    passive, active, labels = small()
    passive[7, 1] = value
    assert "row 7" in refused(FeatureValue, {"X": active, "y": labels}, {"X": passive})


def test_a_passive_party_needs_columns():
    _, active, labels = small()
    refused(SchemaError, {"X": active, "y": labels}, {"X": None})


def test_other_parameters_are_refused():
    passive, active, labels = small()
    message = refused(ParameterMismatch, {"X": active, "y": labels, "options": {"l2": 2.0}}, {"X": passive})
    assert "l2" in message


def test_a_clip_out_of_range_is_refused():
    for clip in (0.5, 9, float("nan")):
        with pytest.raises(InvalidArgument):
            VerticalLogisticRegression(clip=clip)


# --- files -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def halves():
    with pytest.MonkeyPatch.context() as patch:
        pairs = [keys("passive"), keys("active")]
        patch.setattr(logistic, "keygen", lambda key_bits, fast: pairs.pop())
        return fit_both(*small(), sigmoid="linear", clip=4)


def test_halves_survive_their_files(halves, tmp_path):
    passive, active, _ = small()
    for half in halves:
        half.save(tmp_path / half.party)
    loaded = [models.load(tmp_path / half.party) for half in halves]
    assert [type(half) for half in loaded] == [VerticalLogisticRegression] * 2
    for before, after in zip(halves, loaded, strict=True):
        assert (before.coef_ == after.coef_).all()
        assert (before.intercept_, before.clip) == (after.intercept_, after.clip)
        assert before.parameters == after.parameters
    assert (score_both(*loaded, active, passive) == score_both(*halves, active, passive)).all()


def test_a_file_holds_no_key_and_only_its_half(halves, tmp_path):
    halves[1].save(tmp_path / "half")
    document = json.loads((tmp_path / "half").read_text())
    assert document["feature_names"] == ["x0", "x1"]
    assert set(document) == {
        *("format", "version", "kind", "party", "role", "model_id"),
        *("feature_names", "body", "sha256"),
    }
    assert set(document["body"]) == {"parameters", "scaler", "weights", "bias"}
    assert str(keys("passive")[0].n) not in (tmp_path / "half").read_text()


def edit(path, change):
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "damage",
    (
        lambda p: p.write_bytes(p.read_bytes()[:-20]),
        lambda p: p.write_bytes(b"\xff" + p.read_bytes()),
        lambda p: p.write_text("{}"),
        lambda p: p.write_text("[" * 100_000),
        lambda p: p.write_text("9" * 5000),
        lambda p: edit(p, lambda d: d.update(version=99)),
        lambda p: edit(p, lambda d: d.update(kind="other")),
        lambda p: edit(p, lambda d: d["body"].update(bias=1.0)),
        lambda p: edit(p, lambda d: d.pop("sha256")),
    ),
    ids=("truncated", "binary", "empty", "nested", "digits", "newer", "kind", "changed", "no-digest"),
)
def test_a_damaged_file_is_refused(halves, tmp_path, damage):
    """Fault case 46."""
    path = tmp_path / "half"
    halves[0].save(path)
    damage(path)
    with pytest.raises(ModelFileError):
        models.load(path)


def test_a_file_with_a_valid_digest_but_unfit_fields_is_refused(halves, tmp_path):
    from isthmus.models import base

    for change in (
        lambda d: d["body"].pop("weights"),
        lambda d: d["body"].update(weights=[1.0]),
        lambda d: d["body"].update(bias=10**400),
        lambda d: d["body"]["parameters"].update(sigmoid="exact"),
        lambda d: d["body"]["scaler"].update(clip=100),
        lambda d: d["body"]["scaler"].update(deviation=[0.0, 1.0]),
        lambda d: d.update(role="arbiter"),
        lambda d: d.update(kind="unknown"),
    ):
        path = tmp_path / "half"
        halves[1].save(path)
        document = json.loads(path.read_text())
        document.pop("sha256")
        change(document)
        path.write_text(json.dumps({**document, "sha256": base._digest(document)}))
        with pytest.raises(ModelFileError):
            models.load(path)


def test_saving_keeps_the_last_good_file(halves, tmp_path, monkeypatch):
    path = tmp_path / "half"
    halves[0].save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError):
        halves[1].save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_cannot_be_read_or_written_are_refused(halves, tmp_path):
    import os

    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(PathError):
        models.load(tmp_path / "fifo")
    with pytest.raises((PathError, StorageError)):
        models.load(tmp_path)
    with pytest.raises(StorageError):
        models.load(tmp_path / "absent")
    with pytest.raises(StorageError):
        halves[0].save(tmp_path / "absent" / "half")


def test_an_unfitted_model_neither_saves_nor_scores(tmp_path):
    model = VerticalLogisticRegression()
    with pytest.raises(InvalidArgument):
        model.save(tmp_path / "half")
    with pytest.raises(InvalidArgument):
        model.predict_proba(None, np.ones((2, 2)))


def test_halves_that_do_not_belong_together_are_refused(halves):
    passive, active, labels = small()
    bank, fund = halves
    other, _ = fit_both(passive, active, labels, sigmoid="linear")
    with pytest.raises(ParameterMismatch):
        score_both(other, fund, active, passive)
    with pytest.raises(ModelFileError):
        score_both(fund, bank, passive, active)


def test_other_columns_than_in_training_are_refused(halves):
    """Fault case 39."""
    bank, fund = halves
    passive, active, _ = small()
    for columns in (
        {"x1": passive[:, 1], "x0": passive[:, 0]},
        {"x0": passive[:, 0]},
        {"x0": passive[:, 0], "x1": passive[:, 1], "x2": passive[:, 0]},
        {"x0": passive[:, 0], "debt": passive[:, 1]},
    ):
        with pytest.raises(SchemaError):
            score_both(bank, fund, active, pa.table(columns))


def test_scoring_other_row_counts_is_refused(halves):
    passive, active, _ = small()
    with pytest.raises(AlignmentError):
        score_both(*halves, active[:-1], passive)
