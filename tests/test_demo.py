"""The front door, as a person runs it: figures, report, clean end, Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus import data, demo
from isthmus.demo.columns import linear_columns, tree_columns
from isthmus.errors import InvalidArgument

COMMAND = [sys.executable, "-m", "isthmus", "demo"]


def workers_of(parent: int) -> list[int]:
    """Process ids of the two parties that a demo process has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(status[1]) == parent and b"local_worker" in command:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.parametrize(("dataset", "rows"), [("credit-default", 4000), ("bank-marketing", 4521)])
def test_federated_costs_nothing_and_gains_over_standing_alone(dataset, rows, tmp_path):
    seen = []
    options = demo.DemoOptions(data=dataset, rows=rows)
    result = demo.run(options, on_progress=lambda party, progress: seen.append((party, progress.stage)))
    assert [model.title for model in result.models] == ["Logistic regression", "Boosted trees"]
    for model in result.models:
        assert abs(model.federated.auc - model.pooled.auc) <= 0.003, model.verdict
        assert model.federated.auc > model.alone.auc, model.verdict
        assert model.holds and "NOT" not in model.verdict
    assert result.shared_customers == rows - round(rows * 0.1)
    assert result.training_customers + result.held_out_customers == result.shared_customers
    assert {party for party, _ in seen} == {"bank", "fund", "comparison"}
    names = [stage.name for stage in result.stages]
    assert names[0] == "align customers" and len(names) == 5
    assert all(stage.seconds > 0 and stage.bytes_sent > 0 and stage.rounds > 0 for stage in result.stages)
    bank, fund = result.learned
    assert any("identifiers" in fact for fact in bank.facts) and fund.facts
    page = result.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert result.dataset.doi in page and page.count("<svg") == 13


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_command_prints_both_tables_and_leaves_nothing(tmp_path):
    report = tmp_path / "report.html"
    arguments = ["--rows", "1000", "--model", "gbdt", "--out", str(report)]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    workers = []
    while process.poll() is None and len(workers) < 2:
        workers = workers_of(process.pid)
        time.sleep(0.05)
    output, _ = process.communicate(timeout=110)
    assert process.returncode == 0, output
    assert "\x1b" not in output
    for row in ("label holder alone", "federated", "pooled in the clear"):
        assert re.search(rf"{row}\s+0\.\d{{4}}\s+0\.\d{{4}}\s+\d\.\d\d", output), output
    for part in (
        "What each stage cost",
        "align customers",
        "train boosted trees",
        "federated AUC",
        str(report),
    ):
        assert part in output
    assert len(workers) == 2 and not any(alive(worker) for worker in workers)
    assert report.exists() and list(tmp_path.iterdir()) == [report]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_both_parties_within_seconds(tmp_path, number, status):
    arguments = ["--rows", "20000", "--out", str(tmp_path / "report.html")]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        deadline = time.monotonic() + 30
        while len(workers := workers_of(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(3.0)  # well into the work
        assert len(workers) == 2 and process.poll() is None
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=20) == status
        assert time.monotonic() - start < 15.0  # on a busy machine, and of minutes of work
        assert not any(alive(worker) for worker in workers)
        assert list(tmp_path.iterdir()) == []
        said = process.stderr.read().splitlines()
        assert said == (["stopped; nothing was released"] if number == signal.SIGINT else [])
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("wrong", [{"key_bits": 1024}, {"models": ()}, {"models": ("forest",)}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(InvalidArgument):
        demo.DemoOptions(**wrong)


def test_columns_are_prepared_from_the_party_s_own_table():
    split = data.split_for_demo("credit-default", rows=2000)
    fund = split.passive.drop_columns("customer_id")
    linear, trees = linear_columns(fund), tree_columns(fund)
    assert linear.num_rows == trees.num_rows == fund.num_rows
    assert "PAY_0>=2" in linear.column_names and trees.column_names == fund.column_names
    bills = fund["BILL_AMT1"].to_numpy().astype(float)
    assert np.allclose(linear["BILL_AMT1"].to_numpy(), np.sign(bills) * np.log1p(np.abs(bills)))


def test_text_is_spread_and_rare_columns_are_left_out_of_linear_models():
    table = pa.table({"job": ["a", "b", "b", "c"] * 50, "rare": [1] + [0] * 199, "age": list(range(200))})
    assert linear_columns(table).column_names == ["job=b", "job=c", "age"]
    assert tree_columns(table).column_names == ["job=a", "job=b", "job=c", "rare", "age"]
