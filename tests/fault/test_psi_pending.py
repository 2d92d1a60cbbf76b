"""A result that waits in the state folder to be written: sealed, for one command, one party and one peer."""

from __future__ import annotations

import stat

import numpy as np
import pytest
from typer.testing import CliRunner

from isthmus import errors
from isthmus.cli.app import app
from isthmus.cli.pending import _RECORD_ROWS, Pending
from isthmus.party.certificates import Authority
from isthmus.party.party_file import load_party_file, write_party_file
from isthmus.psi import PsiResult

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
    return Pending(world / "state", world / "in.csv", identity, TERMS)


def keep(world, rows=ROWS):
    pending(world).save(PsiResult(np.array(rows, dtype=np.int64), len(rows), 5, 0))


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
    assert pending(world).load().tolist() == ROWS


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


def test_a_result_that_was_changed_is_refused(world):
    keep(world)
    (path,) = (world / "state").iterdir()
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(errors.CheckpointError):
        pending(world).load()


def test_a_result_whose_keeping_was_cut_short_is_none(world):
    rows = np.arange(2 * _RECORD_ROWS + 1)
    keep(world, rows)
    assert np.array_equal(pending(world).load(), rows)
    (path,) = (path for path in (world / "state").iterdir() if path.name != "lock")
    whole = path.read_bytes()
    for size in (0, 5, 300, _RECORD_ROWS * 8, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert pending(world).load() is None
        (world / "state").mkdir(mode=0o700, exist_ok=True)
        keep(world, [1])  # there is room for another


def test_a_link_in_the_place_of_a_result_is_refused(world):
    keep(world)
    (path,) = (world / "state").iterdir()
    path.rename(world / "elsewhere")
    path.symlink_to(world / "elsewhere")
    with pytest.raises(errors.StorageError):
        pending(world).load()
