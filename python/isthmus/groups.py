"""Prime-order groups: hash items to elements, multiply elements by a secret scalar.

>>> import isthmus as ist
>>> group = ist.group("ristretto255")
>>> points = group.hash_to_group([b"alice", b"bob"], dst=b"example-v1")
>>> masked = group.scalar_mult(group.random_scalar(), points)
>>> masked.shape
(2, 32)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isthmus import _core
from isthmus.errors import InvalidArgument

if TYPE_CHECKING:
    import pyarrow as pa

Scalar = _core.group.Scalar
"""A secret scalar: opaque, wiped from memory when released, printed without its value, not picklable."""

__all__ = ["Group", "Scalar", "group", "group_names"]


@dataclass(frozen=True)
class Group:
    """A prime-order group; get one from :func:`group`.

    Encoded elements are ``uint8`` arrays of shape ``(n, element_bytes)`` in the group's only canonical
    encoding. Every call works on a whole batch, on all threads, without the GIL.

    Attributes
    ----------
    name
        For example ``"ristretto255"``.
    suite
        Identifier of the RFC 9380 suite behind :meth:`hash_to_group`.
    element_bytes, scalar_bytes
        Width of one encoded element and of one encoded scalar.
    """

    name: str
    suite: str
    element_bytes: int
    scalar_bytes: int
    _native: _core.group.Group = field(repr=False, compare=False)

    def hash_to_group(self, items: Sequence[bytes] | pa.BinaryArray, dst: bytes) -> NDArray[np.uint8]:
        """Hash each item to an element nobody knows the discrete logarithm of.

        Parameters
        ----------
        items
            ``n`` byte strings, as a list or an Arrow binary array without nulls.
        dst
            Domain separation tag: name the application and its version. Equal items under different tags give
            unrelated elements.

        Returns
        -------
        numpy.ndarray
            Shape ``(n, element_bytes)``.

        Raises
        ------
        HashToCurveError
            When ``dst`` is empty.
        """
        messages = items.to_pylist() if hasattr(items, "to_pylist") else list(items)
        return self._native.hash_to_group(messages, dst)

    def scalar_mult(self, scalar: Scalar | bytes, points: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Multiply every element by one secret scalar, in constant time.

        Parameters
        ----------
        scalar
            A :class:`Scalar`, or its canonical ``scalar_bytes`` bytes.
        points
            Encoded elements, shape ``(n, element_bytes)``. Each is validated first.

        Raises
        ------
        PointEncoding
            An element is not in canonical form or has the wrong width; ``row`` says which.
        PointInvalid
            Bytes encode no element, or the identity; ``row`` says which.
        InvalidArgument
            The scalar is zero, not below the group's order, or belongs to another group.
        """
        secret = self._native.scalar(scalar) if isinstance(scalar, bytes) else scalar
        if points.dtype != np.uint8:
            raise InvalidArgument(f"points must be a uint8 array, not {points.dtype}")
        return self._native.scalar_mult(secret, np.ascontiguousarray(points))

    @property
    def generator(self) -> bytes:
        """The standard generator, encoded; InvalidArgument in a group without addition (X25519)."""
        return self._native.generator

    def random_scalar(self) -> Scalar:
        """Draw a uniform non-zero scalar from the operating system's randomness."""
        return self._native.random_scalar()

    def derive_scalar(self, seed: _core.records.SecretSeed) -> Scalar:
        """Return the scalar that follows from a secret seed, the same one each time."""
        return seed.scalar(self._native)

    def scalar(self, data: bytes) -> Scalar:
        """Read a scalar from its canonical ``scalar_bytes`` bytes; zero is refused."""
        return self._native.scalar(data)


def group(name: str) -> Group:
    """Return the group of this name; an unknown name raises InvalidArgument listing those that exist."""
    native = _core.group.find_group(name)
    return Group(native.name, native.suite, native.element_bytes, native.scalar_bytes, native)


def group_names() -> list[str]:
    """Names that :func:`group` accepts."""
    return _core.group.group_names()
