"""Published big-integer vectors. Counts are asserted, and what the layer does not do is named."""

import json
import re
from pathlib import Path

import pytest

from isthmus._core import bigint

VECTORS = Path(__file__).parents[1] / "vectors"


def records(path, key):
    """Blocks of `key = value` lines, split at blank lines, that hold this key."""
    blocks = re.split(r"\n\s*\n", (VECTORS / path).read_text())
    found = [dict(re.findall(r"^(\w+)\s*=\s*(\S+)$", block, re.MULTILINE)) for block in blocks]
    return [block for block in found if key in block]


def aws(path, key):
    return [
        {k: v if k == "Result" else int(v, 16) for k, v in block.items()}
        for block in records(f"bn/{path}_tests.txt", key)
    ]


def botan(path, key):
    return [{k: int(v, 0) for k, v in block.items()} for block in records(f"botan/{path}.vec", key)]


def test_aws_mod_exp():
    cases = [c for c in aws("mod_exp", "ModExp") if c["M"] % 2 == 1]
    assert len(cases) == 125  # of 140; the rest have even moduli
    for c in cases:
        assert bigint.mod_exp(c["A"] % c["M"], c["E"], c["M"]) == c["ModExp"]


def test_aws_mod_inv():
    cases = [c for c in aws("mod_inv", "ModInv") if c["M"] % 2 == 1 and c["M"] > 1]
    assert len(cases) == 11  # of 28; the rest are modulo 1 or an even number
    for c in cases:
        assert bigint.inverse(c["A"], c["M"]) == c["ModInv"]


def test_aws_mod_mul():
    cases = [c | {"ModMul": c["ModSquare"], "B": c["A"]} for c in aws("mod_mul", "ModSquare")]
    cases += aws("mod_mul", "ModMul")
    cases = [c for c in cases if c["M"] % 2 == 1 and c["M"] > 1]
    assert len(cases) == 236  # of 436; the rest have even moduli
    for c in cases:
        m = c["M"]
        assert bigint.Modulus(m).mul(c["A"] % m, c["B"] % m) == c["ModMul"]


def test_aws_quotient():
    cases = [c for c in aws("quotient", "Quotient") if c["A"] >= 0 and c["B"] > 0]
    assert len(cases) == 180  # of 367; the rest have signs
    for c in cases:
        assert bigint.divide(c["A"], c["B"]) == (c["Quotient"], c["Remainder"])
        assert bigint.remainder(c["A"], c["B"]) == c["Remainder"]


def test_aws_products():
    products = [c for c in aws("product", "Product") if c["A"] >= 0 and c["B"] >= 0]
    squares = [c for c in aws("product", "Square") if c["A"] >= 0]
    assert (len(products), len(squares)) == (58, 56)  # of 170 and 107; the rest have signs
    for c in products:
        assert bigint.multiply(c["A"], c["B"]) == c["Product"]
    for c in squares:
        assert bigint.multiply(c["A"], c["A"]) == c["Square"]


def test_aws_gcd():
    cases = [c for c in aws("gcd", "GCD") if c["B"] % 2 == 1]
    assert len(cases) == 16  # of 55; the rest have no odd operand in second place
    for c in cases:
        assert bigint.gcd_odd(c["A"], c["B"]) == c["GCD"]


def test_aws_miller_rabin_witnesses():
    cases = aws("miller_rabin", "Result")
    assert len(cases) == 72
    for c in cases:
        assert bigint.passes_miller_rabin(c["W"], c["B"]) == (c["Result"] == "PossiblyPrime")


def test_botan_powmod():
    cases = [c for c in botan("powmod", "Base") if c["Modulus"] % 2 == 1]
    assert len(cases) == 42  # of 48; the rest have even moduli
    for c in cases:
        assert bigint.mod_exp(c["Base"] % c["Modulus"], c["Exponent"], c["Modulus"]) == c["Output"]


def test_botan_invmod():
    cases = [c for c in botan("invmod", "Input") if c["Modulus"] % 2 == 1 and c["Modulus"] > 1]
    assert len(cases) == 63  # of 138; the rest are modulo 1 or an even number
    for c in cases:
        assert (bigint.inverse(c["Input"], c["Modulus"]) or 0) == c["Output"]


def test_botan_gcd():
    cases = [c for c in botan("gcd", "X") if c["Y"] % 2 == 1 and c["X"] >= 0 and c["Y"] > 0]
    assert len(cases) == 35  # of 182; the rest have signs or no odd operand in second place
    for c in cases:
        assert bigint.gcd_odd(c["X"], c["Y"]) == c["GCD"]


def test_botan_primes():
    primes, composites = (VECTORS / "botan/isprime.vec").read_text().split("[NonPrime]")
    counts = []
    for text, expected in ((primes, True), (composites, False)):
        values = [int(v, 0) for v in re.findall(r"^X = (\S+)$", text, re.MULTILINE)]
        counts.append(len(values))
        for value in values:
            assert bigint.is_probable_prime(value) == expected, hex(value)
    assert counts == [25, 107]


@pytest.mark.parametrize("result", ["valid", "invalid"])
def test_wycheproof_primality(result):
    groups = json.loads((VECTORS / "wycheproof/primality_test.json").read_text())["testGroups"]
    cases = [t for group in groups for t in group["tests"] if t["result"] == result]
    values = [int.from_bytes(bytes.fromhex(t["value"]), "big", signed=True) for t in cases]
    values = [v for v in values if v >= 0]
    assert len(values) == {"valid": 66, "invalid": 237}[result]  # of 317; the rest are negative
    for value in values:
        assert bigint.is_probable_prime(value) == (result == "valid"), value
