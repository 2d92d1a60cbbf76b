"""The command line without a peer: help, failures, job files, parties, evaluation."""

import os
import pty
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console
from typer.testing import CliRunner

from isthmus.cli import failure
from isthmus.cli.app import app
from isthmus.cli.jobs import PredictJob, TrainJob, load_job
from isthmus.cli.progress import LiveBars, PlainLines, Slower
from isthmus.errors import BY_CODE, ConfigError, IsthmusError, StorageError
from isthmus.party.party_file import load_party_file
from isthmus.protocol.machine import Progress
from isthmus.tables import write_table

COMMANDS = ["demo", "psi", "train", "predict", "evaluate", "party", "keygen", "bench", "version"]


@pytest.fixture
def run():
    runner = CliRunner()
    yield lambda *arguments, **more: runner.invoke(app, [str(a) for a in arguments], **more)
    failure.Verbosity.debug = False


# --- help and failures -------------------------------------------------------------------------------------


def test_help_lists_every_command(run):
    done = run("--help")
    assert done.exit_code == 0
    assert all(name in done.output for name in COMMANDS)


@pytest.mark.parametrize(
    "command", [*([name] for name in COMMANDS), ["psi", "run"], ["party", "init"], ["party", "trust"]]
)
def test_every_command_has_help(run, command):
    done = run(*command, "--help")
    assert done.exit_code == 0 and "Usage" in done.output


def test_help_answers_at_once():
    command = [sys.executable, "-m", "isthmus", "--help"]
    best = min(_seconds(command) for _ in range(3))
    assert best < 1.0


def test_import_is_fast():
    bare = min(_seconds([sys.executable, "-c", "pass"]) for _ in range(3))
    assert min(_seconds([sys.executable, "-c", "import isthmus"]) for _ in range(3)) - bare < 0.3


def _seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def test_wrong_usage_exits_2(run):
    assert run("nonsense").exit_code == 2
    assert run("evaluate").exit_code == 2
    assert run("demo", "--model", "forest").exit_code == 2


@pytest.mark.parametrize("code", BY_CODE)
def test_every_error_has_advice(code):
    assert failure.ADVICE[code].endswith(".")
    assert code in failure.explain(BY_CODE[code]("what happened"))


def test_no_advice_without_an_error():
    assert set(failure.ADVICE) == set(BY_CODE)


def test_an_error_prints_code_message_and_advice(run, tmp_path):
    done = run("evaluate", tmp_path / "missing.csv")
    assert done.exit_code == 1
    assert "ERR_" in done.output and "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) == 2


def test_debug_adds_the_traceback(run, tmp_path):
    assert "Traceback" in run("--debug", "evaluate", tmp_path / "missing.csv").output


def test_an_unexpected_error_is_no_traceback_and_shows_no_value(monkeypatch, run, tmp_path):
    def fail(*_, **__):
        raise RuntimeError("customer 4711")

    monkeypatch.setattr("isthmus.tables.read_table", fail)
    done = run("evaluate", tmp_path / "scores.csv")
    assert done.exit_code == 1
    assert "ERR_INTERNAL: RuntimeError" in done.output and "4711" not in done.output


def test_ctrl_c_exits_130(monkeypatch, run, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("isthmus.tables.read_table", interrupt)
    assert run("evaluate", tmp_path / "scores.csv").exit_code == 130


def test_ctrl_c_at_a_question_exits_130(tmp_path):
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "isthmus", "keygen", "--out", str(tmp_path / "key")])
    shown = b""
    while b"Passphrase" not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 130
    assert not (tmp_path / "key").exists()


def test_the_help_of_psi_is_enough_to_run_it(run):
    """Both parties' commands stand there whole, from identities to the aligned file, in 80 columns."""
    shown = run("psi", "--help", env={"COLUMNS": "80"}).output
    for line in (
        "bank$ isthmus party init --name bank --listen 0.0.0.0:7700",
        "fund$ isthmus party init --name fund",
        "bank$ isthmus party trust fund.crt --party bank.toml",
        "fund$ isthmus party trust bank.crt --party fund.toml",
        "bank$ isthmus psi run --party bank.toml --job june",
        "--input bank.csv --id customer_id --out aligned.csv",
        "fund$ isthmus psi run --party fund.toml --job june",
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
        (["--out", "o.csv", "--memory", "much"], "--memory"),
        (["--out", "o.csv", "--normalize", "id=trim", "--normalize", "id=lower"], "--normalize"),
        (["--out", "o.csv", "--normalize", "trim", "--normalize", "lower"], "--normalize"),
    ],
)
def test_wrong_options_of_psi_are_refused_before_the_peer_is_met(run, tmp_path, more, said):
    write_table(pa.table({"id": ["a"]}), tmp_path / "bank.csv")
    fixed = ("--party", tmp_path / "bank.toml", "--input", tmp_path / "bank.csv", "--id", "id", "--job", "j")
    done = run("psi", "run", *fixed, *more)
    assert done.exit_code == 1 and "ERR_INVALID_ARGUMENT" in done.output and said in done.output


# --- job files ---------------------------------------------------------------------------------------------

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


# --- parties -----------------------------------------------------------------------------------------------


def fingerprint_of(done):
    return next(line.split()[1] for line in done.output.splitlines() if line.startswith("fingerprint"))


def introduce(run, folder: Path):
    """Make a bank that waits and a fund that dials, each in its own folder, trusting each other."""
    pins = {}
    for name, more in (("bank", ["--listen", "127.0.0.1:0"]), ("fund", [])):
        (folder / name).mkdir()
        made = run("party", "init", "--name", name, "--folder", folder / name, *more)
        assert made.exit_code == 0, made.output
        pins[name] = fingerprint_of(made)
    for name, peer, more in (("bank", "fund", []), ("fund", "bank", ["--address", "127.0.0.1:7700"])):
        certificate, file = folder / peer / f"{peer}.crt", folder / name / f"{name}.toml"
        done = run("party", "trust", certificate, "--party", file, "--fingerprint", pins[peer], *more)
        assert done.exit_code == 0, done.output
    return pins


def test_two_parties_introduce_themselves(run, tmp_path):
    pins = introduce(run, tmp_path)
    bank, fund = (load_party_file(tmp_path / n / f"{n}.toml") for n in ("bank", "fund"))
    assert (bank.identity.peer_name, bank.identity.peer_fingerprint) == ("fund", pins["fund"])
    assert (fund.identity.peer_name, fund.identity.peer_fingerprint) == ("bank", pins["bank"])
    assert bank.listen and not bank.address and fund.address and not fund.listen
    assert (tmp_path / "bank" / "bank.key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_never_overwritten(run, tmp_path):
    assert run("party", "init", "--name", "bank", "--folder", tmp_path).exit_code == 0
    before = (tmp_path / "bank.key").read_bytes()
    again = run("party", "init", "--name", "bank", "--folder", tmp_path)
    assert again.exit_code == 1 and "ERR_STORAGE" in again.output
    assert (tmp_path / "bank.key").read_bytes() == before


def test_trust_refuses_another_fingerprint(run, tmp_path):
    for name in ("bank", "fund"):
        (tmp_path / name).mkdir()
        run("party", "init", "--name", name, "--folder", tmp_path / name)
    file = tmp_path / "bank" / "bank.toml"
    before = file.read_text()
    arguments = ("party", "trust", tmp_path / "fund" / "fund.crt", "--party", file, "--address", "h:1")
    wrong = run(*arguments, "--fingerprint", "0" * 64)
    assert wrong.exit_code == 1 and "ERR_NOT_AUTHORISED" in wrong.output
    declined = run(*arguments, input="n\n")
    assert declined.exit_code == 1
    assert file.read_text() == before and not (tmp_path / "bank" / "fund.crt").exists()
    assert run(*arguments, input="y\n").exit_code == 0
    assert load_party_file(file).identity.peer_name == "fund"
    again = run(*arguments, input="y\n")
    assert again.exit_code == 1 and "ERR_CONFIG" in again.output


def test_trust_refuses_this_party_s_own_certificate(run, tmp_path):
    run("party", "init", "--name", "bank", "--folder", tmp_path)
    file = tmp_path / "bank.toml"
    done = run("party", "trust", tmp_path / "bank.crt", "--party", file, "--address", "h:1", input="y\n")
    assert done.exit_code == 1 and "this party itself" in done.output
    assert "[peer]" not in file.read_text()


def test_an_output_that_cannot_be_written_is_refused_before_the_peer_is_met(run, tmp_path):
    write_table(pa.table({"id": ["a"]}), tmp_path / "bank.csv")
    arguments = (
        "psi",
        "run",
        "--party",
        tmp_path / "bank.toml",
        "--input",
        tmp_path / "bank.csv",
        "--id",
        "id",
    )
    for out, code in (("shared.txt", "ERR_PATH"), ("nowhere/shared.csv", "ERR_STORAGE")):
        done = run(*arguments, "--job", "june", "--out", tmp_path / out)
        assert done.exit_code == 1 and code in done.output
    unnamed = run(*arguments, "--job", "", "--out", tmp_path / "shared.csv")
    assert unnamed.exit_code == 1 and "job: must not be empty" in unnamed.output


def test_one_waits_and_the_other_dials(run, tmp_path):
    run("party", "init", "--name", "bank", "--listen", "0.0.0.0:7700", "--folder", tmp_path)
    run("party", "init", "--name", "fund", "--folder", tmp_path)
    waits = run(
        "party", "trust", tmp_path / "fund.crt", "--party", tmp_path / "bank.toml", "--address", "h:1"
    )
    dials = run("party", "trust", tmp_path / "bank.crt", "--party", tmp_path / "fund.toml")
    for done in (waits, dials):
        assert done.exit_code == 1 and "ERR_CONFIG" in done.output
    assert run("party", "init", "--name", "Bad Name", "--folder", tmp_path).exit_code == 1
    assert run("party", "init", "--name", "x", "--listen", "7700", "--folder", tmp_path).exit_code == 1


# --- evaluation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_evaluate_prints_and_writes(run, tmp_path, suffix):
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 400)
    path = tmp_path / f"scores.{suffix}"
    write_table(pa.table({"y": y, "p": rng.random(400) * 0.5 + y * 0.3}), path)
    page = tmp_path / "report.html"
    done = run("evaluate", path, "--label", "y", "--score", "p", "--reference", path, "--html", page)
    assert done.exit_code == 0, done.output
    assert "AUC" in done.output and "stable" in done.output and page.read_text().startswith("<!doctype html>")


def test_evaluate_refuses_what_is_no_label(run, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("label,score\n1,0.5\n2,0.5\n0,0.1\n")
    done = run("evaluate", path)
    assert done.exit_code == 1 and "ERR_LABEL" in done.output and "row 1" in done.output
    missing = run("evaluate", path, "--score", "p")
    assert missing.exit_code == 1 and "ERR_SCHEMA" in missing.output


# --- progress ----------------------------------------------------------------------------------------------


def test_plain_progress_is_a_line_per_stage(capsys):
    with PlainLines(Console(width=100), interval_seconds=0) as show:
        for done in range(3):
            show(Progress("align", done, 2))
        show(Progress("train", 1, 1, "tree 1"))
    shown = [line.split("s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["align ...", "align 1/2", "align 2/2", "train ...", "done"]


def test_progress_shows_rate_and_time_left(capsys):
    step = Progress("align", 1000, 60_000, "note", rate=500.0, remaining_seconds=118.0)
    with PlainLines(Console(width=100), interval_seconds=0) as show:
        show(Progress("align", 0, 60_000))
        show(step)
    assert "align 1,000/60,000  500/s  1:58 left  note" in capsys.readouterr().out
    console = Console(force_terminal=True, width=140, record=True, file=StringIO())
    with LiveBars(console) as bars:
        bars(step)
    assert "500/s  1:58 left" in console.export_text()


def test_two_parties_progress_is_the_slower_one_s():
    seen = []
    show = Slower(lambda progress: seen.append((progress.stage, progress.done)))
    for party, stage, done in (("a", "x", 1), ("b", "x", 0), ("a", "x", 2), ("b", "y", 3), ("b", "x", 2)):
        show(party, Progress(stage, done, 9))
    assert seen == [("x", 1), ("x", 0), ("x", 0), ("y", 3), ("x", 2)]


def test_live_progress_draws_and_clears():
    console = Console(force_terminal=True, width=100, record=True, file=StringIO())
    with LiveBars(console) as show:
        show(Progress("align", 1, 2))
        show(Progress("train", 5, 10, "tree 5"))
        show(Progress("align", 2, 2))
        show(Progress("train", 10, 10))
    text = console.export_text()
    assert "align" in text and "train" in text and "done" in text


def test_explain_covers_unknown_codes():
    class Odd(IsthmusError):
        code = "ERR_ODD"

    assert "ERR_ODD" in failure.explain(Odd("x"))


# --- keys, figures, version --------------------------------------------------------------------------------


def test_keygen_writes_an_encrypted_key_that_loads(run, tmp_path):
    from isthmus.paillier import PrivateKey

    secret, out = tmp_path / "secret", tmp_path / "paillier.key"
    secret.write_text("correct horse battery\n")
    arguments = ("keygen", "--out", out, "--key-bits", "2048")
    done = run(*arguments, "--passphrase-file", secret)
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o777 == 0o600
    key = PrivateKey.load(out, "correct horse battery")
    assert key.public_key.fingerprint.hex() == fingerprint_of(done)
    before = out.read_bytes()
    again = run(*arguments, "--passphrase-file", secret)
    assert again.exit_code == 1 and "ERR_STORAGE" in again.output and out.read_bytes() == before


def test_keygen_makes_fast_keys_only_when_asked(run, tmp_path):
    from isthmus.paillier import PrivateKey

    secret = tmp_path / "secret"
    secret.write_text("correct horse battery\n")
    for name, kind, arguments in (("a", "djn", ()), ("b", "fast", ("--fast",))):
        out = tmp_path / name
        done = run("keygen", "--out", out, "--key-bits", "2048", "--passphrase-file", secret, *arguments)
        assert done.exit_code == 0 and f"2048 bits, {kind}" in done.output
        assert PrivateKey.load(out, "correct horse battery").public_key.kind == kind


def test_keygen_asks_twice_and_refuses_a_short_passphrase(run, tmp_path):
    out = tmp_path / "paillier.key"
    arguments = ("keygen", "--out", out, "--key-bits", "2048")
    short = run(*arguments, input="seven77\nseven77\n")
    assert short.exit_code == 1 and "ERR_INVALID_ARGUMENT" in short.output
    assert run(*arguments, "--key-bits", "1024").exit_code == 2
    assert run(*arguments, "--passphrase-file", tmp_path / "missing").exit_code == 1
    assert not out.exists()
    assert run(*arguments, input="long enough\nlong enough\n").exit_code == 0 and out.exists()


@pytest.mark.slow
def test_bench_prints_a_rate_per_operation(run):
    done = run("bench")
    assert done.exit_code == 0, done.output
    for operation in ("encrypt, public key", "decrypt, fast key", "bucket_sum", "hash and mask, SM2"):
        line = next(line for line in done.stdout.splitlines() if operation in line)
        assert float(line.split()[-1].replace(",", "")) > 1


def test_version_says_what_runs(run):
    import isthmus

    done = run("version")
    assert done.exit_code == 0
    for part in (f"isthmus   {isthmus.__version__}", "backend   ", "threads", "python"):
        assert part in done.output
