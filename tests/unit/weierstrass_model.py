"""P-256 and SM2 with Python integers and affine points: an independent model of the two groups and suites.

Parameters are those of SP 800-186, section 3.2.1.3, and GB/T 32918.5; the map follows RFC 9380's text for any
curve (section 6.6.2), not the straight-line programs that implementations use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes

Point = tuple[int, int] | None  # None is the identity


def sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def xmd(digest: Callable[[bytes], bytes], message: bytes, dst: bytes, length: int) -> bytes:
    """expand_message_xmd (section 5.3.1) over a hash of 64-byte blocks and 32-byte digests."""
    if len(dst) > 255:
        dst = digest(b"H2C-OVERSIZE-DST-" + dst)
    prime = dst + bytes([len(dst)])
    b0 = digest(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + prime)
    block, out = bytes(32), b""
    for i in range(1, -(-length // 32) + 1):
        block = digest(bytes(x ^ y for x, y in zip(b0, block, strict=True)) + bytes([i]) + prime)
        out += block
    return out[:length]


@dataclass(frozen=True)
class Curve:
    """y^2 = x^3 - 3x + b modulo p, of prime order n, with its SSWU suite."""

    name: str
    suite: str
    hash: Callable[[bytes], bytes]
    p: int
    b: int
    n: int
    generator: tuple[int, int]
    z: int

    def g(self, x: int) -> int:
        return (x**3 - 3 * x + self.b) % self.p

    def is_square(self, a: int) -> bool:
        return pow(a, (self.p - 1) // 2, self.p) in (0, 1)

    def sqrt(self, a: int) -> int:
        return pow(a, (self.p + 1) // 4, self.p)  # p = 3 mod 4

    def add(self, a: Point, b: Point) -> Point:
        if a is None or b is None:
            return b if a is None else a
        (x1, y1), (x2, y2) = a, b
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        rise, run = (3 * x1 * x1 - 3, 2 * y1) if a == b else (y2 - y1, x2 - x1)
        slope = rise * pow(run, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def times(self, k: int, point: Point) -> Point:
        total: Point = None
        for bit in bin(k)[2:]:
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, point)
        return total

    def encode(self, point: Point) -> bytes:
        assert point is not None
        return bytes([2 + point[1] % 2]) + point[0].to_bytes(32, "big")

    def decode(self, data: bytes) -> tuple[int, int]:
        x = int.from_bytes(data[1:], "big")
        y = self.sqrt(self.g(x))
        assert y * y % self.p == self.g(x)
        return x, y if y % 2 == data[0] - 2 else self.p - y

    def hash_to_field(self, message: bytes, dst: bytes, count: int) -> list[int]:
        """Section 5.2, with L = 48."""
        data = xmd(self.hash, message, dst, 48 * count)
        return [int.from_bytes(data[i : i + 48], "big") % self.p for i in range(0, 48 * count, 48)]

    def map_to_curve(self, u: int) -> tuple[int, int]:
        """Section 6.6.2, with A = -3."""
        a, b, z, p = -3, self.b, self.z, self.p
        denominator = (z * z * u**4 + z * u * u) % p
        if denominator == 0:
            x = b * pow(z * a, -1, p) % p
        else:
            x = -b * pow(a, -1, p) * (1 + pow(denominator, -1, p)) % p
        if not self.is_square(self.g(x)):
            x = z * u * u * x % p
        y = self.sqrt(self.g(x))
        assert y * y % p == self.g(x)
        return x, y if y % 2 == u % 2 else p - y

    def hash_to_curve(self, message: bytes, dst: bytes) -> Point:
        first, second = self.hash_to_field(message, dst, 2)
        return self.add(self.map_to_curve(first), self.map_to_curve(second))

    def encode_to_curve(self, message: bytes, dst: bytes) -> Point:
        (u,) = self.hash_to_field(message, dst, 1)
        return self.map_to_curve(u)


P256 = Curve(
    "P-256",
    "P256_XMD:SHA-256_SSWU_RO_",
    sha256,
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    -10,
)
SM2 = Curve(
    "SM2",
    "SM2_XMD:SM3_SSWU_RO_",
    sm3,
    0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
    0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    (
        0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
        0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    ),
    -9,
)
CURVES = [P256, SM2]
