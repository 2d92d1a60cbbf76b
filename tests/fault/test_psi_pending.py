"""A result that waits in the state folder to be written: sealed, for one command, one party and one peer."""

from __future__ import annotations

import stat

import numpy as np
import pytest
from typer.testing import CliRunner

from isthmus import errors
from isthmus.cli.app import app
from isthmus.cli.pending import _RECORD_ROWS, Pending
from isthmus.items import SecretSeed
from isthmus.party.certificates import Authority
from isthmus.party.party_file import load_party_file, write_party_file
from isthmus.psi import PsiResult
from isthmus.psi.ingest import IdMark, IdSource
from isthmus.tables import open_stream

ROWS = [7, 3]
TERMS = {
    "job": "june",
    "id": ["id"],
    "role": "both",
    "duplicates": "error",
    "min_result": 1,
    "normalize": {},
    "suite": "ristretto255",
    "protocol": "ecdh",
}


@pytest.fixture
def world(tmp_path):
    """An input, a private state folder, and party files of one bank for two peers."""
    (tmp_path / "in.csv").write_text("id,v\n" + "".join(f"c{i},{i}\n" for i in range(10)))
    (tmp_path / "state").mkdir(mode=0o700)
    authority = Authority()
    authority.write_certificate(tmp_path / "ca.crt")
    pins = {name: authority.issue(tmp_path, name) for name in ("bank", "fund", "other")}
    for peer in ("fund", "other"):
        write_party_file(
            tmp_path / f"{peer}.toml",
            name="bank",
            peer=peer,
            peer_fingerprint=pins[peer],
            authority="ca.crt",
            address="127.0.0.1:1",
        )
    write_party_file(
        tmp_path / "thief.toml",
        name="other",
        peer="fund",
        peer_fingerprint=pins["fund"],
        authority="ca.crt",
        address="127.0.0.1:1",
    )
    return tmp_path


def pending(world, party="fund"):
    identity = load_party_file(world / f"{party}.toml").identity
    return Pending(world / "state", identity, TERMS)


def source(world):
    return IdSource(open_stream(world / "in.csv", columns=["id"], text=["id"]))


def load(world):
    return pending(world).load(source(world))


def keep(world, rows=ROWS):
    mark = IdMark.of(source(world), SecretSeed())
    pending(world).save(PsiResult(np.array(rows, dtype=np.int64), len(rows), 5, 0, mark))


def command(world, party):
    arguments = ["--job", "june", "--input", "in.csv", "--id", "id", "--out", "out.csv", "--state", "state"]
    return CliRunner().invoke(app, ["psi", "run", "--party", f"{party}.toml", *arguments])


def test_the_command_that_kept_a_result_writes_it(world, monkeypatch):
    monkeypatch.chdir(world)
    keep(world)
    done = command(world, "fund")
    assert done.exit_code == 0, done.output
    assert (world / "out.csv").read_text() == '"id","v"\n"c7","7"\n"c3","3"\n'
    assert not (world / "state").exists()


@pytest.mark.parametrize(
    ("party", "code", "named"),
    [
        ("other", "ERR_RESUME_MISMATCH", "peer"),
        ("thief", "ERR_CHECKPOINT", "another party"),
        ("absent", "ERR_CONFIG", "absent.toml"),
    ],
)
def test_a_result_is_written_only_for_its_party_and_peer(world, monkeypatch, party, code, named):
    monkeypatch.chdir(world)
    keep(world)
    done = command(world, party)
    assert done.exit_code == 1 and code in done.output and named in done.output
    assert not (world / "out.csv").exists()
    assert load(world).tolist() == ROWS


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_a_folder_that_others_can_use_yields_no_rows(world, monkeypatch, mode):
    monkeypatch.chdir(world)
    keep(world)
    (world / "state").chmod(mode)
    done = command(world, "fund")
    assert done.exit_code == 1 and "ERR_PATH" in done.output
    assert not (world / "out.csv").exists()


def test_a_kept_result_is_sealed_and_private(world):
    keep(world, [0x4142434445464748] * 50)
    (path,) = (world / "state").iterdir()
    data = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"HGFEDCBA" not in data and b"june" not in data


@pytest.mark.parametrize("repaired", [b'id,v\n%b,"of\n\xe9"\n', b'note,id\n"",%b\n', b"id\n%b\n"])
def test_a_result_outlives_a_repair_of_other_columns(world, monkeypatch, repaired):
    monkeypatch.chdir(world)
    keep(world)
    header, row = repaired.split(b"\n", 1)
    rows = [row.replace(b"%b", b"c%d" % n) for n in range(10)]
    (world / "in.csv").write_bytes(header + b"\n" + b"".join(rows))
    done = command(world, "fund")
    assert done.exit_code == 0, done.output
    (written,) = open_stream(world / "out.csv", columns=["id"])
    assert written["id"].to_pylist() == ["c7", "c3"]
    assert not (world / "state").exists()


@pytest.mark.parametrize(
    "ids",
    [[*range(9)], [*range(11)], [1, 0, *range(2, 10)], [*range(9), 10]],
    ids=["fewer", "more", "order", "other"],
)
def test_a_result_is_no_other_input_s(world, monkeypatch, ids):
    monkeypatch.chdir(world)
    keep(world)
    before = (world / "in.csv").read_text()
    (world / "in.csv").write_text("id,v\n" + "".join(f"c{i},{i}\n" for i in ids))
    done = command(world, "fund")
    assert done.exit_code == 1 and "ERR_RESUME_MISMATCH" in done.output and "input" in done.output
    (world / "in.csv").write_text(before)
    assert load(world).tolist() == ROWS


def test_the_rows_of_two_results_are_not_mixed(world):
    """Records of one party's results are sealed under one key: each says whose it is."""
    path, parts = world / "state" / "rows.log", []
    for rows in (ROWS, [8, 9]):
        path.unlink(missing_ok=True)
        keep(world, rows)
        data = path.read_bytes()
        head = 8 + int.from_bytes(data[:4], "big")
        parts.append((data[:head], data[head:]))
    path.write_bytes(parts[0][0] + parts[1][1])
    with pytest.raises(errors.CheckpointError, match="rows of another"):
        load(world)


def test_a_result_that_was_changed_is_refused(world):
    keep(world)
    (path,) = (world / "state").iterdir()
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(errors.CheckpointError):
        load(world)


def test_a_result_whose_keeping_was_cut_short_is_none(world):
    rows = np.arange(2 * _RECORD_ROWS + 1)
    keep(world, rows)
    assert np.array_equal(load(world), rows)
    (path,) = (path for path in (world / "state").iterdir() if path.name != "lock")
    whole = path.read_bytes()
    for size in (0, 5, 300, _RECORD_ROWS * 8, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert load(world) is None
        (world / "state").mkdir(mode=0o700, exist_ok=True)
        keep(world, [1])  # there is room for another


def test_a_link_in_the_place_of_a_result_is_refused(world):
    keep(world)
    (path,) = (world / "state").iterdir()
    path.rename(world / "elsewhere")
    path.symlink_to(world / "elsewhere")
    with pytest.raises(errors.StorageError):
        load(world)
