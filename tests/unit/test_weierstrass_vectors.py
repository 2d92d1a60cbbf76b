"""P-256 and SM2 against published vectors, on every backend."""

import base64
import json
import re
from collections import Counter
from pathlib import Path

import pytest

import isthmus as ist
from isthmus.errors import InvalidArgument, PointEncoding, PointInvalid
from tests.unit import weierstrass_calls as calls
from tests.unit.weierstrass_model import CURVES, P256, SM2, sm3

VECTORS = Path(__file__).parents[1] / "vectors"
BOTAN_NAMES = {"secp256r1": P256, "sm2p256v1": SM2}
# A SubjectPublicKeyInfo of the named curve prime256v1 up to its point, uncompressed and compressed.
NAMED = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
NAMED_COMPRESSED = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")


def botan(name, *keys):
    """Curve and values of every case of a file about one of the two curves."""
    curve, fields = None, {}
    for line in (VECTORS / "botan" / name).read_text().splitlines():
        if line.startswith("["):
            curve = BOTAN_NAMES.get(line.strip("[]"))
        elif curve is not None and "=" in line:
            key, _, value = (part.strip() for part in line.partition("="))
            fields[key] = value.removeprefix("0x")
            if key == keys[-1]:
                yield curve, *(fields[key] for key in keys)


def compressed(uncompressed):
    assert (len(uncompressed), uncompressed[0]) == (65, 4)
    return bytes([2 + uncompressed[64] % 2]) + uncompressed[1:33]


def check_products(on_backend, cases):
    """Cases are (curve, scalar, point, product); returns how many there were of each curve."""
    for curve in CURVES:
        chosen = [case[1:] for case in cases if case[0] is curve]
        products = on_backend(calls.multiply, curve.name, [(k, point) for k, point, _ in chosen])
        assert products == [product for *_, product in chosen]
    return [sum(case[0] is curve for case in cases) for curve in CURVES]


# --- hashing to the curve ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RO", "NU"])
def test_rfc9380_suites(on_backend, kind):
    data = json.loads((VECTORS / f"rfc9380/P256_XMD_SHA-256_SSWU_{kind}_.json").read_text())
    messages = [case["msg"].encode() for case in data["vectors"]]
    points = on_backend(calls.hash_to_curve, data["ciphersuite"], messages, data["dst"].encode())
    expected = [tuple(int(case["P"][name], 16) for name in "xy") for case in data["vectors"]]
    assert len(expected) == 5
    assert points == [P256.encode(point) for point in expected]


# --- scalar multiplication --------------------------------------------------------------------------------


def test_botan_multiples_of_the_generator(on_backend):
    cases = [
        (curve, int(k, 16), curve.encode(curve.generator), compressed(bytes.fromhex(product)))
        for curve, k, product in botan("ecc_base_point_mul.vec", "k", "P")
    ]
    assert check_products(on_backend, cases) == [52, 64]


def test_botan_multiples_of_other_points(on_backend):
    cases = [
        (curve, int(k, 16), bytes.fromhex(point), bytes.fromhex(product))
        for curve, point, k, product in botan("ecc_var_point_mul.vec", "P", "k", "Z")
    ]
    assert check_products(on_backend, cases) == [65, 63]


def test_botan_sums_of_two_products(on_backend):
    # Here the model adds; test_weierstrass.cpp gives the same file to the core's linear combination.
    cases = list(botan("ecc_var_point_mul2.vec", "P", "x", "Q", "y", "Z"))
    for curve in CURVES:
        chosen = [case[1:] for case in cases if case[0] is curve]
        pairs = [(int(x, 16), bytes.fromhex(p)) for p, x, *_ in chosen]
        pairs += [(int(y, 16), bytes.fromhex(q)) for _, _, q, y, _ in chosen]
        points = [curve.decode(product) for product in on_backend(calls.multiply, curve.name, pairs)]
        sums = [curve.add(p, q) for p, q in zip(points[: len(chosen)], points[len(chosen) :], strict=True)]
        assert [curve.encode(point) for point in sums] == [bytes.fromhex(total) for *_, total in chosen]
        assert len(chosen) == 63


def test_awslc_multiples_of_the_generator(on_backend):
    text = (VECTORS / "openssl/awslc_ec_scalar_base_mult_tests.txt").read_text()
    found = re.findall(r"Curve = P-256\n(?:#.*\n)?N = (\w+)\nX = (\w+)\nY = (\w+)", text)
    cases = []
    for numbers in found:
        k, x, y = (int(number, 16) for number in numbers)
        if k == 0:
            with pytest.raises(InvalidArgument):  # its product is the identity, which has no encoding
                ist.group("P-256").scalar(bytes(32))
        else:
            cases.append((P256, k, P256.encode(P256.generator), P256.encode((x, y))))
    assert check_products(on_backend, cases) == [128, 0]


# --- Wycheproof -------------------------------------------------------------------------------------------


def wycheproof():
    """Every case whose key is a point of the named curve in a SubjectPublicKeyInfo, with that point."""
    data = json.loads((VECTORS / "wycheproof/ecdh_secp256r1_test.json").read_text())
    (group,) = data["testGroups"]
    assert len(group["tests"]) == 612
    other = Counter()
    for case in group["tests"]:
        key = bytes.fromhex(case["public"])
        if len(key) == 91 and key.startswith(NAMED):
            yield case, key[len(NAMED) :]
        elif len(key) == 59 and key.startswith(NAMED_COMPRESSED):
            yield case, key[len(NAMED_COMPRESSED) :]
        else:
            other[case["result"], case["flags"][-1]] += 1
    assert other == NO_POINTS


# Cases about reading keys in ASN.1, which is not done here, by result and last flag.
NO_POINTS = {
    ("acceptable", "InvalidAsn"): 221,
    ("acceptable", "UnnamedCurve"): 7,
    ("invalid", "InvalidEncoding"): 1,
    ("invalid", "InvalidPublic"): 2,
    ("invalid", "UnnamedCurve"): 7,
    ("invalid", "WrongCurve"): 17,
}


def test_wycheproof_shared_secrets(on_backend):
    good = [
        (case, point) for case, point in wycheproof() if case["flags"] != ["InvalidAsn"] and case["shared"]
    ]
    pairs = [
        (int(case["private"], 16), point if len(point) == 33 else compressed(point)) for case, point in good
    ]
    products = on_backend(calls.multiply, "P-256", pairs)
    assert [product[1:].hex() for product in products] == [case["shared"] for case, _ in good]
    assert Counter(case["result"] for case, _ in good) == {"valid": 330, "acceptable": 1}


def test_wycheproof_invalid_points(on_backend):
    """Compressed, a point off the curve is either refused or another point, with the same x and parity."""
    bad = [(case, point) for case, point in wycheproof() if case["result"] == "invalid"]
    rows = [point if len(point) == 33 else compressed(point) for _, point in bad]
    products = on_backend(calls.multiply, "P-256", [(1, row) for row in rows])
    counts = Counter()
    for (_, point), row, product in zip(bad, rows, products, strict=True):
        counts[product if isinstance(product, type) else "another point"] += 1
        if product is PointEncoding:
            assert int.from_bytes(row[1:], "big") >= P256.p
        elif product is PointInvalid:
            assert not P256.is_square(P256.g(int.from_bytes(row[1:], "big")))
        else:
            assert product == row
            assert P256.decode(row)[1] != int.from_bytes(point[33:], "big")
    assert counts == {PointInvalid: 15, PointEncoding: 4, "another point": 6}


# --- SM2 (GB/T 32918) -------------------------------------------------------------------------------------


def der(data):
    """The values in a DER sequence: integers as numbers, octet strings as bytes."""
    assert data[0] == 0x30
    at, values = 2 if data[1] < 128 else 2 + data[1] % 128, []
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length > 128:
            length, at = int.from_bytes(data[at : at + length % 128], "big"), at + length % 128
        value, at = data[at : at + length], at + length
        values.append(int.from_bytes(value, "big") if tag == 2 else value)
    return values


def is_signature(on_backend, public, digest, r, s):
    """Part 2, section 7.1, from step B4 on."""
    t = (r + s) % SM2.n
    products = on_backend(calls.multiply, "SM2", [(s, SM2.encode(SM2.generator)), (t, SM2.encode(public))])
    total = SM2.add(*map(SM2.decode, products))
    return (int.from_bytes(digest, "big") + total[0]) % SM2.n == r


def decrypt(on_backend, secret, ciphertext):
    """Part 4, section 7.1, for ciphertexts in ASN.1."""
    x, y, check, masked = der(ciphertext)
    (product,) = on_backend(calls.multiply, "SM2", [(secret, SM2.encode((x, y)))])
    x2, y2 = (value.to_bytes(32, "big") for value in SM2.decode(product))
    blocks = range(1, -(-len(masked) // 32) + 1)
    stream = b"".join(sm3(x2 + y2 + i.to_bytes(4, "big")) for i in blocks)
    message = bytes(a ^ b for a, b in zip(masked, stream, strict=False))
    assert check == sm3(x2 + message + y2)
    return message


def openssl_sm2_key():
    text = (VECTORS / "openssl/evppkey_sm2.txt").read_text()
    pem = re.search(r"BEGIN PRIVATE KEY-----\n([^-]*)-----END", text)[1]
    data = base64.b64decode(pem)
    (at,) = (match.end() for match in re.finditer(bytes.fromhex("0201010420"), data))
    secret, public = int.from_bytes(data[at : at + 32], "big"), data[-65:]
    return text, secret, public


def test_openssl_sm2_key_signatures_and_ciphertexts(on_backend):
    text, secret, public = openssl_sm2_key()
    pairs = [(secret, SM2.encode(SM2.generator))]
    assert on_backend(calls.multiply, "SM2", pairs) == [compressed(public)]
    point = SM2.decode(compressed(public))
    signed = re.findall(r"Verify = .*\nCtrl = digest:SM3\nInput = (\w+)\nOutput = (\w+)\n\n", text)
    for digest, signature in signed:
        r, s = der(bytes.fromhex(signature))
        assert is_signature(on_backend, point, bytes.fromhex(digest), r, s)
        assert not is_signature(on_backend, point, sm3(b"another"), r, s)
    sealed = set(re.findall(r'Decrypt = .*\n(?:Ctrl.*\n)?Input = (\w+)\nOutput = "(.*)"', text))
    for ciphertext, message in sealed:
        assert decrypt(on_backend, secret, bytes.fromhex(ciphertext)) == message.encode()
    assert (len(signed), len(sealed)) == (2, 3)


def test_botan_sm2_signature(on_backend):
    text = (VECTORS / "botan/sm2_sig.vec").read_text()
    section = text.split("# Using SM2 standard curve")[1].split("Hash = SHA-256")[0]
    fields = dict(re.findall(r"^(\w+) = (?:0x)?(.*)$", section, re.MULTILINE))
    assert (int(fields["P"], 16), int(fields["B"], 16), int(fields["Order"], 16)) == (SM2.p, SM2.b, SM2.n)
    (product,) = on_backend(calls.multiply, "SM2", [(int(fields["x"], 16), SM2.encode(SM2.generator))])
    public = SM2.decode(product)
    identity = fields["Ident"].encode()
    numbers = (SM2.p - 3, SM2.b, *SM2.generator, *public)
    prefix = (8 * len(identity)).to_bytes(2, "big") + identity
    z = sm3(prefix + b"".join(number.to_bytes(32, "big") for number in numbers))
    digest, signature = sm3(z + bytes.fromhex(fields["Msg"])), fields["Signature"]
    r, s = int(signature[:64], 16), int(signature[64:], 16)
    assert is_signature(on_backend, public, digest, r, s)
