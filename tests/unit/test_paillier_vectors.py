"""Published Paillier vectors: ISO/IEC 18033-6, Apache Milagro, python-paillier."""

import json
import re
from pathlib import Path

import pytest

from isthmus import errors
from isthmus._core import bigint
from isthmus.paillier import PrivateKey

VECTORS = Path(__file__).parents[1] / "vectors/paillier"


def milagro(name):
    tests = []
    for key, value in re.findall(r"^(\w+) = (\w*)", (VECTORS / name).read_text(), re.MULTILINE):
        if key == "TEST":
            tests.append({})
        tests[-1][key] = int(value, 10 if key in ("TEST", "RESULT") else 16)
    return tests


def encrypt_with(n, m, r):
    """(1 + m*n) * r^n mod n^2, in the core's own arithmetic."""
    square = bigint.SquareModulus(n)
    return square.mul_one_plus(square.pow_vartime(r, n), m)


def parsed(private_key, *ciphertexts):
    width = private_key.public_key.ciphertext_bytes
    return private_key.public_key.ciphertexts_from_bytes(
        b"".join(c.to_bytes(width, "big") for c in ciphertexts)
    )


def decrypt(private_key, *ciphertexts):
    n = private_key.public_key.n
    return [int(m) % n for m in private_key.decrypt(parsed(private_key, *ciphertexts)).tolist()]


def test_iso_18033_6():
    text = json.loads((VECTORS / "iso18033-6_paillier_2048.json").read_text())
    p, q, n = (int(text[name], 16) for name in ("p", "q", "n"))
    key = PrivateKey.from_primes(p, q)
    assert key.public_key.n == n
    cases = [{name: int(v[name], 16) for name in ("m", "r", "c")} for v in text["vectors"]]
    assert len(cases) == 2
    for case in cases:
        assert encrypt_with(n, case["m"], case["r"]) == case["c"]
        assert decrypt(key, case["c"]) == [case["m"]]
    first, second = (parsed(key, case["c"]) for case in cases)
    total = first + second
    assert total.to_bytes() == int(text["sum"]["c"], 16).to_bytes(512, "big")
    assert decrypt(key, int(text["sum"]["c"], 16)) == [int(text["sum"]["m"], 16)]


def test_milagro_encryption():
    cases = milagro("milagro_encrypt.txt")
    assert len(cases) == 11
    for case in cases:
        assert case["G"] == case["N"] + 1
        assert encrypt_with(case["N"], case["PLAINTEXT"], case["R"]) == case["CIPHERTEXT"]


def test_milagro_keys():
    cases = milagro("milagro_keygen.txt")
    assert len(cases) == 10
    accepted = 0
    for case in cases:
        p, q = case["P"], case["Q"]
        assert p * q == case["N"]
        assert (p - 1, q - 1) == (case["LP"], case["LQ"])
        # MP = L((1+n)^(p-1) mod p^2)^-1, the constant of CRT decryption.
        square = bigint.SquareModulus(p)
        logarithm = square.log_one_plus(square.pow_vartime(1 + case["N"], p - 1))
        assert bigint.inverse(logarithm, p) == case["MP"]
        if case["N"].bit_length() < 2048:
            with pytest.raises(errors.KeyRejected, match="2048"):
                PrivateKey.from_primes(p, q)
            continue
        key = PrivateKey.from_primes(p, q)
        accepted += 1
        assert decrypt(key, encrypt_with(case["N"], 31337, 65537)) == [31337]
    assert accepted == 9, "one n has 2047 bits, and keys below 2048 bits are refused"


def test_python_paillier_regression_numbers():
    assert encrypt_with(126869, 10100, 74384) == 935906717
    assert encrypt_with(126869, 1, 1) == 126870
