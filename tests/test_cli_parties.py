"""Two parties on the command line: each its own process, its own files, mutual TLS between them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from isthmus.cli.app import app
from isthmus.party.audit import verify_audit_file
from isthmus.tables import read_table, write_table

COMMAND = [sys.executable, "-m", "isthmus"]
PARTIES = ("bank", "fund")
OUT = ["--out", "aligned.parquet"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def world(tmp_path) -> Path:
    """Two folders, each with a party file that trusts the other, and a table of the party's own."""
    runner = CliRunner()
    pins = {}
    where = f"127.0.0.1:{free_port()}"
    for name, more in (("bank", ["--listen", where]), ("fund", [])):
        (tmp_path / name).mkdir()
        done = runner.invoke(app, ["party", "init", "--name", name, "--folder", str(tmp_path / name), *more])
        pins[name] = next(line.split()[1] for line in done.output.splitlines() if "fingerprint" in line)
    for name, peer, more in (("bank", "fund", []), ("fund", "bank", ["--address", where])):
        paths = [str(tmp_path / peer / f"{peer}.crt"), "--party", str(tmp_path / name / f"{name}.toml")]
        done = runner.invoke(app, ["party", "trust", *paths, "--fingerprint", pins[peer], *more])
        assert done.exit_code == 0, done.output
    write_tables(tmp_path)
    return tmp_path


def write_tables(folder: Path, rows: int = 600) -> None:
    """Customers 0..rows-1: the bank lacks the last tenth and the fund the first, and their orders differ."""
    rng = np.random.default_rng(3)
    signal, noise = rng.normal(size=rows), rng.normal(size=rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(-2 * signal - noise))).astype(np.int64)
    ids = np.array([f"K{number:05d}" for number in rng.permutation(90_000)[:rows]])
    city = np.array(["north", "south", "west"])[rng.integers(0, 3, rows)]
    bank, fund = rng.permutation(rows - rows // 10), rng.permutation(np.arange(rows // 10, rows))
    table = {"customer": ids[bank], "defaulted": label[bank], "noise": noise[bank], "city": city[bank]}
    write_table(pa.table(table), folder / "bank" / "bank.csv")
    write_table(pa.table({"customer": ids[fund], "signal": signal[fund]}), folder / "fund" / "fund.parquet")


def both(world: Path, arguments: dict[str, list[str]], timeout: float = 100) -> dict[str, tuple[int, str]]:
    """Run one command per party, each in its own folder; return statuses and outputs."""
    started = {
        name: subprocess.Popen(
            [*COMMAND, *arguments[name]],
            cwd=world / name,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "120"},
        )
        for name in PARTIES
    }
    try:
        outputs = {name: process.communicate(timeout=timeout)[0] for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
    return {name: (started[name].returncode, outputs[name]) for name in PARTIES}


def psi_arguments(**changes: list[str]) -> dict[str, list[str]]:
    own = {"bank": "bank.csv", "fund": "fund.parquet"}
    fixed = ["--job", "june", "--id", "customer"]
    return {
        name: ["psi", "run", "--party", f"{name}.toml", "--input", own[name], *fixed, *changes.get(name, OUT)]
        for name in PARTIES
    }


def succeeded(done: dict[str, tuple[int, str]]) -> None:
    for status, output in done.values():
        assert status == 0, output


@pytest.mark.timeout(120)
def test_psi_writes_the_same_customers_in_one_order(world):
    done = both(world, psi_arguments())
    succeeded(done)
    tables = {name: read_table(world / name / "aligned.parquet") for name in PARTIES}
    assert tables["bank"]["customer"].to_pylist() == tables["fund"]["customer"].to_pylist()
    assert tables["bank"].num_rows == 480
    assert tables["bank"].column_names == ["customer", "defaulted", "noise", "city"]
    assert (
        "480 customers are shared; this party's file has 540 rows" in done["bank"][1]
        and "align" in done["bank"][1]
    )
    assert all(verify_audit_file(world / name / "audit.jsonl") > 0 for name in PARTIES)


@pytest.mark.timeout(120)
def test_a_sender_learns_nothing_and_writes_nothing(world):
    receiver = ["--role", "receiver", "--out", "aligned.csv"]
    done = both(world, psi_arguments(bank=receiver, fund=["--role", "sender"]))
    succeeded(done)
    assert read_table(world / "bank" / "aligned.csv").num_rows == 480
    assert not list((world / "fund").glob("aligned*")) and "shared" not in done["fund"][1]


@pytest.mark.timeout(120)
def test_a_count_names_nobody(world):
    done = both(world, psi_arguments(bank=["--count-only"], fund=["--count-only"]))
    succeeded(done)
    for name in PARTIES:
        assert "480 customers are shared" in done[name][1] and not list((world / name).glob("aligned*"))


@pytest.mark.timeout(120)
def test_repeated_rows_normalisation_and_another_suite(world):
    """Identifiers of several forms, a customer in two rows, and values as they stood in the file."""
    (world / "bank" / "bank.csv").write_text("customer,amount\n a1 ,1.10\nA1,007\nb2,3\nc3,\n")
    write_table(pa.table({"customer": ["C3 ", "d4", "a1"]}), world / "fund" / "fund.parquet")
    options = ["--normalize", "customer=trim,lower", "--suite", "X25519", "--memory", "64M"]
    done = both(
        world,
        psi_arguments(
            bank=["--out", "aligned.csv.gz", "--duplicates", "all", *options], fund=[*OUT, *options]
        ),
    )
    succeeded(done)
    rows = read_table(world / "bank" / "aligned.csv.gz", text=["customer", "amount"])
    assert sorted(rows["amount"].to_pylist()) == ["", "007", "1.10"]
    assert read_table(world / "fund" / "aligned.parquet").num_rows == 2
    assert sorted(path.name for path in (world / "bank").glob(".*")) == []


@pytest.mark.timeout(120)
def test_a_row_of_a_csv_file_is_named_as_an_editor_counts(world):
    (world / "bank" / "bank.csv").write_text("customer\na\nb\na\n")
    done = both(world, psi_arguments())
    assert done["bank"][0] == 1 and "ERR_DUPLICATE_ID" in done["bank"][1] and "row 4" in done["bank"][1]
    (world / "bank" / "bank.csv").write_text("customer\na\nb \n")
    done = both(world, psi_arguments())
    assert done["bank"][0] == 1 and "ERR_ID_ENCODING" in done["bank"][1] and "row 3" in done["bank"][1]


DIES = """
import os
import isthmus.tables
from isthmus.psi.checkpoint import Checkpoint
def die(*_, **__):
    os._exit(9)
{target} = die
from isthmus.cli.app import main
main()
"""


def start(world: Path, name: str, arguments: list[str], dies_in: str = "") -> subprocess.Popen:
    """Start one party's command; it dies where the function ``dies_in`` would be called."""
    command = [sys.executable, "-c", DIES.format(target=dies_in)] if dies_in else COMMAND
    return subprocess.Popen(
        [*command, *arguments],
        cwd=world / name,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "120"},
    )


STATE = [*OUT, "--state", "state"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("victim", PARTIES)
def test_the_same_command_goes_on_where_a_killed_one_stopped(world, victim):
    arguments = psi_arguments(bank=STATE, fund=STATE)
    other = next(name for name in PARTIES if name != victim)
    survivor = start(world, other, arguments[other])
    dies = start(world, victim, arguments[victim], "Checkpoint.append_peer")
    assert dies.wait(60) == 9
    assert (world / victim / "state" / "run.state").exists()
    again = start(world, victim, arguments[victim])
    outputs = {survivor: survivor.communicate(timeout=60)[0], again: again.communicate(timeout=60)[0]}
    assert survivor.returncode == again.returncode == 0, outputs
    tables = {name: read_table(world / name / "aligned.parquet") for name in PARTIES}
    assert tables["bank"]["customer"].to_pylist() == tables["fund"]["customer"].to_pylist()
    assert tables["bank"].num_rows == 480
    assert not any((world / name / "state").exists() for name in PARTIES)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("dies_in", ["isthmus.tables.write_rows", "Checkpoint.erase"])
def test_a_party_killed_after_the_protocol_writes_its_rows_without_the_peer(world, dies_in):
    arguments = psi_arguments(bank=STATE, fund=STATE)
    fund = start(world, "fund", arguments["fund"])
    assert start(world, "bank", arguments["bank"], dies_in).wait(60) == 9
    assert fund.wait(60) == 0
    assert not (world / "bank" / "aligned.parquet").exists()
    # Another command does not take the result for its own.
    other = start(world, "bank", [*arguments["bank"], "--min-result", "7"])
    output = other.communicate(timeout=60)[0]
    assert other.returncode == 1 and "ERR_RESUME_MISMATCH" in output and "min_result" in output
    again = start(world, "bank", arguments["bank"])
    assert again.wait(60) == 0, again.stdout.read()
    assert read_table(world / "bank" / "aligned.parquet").num_rows == 480
    assert not (world / "bank" / "state").exists()


@pytest.mark.timeout(120)
def test_too_small_a_result_is_refused_to_both(world):
    small = ["--out", "aligned.parquet", "--min-result", "481"]
    done = both(world, psi_arguments(bank=small, fund=small))
    for name in PARTIES:
        status, output = done[name]
        assert status == 1 and "ERR_RESULT_TOO_SMALL" in output and "480" not in output
        assert not (world / name / "aligned.parquet").exists()


@pytest.mark.timeout(120)
def test_different_options_are_named_and_nothing_is_written(world):
    stricter = ["--out", "aligned.parquet", "--min-result", "10"]
    done = both(world, psi_arguments(bank=stricter))
    for name in PARTIES:
        status, output = done[name]
        # Whoever sees it first ends the session; the other may hear of that before it compares for itself.
        assert status == 1 and ("ERR_PARAMETERS" in output or "ERR_PEER_FAILED" in output)
        assert "Traceback" not in output
        assert not (world / name / "aligned.parquet").exists()
    assert any("differ in: min_result" in output for _, output in done.values())


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
def test_train_then_predict_then_evaluate(world, kind):
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
    done = both(world, train)
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
    succeeded(both(world, {name: ["predict", *score[name]] for name in PARTIES}))
    scores = read_table(world / "bank" / "scores.csv", text=["customer"])
    assert scores.column_names == ["customer", "defaulted", "score"] and scores.num_rows == 480
    assert not (world / "fund" / "scores.csv").exists()
    evaluated = CliRunner().invoke(
        app, ["evaluate", str(world / "bank" / "scores.csv"), "--label", "defaulted"]
    )
    assert evaluated.exit_code == 0
    assert float(evaluated.output.split("AUC ")[1].split()[0]) > 0.75
