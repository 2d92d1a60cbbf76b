"""What the tests of P-256 and SM2 ask of the core, in a form that crosses to the process of one backend."""

from __future__ import annotations

import numpy as np

import isthmus as ist
from isthmus import _core
from isthmus.errors import PointEncoding, PointInvalid

COPIES = 9  # full vectors of every backend and a started one
Product = bytes | type[PointEncoding] | type[PointInvalid]


def multiply(group: str, pairs: list[tuple[int, bytes]]) -> list[Product]:
    """Each scalar times its encoded point, or what the refusal of the point raises."""
    return [_multiply(ist.group(group), scalar, point) for scalar, point in pairs]


def _multiply(group: ist.groups.Group, scalar: int, point: bytes) -> Product:
    rows = np.frombuffer(point * COPIES, dtype=np.uint8).reshape(COPIES, -1)
    try:
        products = group.scalar_mult(scalar.to_bytes(32, "big"), rows)
    except (PointEncoding, PointInvalid) as error:
        assert error.row == 0
        return type(error)
    assert np.all(products == products[0])
    return products[0].tobytes()


def multiply_all(group: str, scalar: int, points: list[bytes]) -> list[bytes]:
    """One scalar times all points, in one call."""
    rows = np.frombuffer(b"".join(points), dtype=np.uint8).reshape(len(points), -1)
    return [row.tobytes() for row in ist.group(group).scalar_mult(scalar.to_bytes(32, "big"), rows)]


def hash_to_curve(suite: str, messages: list[bytes], dst: bytes) -> list[bytes]:
    """One encoded point per message, by the suite of this name."""
    return [row.tobytes() for row in _core.group.hash_to_curve(suite, messages, dst)]
