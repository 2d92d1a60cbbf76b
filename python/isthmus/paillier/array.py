"""Arrays of ciphertexts, in NumPy's manner."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus._core import paillier as _native
from isthmus.errors import InvalidArgument, KeyMismatch
from isthmus.paillier.plaintexts import encode, native_integers, negated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from isthmus.paillier.keys import PrivateKey, PublicKey
    from isthmus.paillier.plaintexts import NativeIntegers


class CiphertextArray:
    """Ciphertexts under one key, with NumPy's shapes, indexing, ``+``, ``-``, ``*``, ``sum`` and ``reshape``.

    Arrays are immutable; operations return new ones. Results are bit-identical for any number of threads.

    Attributes
    ----------
    public_key : PublicKey
    shape : tuple of int
    scale_bits : int
        Fractional bits of the plaintexts: 0 for integers. Sums need equal scales.

    Notes
    -----
    Sums, products and indexing add no randomness: their results can be linked to their inputs. Call
    :meth:`rerandomize` before a result leaves this party.
    """

    __array_ufunc__ = None  # numpy_array * ct comes to __rmul__, not element by element
    __slots__ = ("_native", "public_key", "scale_bits", "shape")

    def __init__(
        self, native: _native.CiphertextArray, public_key: PublicKey, shape: tuple[int, ...], scale_bits: int
    ) -> None:
        if math.prod(shape) != native.size:
            raise InvalidArgument(f"{native.size} ciphertexts do not fill the shape {shape}")
        self._native = native
        self.public_key = public_key
        self.shape = shape
        self.scale_bits = scale_bits

    @property
    def size(self) -> int:
        """Number of ciphertexts."""
        return self._native.size

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a single ciphertext")
        return self.shape[0]

    def __repr__(self) -> str:
        return (
            f"CiphertextArray(shape={self.shape}, scale_bits={self.scale_bits}, "
            f"key_bits={self.public_key.key_bits})"
        )

    def _like(
        self, native: _native.CiphertextArray, shape: tuple[int, ...], scale_bits: int | None = None
    ) -> CiphertextArray:
        return CiphertextArray(
            native, self.public_key, shape, self.scale_bits if scale_bits is None else scale_bits
        )

    def __getitem__(self, index: Any) -> CiphertextArray:
        """Select as NumPy would; the ciphertexts are copied."""
        positions = np.arange(self.size, dtype=np.int64).reshape(self.shape)[index]
        picked = np.ascontiguousarray(positions, dtype=np.int64)
        return self._like(_native.gather(self._native, picked.reshape(-1)), np.shape(positions))

    def reshape(self, *shape: int | tuple[int, ...]) -> CiphertextArray:
        """Return the same ciphertexts in another shape; -1 stands for what is left."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        try:
            resolved = np.empty(self.size, dtype=np.bool_).reshape(wanted).shape  # type: ignore[arg-type]
        except ValueError as error:
            raise InvalidArgument(str(error)) from None
        return self._like(self._native, resolved)

    def _broadcast_to(self, shape: tuple[int, ...]) -> CiphertextArray:
        if shape == self.shape:
            return self
        positions = np.arange(self.size, dtype=np.int64).reshape(self.shape)
        return self.reshape(-1)[np.broadcast_to(positions, shape)]

    def _aligned(self, other: CiphertextArray) -> tuple[CiphertextArray, CiphertextArray]:
        if self.public_key != other.public_key:
            raise KeyMismatch("the ciphertexts belong to different keys")
        if self.scale_bits != other.scale_bits:
            raise InvalidArgument(f"the scales differ: 2^{self.scale_bits} and 2^{other.scale_bits}")
        shape = _broadcast_shape(self.shape, other.shape)
        return self._broadcast_to(shape), other._broadcast_to(shape)

    def __add__(self, other: CiphertextArray | ArrayLike) -> CiphertextArray:
        """Add ciphertexts, or plain numbers at this array's scale (which adds no randomness)."""
        if isinstance(other, CiphertextArray):
            a, b = self._aligned(other)
            return self._like(_native.add(a._native, b._native), a.shape)
        values, shape, _ = encode(other, self.scale_bits, self.public_key.max_plaintext_bits)
        a = self._broadcast_to(_broadcast_shape(self.shape, shape))
        return self._like(_native.add_plain(a._native, _spread(values, shape, a.shape)), a.shape)

    __radd__ = __add__

    def __sub__(self, other: CiphertextArray | ArrayLike) -> CiphertextArray:
        """Subtract ciphertexts, or plain numbers at this array's scale (which adds no randomness)."""
        if not isinstance(other, CiphertextArray):
            return self + negated(other)
        a, b = self._aligned(other)
        return self._like(_native.subtract(a._native, b._native), a.shape)

    def __rsub__(self, other: ArrayLike) -> CiphertextArray:
        return -self + other

    def __neg__(self) -> CiphertextArray:
        return self._like(_native.negate(self._native), self.shape)

    def __mul__(self, factors: ArrayLike) -> CiphertextArray:
        """Multiply by plain integers of any width, broadcast as NumPy would; the scale stays.

        The caller bounds the products: ``abs(m * k)`` must stay below n/2, and only the key's owner knows m.
        Time depends on the factors.
        """
        if isinstance(factors, CiphertextArray):
            raise InvalidArgument("ciphertexts cannot be multiplied with each other")
        values, shape = native_integers(factors, self.public_key.max_plaintext_bits)
        a = self._broadcast_to(_broadcast_shape(self.shape, shape))
        return self._like(_native.mul_plain(a._native, _spread(values, shape, a.shape)), a.shape)

    __rmul__ = __mul__

    def sum(self, axis: int | None = None) -> CiphertextArray:
        """Add up all ciphertexts, or those along one axis.

        Over no ciphertexts at all, the result is the visible encryption 1 of zero.
        """
        if axis is None:
            return self._like(_native.sum(self._native, 1, self.size, 1), ())
        if not -self.ndim <= axis < self.ndim:
            raise InvalidArgument(f"axis {axis} does not exist in shape {self.shape}")
        axis %= self.ndim
        outer, inner = math.prod(self.shape[:axis]), math.prod(self.shape[axis + 1 :])
        summed = _native.sum(self._native, outer, self.shape[axis], inner)
        return self._like(summed, self.shape[:axis] + self.shape[axis + 1 :])

    def rerandomize(self, key: PrivateKey | None = None) -> CiphertextArray:
        """Return other ciphertexts of the same plaintexts, which only the key's owner can link to these.

        Parameters
        ----------
        key : PrivateKey, optional
            The owner passes its own key, which makes the same randomness about twice as fast.
        """
        source = self.public_key if key is None else key
        return self._like(_native.rerandomize(source._native, self._native), self.shape)

    def to_bytes(self) -> bytes:
        """Serialise: each ciphertext big-endian in ``2 * n_bytes`` bytes, in C order; no shape, no scale."""
        return self._native.to_bytes()


def require_ciphertexts(value: object) -> None:
    """Raise InvalidArgument for anything but a :class:`CiphertextArray`."""
    if not isinstance(value, CiphertextArray):
        raise InvalidArgument(f"a CiphertextArray is needed, not {type(value).__name__}")


def concatenate(arrays: Sequence[CiphertextArray]) -> CiphertextArray:
    """Join arrays along their first axis.

    Raises
    ------
    InvalidArgument
        If there is none, or shapes or scales differ.
    KeyMismatch
        If they belong to different keys.
    """
    if not arrays:
        raise InvalidArgument("nothing to concatenate")
    for each in arrays:
        require_ciphertexts(each)
    first = arrays[0]
    if any(a.shape[1:] != first.shape[1:] or a.ndim == 0 for a in arrays):
        raise InvalidArgument("the arrays differ in shape beyond the first axis")
    if any(a.scale_bits != first.scale_bits for a in arrays):
        raise InvalidArgument("the arrays differ in scale")
    joined = _native.concatenate([a._native for a in arrays])
    return first._like(joined, (sum(len(a) for a in arrays), *first.shape[1:]))


def _broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise InvalidArgument(f"the shapes {a} and {b} do not fit together") from None


def _spread(values: NativeIntegers, shape: tuple[int, ...], wanted: tuple[int, ...]) -> NativeIntegers:
    if shape == wanted:
        return values
    if isinstance(values, tuple):
        magnitudes, negative = values
        rows = np.broadcast_to(np.arange(len(negative)).reshape(shape), wanted).reshape(-1)
        return np.ascontiguousarray(magnitudes[rows]), np.ascontiguousarray(negative[rows])
    spread: NDArray[Any] = np.broadcast_to(values.reshape(shape), wanted)
    return np.ascontiguousarray(spread.reshape(-1))
