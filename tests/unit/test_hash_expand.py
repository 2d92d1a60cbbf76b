"""expand_message_xmd: the vectors of RFC 9380 and Botan, and the bounds (fault case 14)."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from isthmus import _core
from isthmus.errors import HashToCurveError

VECTORS = Path(__file__).parents[1] / "vectors"
EXPAND = {
    "SHA256": _core.hash.expand_message_xmd_sha256,
    "SHA512": _core.hash.expand_message_xmd_sha512,
    "SM3": _core.hash.expand_message_xmd_sm3,
}


def sm3(data=b""):
    """hashlib's interface over OpenSSL's SM3."""
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return SimpleNamespace(digest=digest.finalize, block_size=64)


def xmd(name, message, dst, length):
    """Independent model of RFC 9380, section 5.3.1, over hashlib and OpenSSL."""
    digest = {"SHA256": hashlib.sha256, "SHA512": hashlib.sha512, "SM3": sm3}[name]
    if len(dst) > 255:
        dst = digest(b"H2C-OVERSIZE-DST-" + dst).digest()
    prime = dst + bytes([len(dst)])
    zero = bytes(digest().block_size)
    b0 = digest(zero + message + length.to_bytes(2, "big") + b"\0" + prime).digest()
    block, out = bytes(len(b0)), b""
    for i in range(1, -(-length // len(b0)) + 1):
        mixed = bytes(x ^ y for x, y in zip(b0, block, strict=True))
        block = digest(mixed + bytes([i]) + prime).digest()
        out += block
    return out[:length]


@pytest.mark.parametrize("file", ["SHA256_38", "SHA256_256", "SHA512_38"])
def test_rfc9380_vectors(file):
    data = json.loads((VECTORS / f"rfc9380/expand_message_xmd_{file}.json").read_text())
    count = 0
    for case in data["tests"]:
        out = EXPAND[data["hash"]](case["msg"].encode(), data["DST"].encode(), int(case["len_in_bytes"], 16))
        assert out.hex() == case["uniform_bytes"]
        count += 1
    assert count == 10


def test_botan_vectors():
    count, name, fields = 0, "", {}
    for line in (VECTORS / "botan/ec_h2c_xmd.vec").read_text().splitlines():
        if line.startswith("["):
            name = line.strip("[]").replace("-", "")
        elif "=" in line:
            key, _, value = line.partition("=")
            fields[key.strip()] = value.strip()
            if key.strip() == "Output":
                out = bytes.fromhex(fields["Output"])
                got = EXPAND[name](fields["Input"].encode(), fields["Domain"].encode(), len(out))
                assert got == out
                count += 1
    assert count == 20


@pytest.mark.parametrize("name", EXPAND)
@given(message=st.binary(max_size=300), dst=st.binary(min_size=1, max_size=600), length=st.integers(1, 600))
def test_any_lengths_match_the_model(name, message, dst, length):
    assert EXPAND[name](message, dst, length) == xmd(name, message, dst, length)


@pytest.mark.parametrize("name", EXPAND)
def test_bounds_are_refused(name):
    longest = min(255 * (64 if name == "SHA512" else 32), 65535)
    assert EXPAND[name](b"m", b"d", longest) == xmd(name, b"m", b"d", longest)
    for dst, length in [(b"", 32), (b"d", 0), (b"d", longest + 1), (b"d", 65536), (b"d", 1 << 62)]:
        with pytest.raises(HashToCurveError) as caught:
            EXPAND[name](b"m", dst, length)
        assert caught.value.code == "ERR_H2C"
