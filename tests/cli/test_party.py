"""``isthmus party``: identities, and the peers that are trusted."""

from isthmus.party.party_file import load_party_file
from tests.cli.parties import introduce


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


def test_a_further_peer_gets_a_party_file_of_its_own(run, tmp_path):
    introduce(run, tmp_path)
    bank, fund = tmp_path / "bank", tmp_path / "fund"
    run("party", "init", "--name", "shop", "--folder", tmp_path)
    arguments = ("party", "trust", tmp_path / "shop.crt", "--party", bank / "bank.toml")
    before = (bank / "bank.toml").read_text()
    for more, said in (
        ([], "--to"),
        (["--listen", "h:1"], "--listen goes with --to"),
        (["--to", fund / "x.toml", "--listen", "h:1"], "beside the party file"),
        (["--to", bank / "x.toml"], "one party waits"),
        (["--to", bank / "bank.toml", "--listen", "h:1"], "ERR_STORAGE"),
    ):
        done = run(*arguments, *more, input="y\n")
        assert done.exit_code == 1 and said in done.output, done.output
    done = run(*arguments, "--to", bank / "shop.toml", "--listen", "0.0.0.0:7701", input="y\n")
    assert done.exit_code == 0 and "shop.toml now trusts shop" in done.output
    first, second = (load_party_file(bank / name) for name in ("bank.toml", "shop.toml"))
    assert (first.identity.peer_name, second.identity.peer_name) == ("fund", "shop")
    assert (first.identity.name, second.identity.name) == ("bank", "bank")
    assert first.identity.private_key_path == second.identity.private_key_path
    assert second.listen == "0.0.0.0:7701" and second.audit == first.audit
    assert (bank / "bank.toml").read_text() == before
