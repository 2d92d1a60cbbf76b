"""``isthmus train``, ``predict`` and ``evaluate`` at two parties, each its own process."""

import json
from pathlib import Path

import pytest

from isthmus.tables import read_table
from tests.cli.parties import PARTIES, succeeded, together


def write_job(folder: Path, name: str, **sections: str) -> list[str]:
    """Write ``job.toml`` for one party and return the argument that names it."""
    lines = [
        f'party = "{name}.toml"',
        'job = "july"',
        *(f"{key} = {{ {value} }}" for key, value in sections.items()),
    ]
    (folder / name / "job.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ["job.toml"]


MODELS = {
    "logistic": 'kind = "logistic", options = { key_bits = 2048, batch_rows = 256 }',
    "gbdt": 'kind = "gbdt", options = { key_bits = 2048, n_trees = 3, max_depth = 2 }',
}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", MODELS)
def test_train_then_predict_then_evaluate(run, world, kind):
    inputs = {
        "bank": 'path = "bank.csv", id = "customer", label = "defaulted"',
        "fund": 'path = "fund.parquet", id = ["customer"]',
    }
    train = {
        name: [
            "train",
            *write_job(world, name, input=inputs[name], model=MODELS[kind], output='model = "half.model"'),
        ]
        for name in PARTIES
    }
    done = together(world, train)
    succeeded(done)
    assert "trained on 480 customers as the active party" in done["bank"][1]
    assert "What each stage cost" in done["fund"][1] and "What was learned" in done["fund"][1]
    encoder = json.loads((world / "bank" / "half.model.columns.json").read_text())["encoder"]
    assert encoder["known"] == {"city": ["north", "south", "west"]}
    assert "signal" not in (world / "bank" / "half.model").read_text()

    score = {
        "bank": write_job(
            world, "bank", input=inputs["bank"], model='path = "half.model"', output='scores = "scores.csv"'
        ),
        "fund": write_job(world, "fund", input=inputs["fund"], model='path = "half.model"'),
    }
    succeeded(together(world, {name: ["predict", *score[name]] for name in PARTIES}))
    scores = read_table(world / "bank" / "scores.csv", text=["customer"])
    assert scores.column_names == ["customer", "defaulted", "score"] and scores.num_rows == 480
    assert not (world / "fund" / "scores.csv").exists()
    evaluated = run("evaluate", world / "bank" / "scores.csv", "--label", "defaulted")
    assert evaluated.exit_code == 0
    assert float(evaluated.output.split("AUC ")[1].split()[0]) > 0.75
