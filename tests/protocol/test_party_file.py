"""Party files: what they say, and errors that name the key."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from isthmus import errors
from isthmus.party import Limits, connect, load_party_file, self_signed, write_party_file
from tests.ports import free_port
from tests.protocol.toy import answer, ask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pins = {name: self_signed(tmp_path, name) for name in ("bank", "fund")}
    write_party_file(
        tmp_path / "bank.toml",
        name="bank",
        peer="fund",
        peer_fingerprint=pins["fund"],
        authority="fund.crt",
        listen="127.0.0.1:0",
    )
    write_party_file(
        tmp_path / "fund.toml",
        name="fund",
        peer="bank",
        peer_fingerprint=pins["bank"],
        authority="bank.crt",
        address="127.0.0.1:1",
        limits=Limits(deadline_seconds=2.5, connect_seconds=1),
    )
    return tmp_path


def test_files_say_what_was_written(folder: Path) -> None:
    bank, fund = load_party_file(folder / "bank.toml"), load_party_file(folder / "fund.toml")
    assert (bank.listen, bank.address, bank.limits) == ("127.0.0.1:0", "", Limits())
    assert (fund.listen, fund.address) == ("", "127.0.0.1:1")
    assert fund.limits == Limits(deadline_seconds=2.5, connect_seconds=1)
    assert fund.identity.peer_name == "bank"
    assert (folder / "bank.toml").stat().st_mode & 0o777 == 0o600
    with pytest.raises(errors.StorageError):
        write_party_file(
            folder / "bank.toml", name="bank", peer="fund", peer_fingerprint="", authority="fund.crt"
        )


MISTAKES = {
    "party.name": ('name = "bank"', 'name = "Bank Ltd"'),
    "party.private_key": ('private_key = "bank.key"', 'private_key = "fund.key"'),
    "party.certificate": ('"bank.crt"', '"missing.crt"'),
    "party.authority": ('authority = "fund.crt"\n', ""),
    "party.listen, peer.address": ('listen = "127.0.0.1:0"\n', ""),
    "host:port": ("127.0.0.1:0", "localhost"),
    "peer.fingerprint": ('fingerprint = "', 'fingerprint = "zz'),
    "peer.name": ('name = "fund"', 'name = "bank"'),
    "party.colour": ("[party]", '[party]\ncolour = "red"'),
    "secrets": ("[party]", "[secrets]\n[party]"),
    "limits.window": ("[limits]", "[limits]\nwindow = 5"),
    "limits.deadline_seconds": ("[limits]", "[limits]\ndeadline_seconds = true"),
    "limits.min_key_bits": ("[limits]", "[limits]\nmin_key_bits = 1024"),
    "not TOML": ("[party]", "[party"),
}


@pytest.mark.parametrize("key", MISTAKES)
def test_mistakes_are_named(folder: Path, key: str) -> None:
    path = folder / "bank.toml"
    text = path.read_text()
    old, new = MISTAKES[key]
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(errors.ConfigError) as caught:
        load_party_file(path)
    assert key in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigError, match=r"bank\.toml"):
        load_party_file(tmp_path / "bank.toml")


def test_two_files_make_a_session(folder: Path) -> None:
    port = free_port()
    for name, old in (("bank", "127.0.0.1:0"), ("fund", "127.0.0.1:1")):
        path = folder / f"{name}.toml"
        text = path.read_text().replace(old, f"127.0.0.1:{port}").replace("seconds = 1\n", "seconds = 60\n")
        path.write_text(text.replace("seconds = 2.5\n", "seconds = 60\n"))
    path = folder / "bank.toml"
    path.write_text(path.read_text().replace("[party]", '[party]\naudit = "audit.jsonl"'))
    totals: list[int] = []

    def fund() -> None:
        with connect(folder / "fund.toml", job="j1") as session:
            totals.append(session.run("toy/1", answer(2)))

    thread = threading.Thread(target=fund, daemon=True)
    thread.start()
    with connect(folder / "bank.toml", job="j1") as session:
        totals.append(session.run("toy/1", ask(2)))
        session.disclose("both learned a number")
    thread.join(10)
    assert totals == [20, 20]
    assert len((folder / "audit.jsonl").read_text().splitlines()) == 3


def test_nobody_listens(folder: Path) -> None:
    with pytest.raises(errors.DeadlineError), connect(folder / "fund.toml", job="j1"):
        pass


def test_nobody_calls(folder: Path) -> None:
    path = folder / "bank.toml"
    path.write_text(path.read_text().replace("[limits]", "[limits]\nconnect_seconds = 1"))
    with pytest.raises(errors.DeadlineError), connect(path, job="j1"):
        pass
