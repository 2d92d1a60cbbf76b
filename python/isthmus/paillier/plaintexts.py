"""Numbers on their way into plaintexts: checks, fixed point, and the forms the native core takes."""

from __future__ import annotations

from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import FeatureValue, InvalidArgument, PlaintextOverflow

NativeIntegers: TypeAlias = (
    NDArray[np.int64] | NDArray[np.uint64] | tuple[NDArray[np.uint8], NDArray[np.uint8]]
)

DEFAULT_SCALE_BITS = 40  # public default of reals: 12 decimal digits after the point


def encode(
    values: ArrayLike, scale_bits: int | None, max_bits: int
) -> tuple[NativeIntegers, tuple[int, ...], int]:
    """Return native integers, their shape and their fractional bits.

    Integers are exact; ``scale_bits`` shifts them. Reals are rounded to nearest, ties to even.
    """
    array = _as_array(values)
    if scale_bits is not None and not 0 <= scale_bits <= max_bits:
        raise PlaintextOverflow(f"a scale of 2^{scale_bits} does not fit in plaintexts of {max_bits} bits")
    if array.dtype.kind != "f":
        shift = scale_bits or 0
        shifted = array if shift == 0 else array.astype(object) << shift
        return (*native_integers(shifted, max_bits), shift)
    bits = DEFAULT_SCALE_BITS if scale_bits is None else scale_bits
    return (*native_integers(_fixed_point(array.astype(np.float64), bits), max_bits), bits)


def negated(values: ArrayLike) -> NDArray[Any]:
    """Return -values without the overflow that NumPy's integers have."""
    array = _as_array(values)
    if array.dtype.kind == "f":
        return -array
    narrow = array.dtype.kind in "ib" and (array.size == 0 or array.min() > np.iinfo(np.int64).min)
    return -array.astype(np.int64 if narrow else object)


def native_integers(values: ArrayLike, max_bits: int, *, signed: bool = True) -> tuple[Any, tuple[int, ...]]:
    """Return integers in a form the native core takes, flat, and their shape.

    int64 or uint64 when they fit, without a copy where possible; else (big-endian magnitudes, signs).
    Unsigned means uint64 and refuses what does not fit.
    """
    array = _as_array(values)
    if array.dtype.kind not in "iub" and array.dtype != object:
        raise InvalidArgument(f"integers are needed, not {array.dtype}")
    flat = array.reshape(-1)
    if not signed:
        return _unsigned(flat), array.shape
    if flat.dtype.kind == "u":
        return np.ascontiguousarray(flat, dtype=np.uint64), array.shape
    if flat.dtype != object:
        return np.ascontiguousarray(flat, dtype=np.int64), array.shape
    return _from_objects(flat, max_bits), array.shape


def _as_array(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype == object or array.dtype.kind in "iubf":
        return array
    raise InvalidArgument(f"numbers are needed, not {array.dtype}")


def _fixed_point(reals: NDArray[np.float64], scale_bits: int) -> NDArray[Any]:
    bad = ~np.isfinite(reals.reshape(-1))
    if bad.any():
        raise FeatureValue("a value is NaN or infinite", row=int(np.argmax(bad)))
    with np.errstate(over="ignore"):
        scaled = np.rint(np.ldexp(reals, scale_bits))
    infinite = ~np.isfinite(scaled.reshape(-1))
    if infinite.any():
        raise PlaintextOverflow("a value does not fit at this scale", row=int(np.argmax(infinite)))
    if scaled.size == 0 or np.abs(scaled).max() < 2.0**63:
        return scaled.astype(np.int64)
    return np.array([int(x) for x in scaled.reshape(-1)], dtype=object).reshape(scaled.shape)


def _unsigned(flat: NDArray[Any]) -> NDArray[np.uint64]:
    if flat.dtype == object:
        _require_integers(flat)
    wrong = (flat < 0) | (flat > np.iinfo(np.uint64).max) if flat.dtype == object else flat < 0
    wrong = np.asarray(wrong, dtype=np.bool_)
    if wrong.any():
        raise PlaintextOverflow("a value is negative or wider than 64 bits", row=int(np.argmax(wrong)))
    return np.ascontiguousarray(flat, dtype=np.uint64)


def _require_integers(flat: NDArray[np.object_]) -> None:
    for i, value in enumerate(flat):
        if not isinstance(value, Integral):
            raise InvalidArgument(f"an integer is needed, not {type(value).__name__}", row=i)


def _from_objects(flat: NDArray[np.object_], max_bits: int) -> NativeIntegers:
    _require_integers(flat)
    lengths = np.array([int(value).bit_length() for value in flat], dtype=np.int64)
    too_wide = lengths > max_bits + 1  # the core compares with n/2 exactly
    if too_wide.any():
        raise PlaintextOverflow("an integer lies outside the range of this key", row=int(np.argmax(too_wide)))
    if len(flat) == 0 or lengths.max() < 64:
        return flat.astype(np.int64)
    width = (int(lengths.max()) + 7) // 8
    data = b"".join(abs(int(value)).to_bytes(width, "big") for value in flat)
    magnitudes = np.frombuffer(data, dtype=np.uint8).reshape(len(flat), width)
    return magnitudes, np.array([value < 0 for value in flat], dtype=np.uint8)
