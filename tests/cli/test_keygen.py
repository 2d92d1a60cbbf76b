"""``isthmus keygen``."""

from tests.cli.parties import fingerprint_of


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
