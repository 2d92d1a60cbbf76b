"""``isthmus psi`` before it meets a peer: help, and options that are refused."""

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus import errors
from isthmus.tables import write_table


def test_the_help_of_psi_is_enough_to_run_it(run):
    """Both parties' commands stand there whole, from identities to the aligned file, in 80 columns."""
    shown = run("psi", "--help", env={"COLUMNS": "80"}).output
    for line in (
        "bank$ isthmus party init --name bank --listen 0.0.0.0:7700",
        "fund$ isthmus party init --name fund",
        "bank$ isthmus party trust fund.crt --party bank.toml",
        "fund$ isthmus party trust bank.crt --party fund.toml \\",
        "--address bank.example:7700",
        "bank$ isthmus psi run --party bank.toml --job june \\",
        "--input bank.csv --id customer_id --out aligned.csv",
        "fund$ isthmus psi run --party fund.toml --job june \\",
        "--input fund.parquet --id client --out aligned.parquet",
    ):
        assert line in [part.strip() for part in shown.splitlines()]


def test_the_output_of_psi_is_never_its_input(run, tmp_path):
    path = tmp_path / "bank.csv"
    write_table(pa.table({"id": ["a"]}), path)
    done = run("psi", "run", "--party", "b.toml", "--input", path, "--id", "id", "--job", "j", "--out", path)
    assert done.exit_code == 1 and "--out is the input itself" in done.output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--out is needed"),
        (["--role", "sender", "--out", "o.csv"], "--out is needed"),
        (["--count-only", "--out", "o.csv"], "--out is needed"),
        (["--out", "o.csv", "--protocol", "voprf"], "no role both: use receiver or sender, or protocol ecdh"),
        (["--count-only", "--protocol", "voprf", "--role", "receiver"], "cannot hide which"),
        (["--protocol", "voprf", "--role", "sender", "--suite", "SM2"], "use ristretto255 or P-256"),
        (["--protocol", "voprf", "--role", "sender", "--state", "s"], "cannot resume a run"),
        (["--protocol", "voprf", "--role", "sender", "--engine", "ray"], "no engine ray: use local"),
        (["--out", "o.csv", "--memory", "much"], "--memory"),
        (["--out", "o.csv", "--normalize", "id=trim", "--normalize", "id=lower"], "--normalize"),
        (["--out", "o.csv", "--normalize", "trim", "--normalize", "lower"], "--normalize"),
        (["--out", "o.csv", "--normalize", "trimm"], "trimm"),
        (["--out", "o.csv", "--normalize", "customer=trim"], "customer"),
        (["--out", "o.csv", "--id", "id"], "named more than once: id"),
        (["--out", "o.csv", "--state", "nowhere/state"], "state folder cannot be used"),
        (["--out", "o.csv", "--state", __file__], "state folder is not a folder"),
    ],
)
def test_wrong_options_of_psi_are_refused_before_the_peer_is_met(run, tmp_path, more, said):
    write_table(pa.table({"id": ["a"]}), tmp_path / "bank.csv")
    fixed = ("--party", tmp_path / "bank.toml", "--input", tmp_path / "bank.csv", "--id", "id", "--job", "j")
    done = run("psi", "run", *fixed, *more)
    assert done.exit_code == 1 and said in done.output and "waiting" not in done.output


@pytest.mark.parametrize("more", [["--min-result", "1"], []])
@pytest.mark.parametrize("content", ["id,v\n", "id,v", "id,v\n\n"])
def test_a_file_without_rows_is_refused_before_the_peer_is_met(run, tmp_path, content, more):
    (tmp_path / "in.csv").write_text(content)
    fixed = ["--party", tmp_path / "b.toml", "--input", tmp_path / "in.csv", "--id", "id", "--job", "j"]
    done = run("psi", "run", *fixed, "--out", tmp_path / "o.csv", *more)
    assert done.exit_code == 1 and "ERR_EMPTY_INPUT" in done.output and "waiting" not in done.output


def test_a_column_that_the_output_has_no_place_for_is_refused_before_the_peer_is_met(run, tmp_path):
    write_table(pa.table({"id": ["a"], "visits": [[1, 2]]}), tmp_path / "in.parquet")
    fixed = ["--party", tmp_path / "b.toml", "--input", tmp_path / "in.parquet", "--id", "id", "--job", "j"]
    done = run("psi", "run", *fixed, "--out", tmp_path / "o.csv")
    assert done.exit_code == 1 and "ERR_SCHEMA" in done.output and "column visits is list" in done.output
    assert "waiting" not in done.output and "b.toml" not in done.output


@pytest.mark.parametrize(
    ("more", "folder"),
    [
        (["--out", "far/o.csv"], "far"),
        (["--role", "sender"], "own"),
        (["--out", "far/o.csv", "--state", "s"], "s"),
    ],
)
def test_records_beyond_the_memory_go_to_the_folder_of_the_output(run, world, monkeypatch, more, folder):
    seen = []

    def match(*_, work_dir, **__):
        seen.append(work_dir)
        raise errors.CancelledError("enough")

    monkeypatch.setattr("isthmus.cli.psi._match", match)
    monkeypatch.chdir(world)
    (world / "far").mkdir()
    (world / "bank").rename("own")
    own = ("--party", "own/bank.toml", "--input", "own/bank.csv", "--id", "customer", "--job", "june")
    assert "ERR_CANCELLED" in run("psi", "run", *own, *more).output
    assert seen == [Path(folder)]


def test_an_output_that_cannot_be_written_is_refused_before_the_peer_is_met(run, world):
    own = [
        "--party",
        world / "bank" / "bank.toml",
        "--input",
        world / "bank" / "bank.csv",
        "--id",
        "customer",
    ]
    for out, code in (("shared.txt", "ERR_PATH"), ("nowhere/shared.csv", "ERR_STORAGE")):
        done = run("psi", "run", *own, "--job", "june", "--out", world / out)
        assert done.exit_code == 1 and code in done.output
    unnamed = run("psi", "run", *own, "--job", "", "--out", world / "shared.csv")
    assert unnamed.exit_code == 1 and "job: must not be empty" in unnamed.output
    own[1] = world / "missing.toml"
    unknown = run("psi", "run", *own, "--job", "june", "--out", world / "shared.csv")
    assert unknown.exit_code == 1 and "isthmus party init makes one" in unknown.output
