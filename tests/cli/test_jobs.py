"""Job files, and what ``isthmus train`` refuses before it meets a peer."""

import pyarrow as pa
import pytest

from isthmus.cli.jobs import PredictJob, TrainJob, load_job
from isthmus.errors import ConfigError, StorageError
from isthmus.tables import write_table

TRAIN = """
party = "bank.toml"
job = "june"
input = { path = "data/bank.csv", id = "customer_id", label = "defaulted" }
model = { kind = "logistic", options = { key_bits = 2048 } }
output = { model = "bank.model" }
"""


def job(tmp_path, text, kind=TrainJob):
    path = tmp_path / "job.toml"
    path.write_text(text, encoding="utf-8")
    return load_job(path, kind)


def test_a_job_is_read_and_its_paths_are_beside_it(tmp_path):
    read = job(tmp_path, TRAIN)
    assert read.party == tmp_path / "bank.toml" and read.input.path == tmp_path / "data" / "bank.csv"
    assert read.input.id == ("customer_id",) and read.input.columns is None
    assert read.model.options == {"key_bits": 2048}
    assert (read.psi.min_result, read.psi.duplicates, read.psi.normalize) == (1, "error", "")
    psi = '\n[psi]\nnormalize = { customer_id = "trim" }\nsuite = "X25519"\n'
    assert job(tmp_path, TRAIN + psi).psi.normalize == {"customer_id": "trim"}
    assert job(tmp_path, TRAIN + psi).psi.suite == "X25519"


def test_a_scoring_job_of_the_other_party_has_no_output(tmp_path):
    text = (
        'party = "f.toml"\njob = "j"\ninput = { path = "f.csv", id = ["a", "b"] }\nmodel = { path = "m" }\n'
    )
    read = job(tmp_path, text, PredictJob)
    assert read.output.scores is None and read.input.id == ("a", "b")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("kind", "kindd"), "model.kindd is not a key; did you mean model.kind?"),
        (('job = "june"\n', ""), "job is missing; it needs text in quotes"),
        (('"june"', "7"), "job needs text in quotes"),
        (('"logistic"', '"forest"'), 'model.kind needs "logistic" or "gbdt"'),
        (('"customer_id"', "7"), "input.id needs a column name or a list of column names"),
        (('path = "data/bank.csv", ', ""), "input.path is missing; it needs a path in quotes"),
        (("input = {", "inputs = {"), "inputs is not a key; did you mean input?"),
        (
            ("\noutput = {", "\npsi = { min_result = true }\noutput = {"),
            "psi.min_result needs a whole number",
        ),
        (("\noutput = {", "\npsi = 3\noutput = {"), "psi must be a table"),
        (("= {", "= "), "the job file is not TOML"),
    ],
)
def test_a_wrong_job_names_the_key(tmp_path, change, said):
    assert change[0] in TRAIN
    with pytest.raises(ConfigError) as caught:
        job(tmp_path, TRAIN.replace(*change, 1))
    assert said in str(caught.value)


def test_a_job_that_cannot_be_read(tmp_path):
    with pytest.raises(StorageError):
        load_job(tmp_path / "missing.toml", TrainJob)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError):
        load_job(tmp_path / "binary.toml", TrainJob)


def test_a_wrong_option_or_column_is_named_before_the_peer_is_met(tmp_path, run):
    (tmp_path / "data").mkdir()
    write_table(pa.table({"customer_id": ["a"], "x": [1], "defaulted": [1]}), tmp_path / "data" / "bank.csv")
    for old, new, code, said in (
        ("key_bits", "keybits", "ERR_CONFIG", "model.options.keybits"),
        ("key_bits = 2048", "iterations = 99", "ERR_CONFIG", "model.options: "),
        ("key_bits = 2048", "key_bits = 1024", "ERR_CONFIG", "model.options: key_bits"),
        ("key_bits = 2048", "l2 = 'much'", "ERR_CONFIG", "model.options: a value of l2"),
        ("bank.model", "nowhere/bank.model", "ERR_STORAGE", "bank.model"),
        ('"customer_id"', '"customer"', "ERR_SCHEMA", "customer"),
        ('"defaulted"', '"default"', "ERR_SCHEMA", "default"),
        ("label =", "columns = ['y'], label =", "ERR_SCHEMA", "y"),
    ):
        (tmp_path / "job.toml").write_text(TRAIN.replace(old, new), encoding="utf-8")
        done = run("train", tmp_path / "job.toml")
        assert done.exit_code == 1 and code in done.output and said in done.output
