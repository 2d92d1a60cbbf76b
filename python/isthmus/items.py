"""Identifier columns: check them, make fixed-size records of them, hash and mask these.

An item is one row of the key columns in canonical bytes (``cpp/include/isthmus/psi/item.hpp``).

* Integers of any width are equal when their values are; text and binary are equal when their bytes are.
  The number ``7`` and the text ``"7"`` differ, so bring both parties' columns to one type.
* Several columns form one composite key. Every field carries its length, so ``("ab", "c")`` is not
  ``("a", "bc")``.
* Text must be clean: valid UTF-8 in Unicode normalisation form C, without control characters or byte order
  marks, and without white space at its ends. Otherwise what looks equal would silently not match.

Columns are anything pyarrow can view as an array: pyarrow, pandas and polars columns, NumPy arrays, lists.
Their memory is read in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus import _core, errors
from isthmus.groups import Scalar, group

SecretSeed = _core.records.SecretSeed
"""32 secret bytes that the order of the items and the scalar of a run derive from; wiped when released."""

__all__ = ["SecretSeed", "check_ids", "encode_item", "item_records", "mask_digests", "mask_points"]


def check_ids(columns: Sequence[Any]) -> None:
    """Refuse identifiers that could never match or should not be compared.

    Raises
    ------
    IdEncoding
        A row is null, empty, longer than 65,535 bytes or not clean text; ``row`` says which. Normalisation
        is judged last.
    SchemaError
        A column holds neither integers, text nor binary, or the columns differ in length.
    """
    arrays = [_as_chunked(column) for column in columns]
    _native(arrays).check()
    for column in arrays:
        if _is_text(column.type):
            _check_normal_form(column)


def item_records(
    columns: Sequence[Any], seed: SecretSeed, *, first_row: int = 0
) -> tuple[NDArray[np.uint64], int]:
    """Return one record per row (``cpp/include/isthmus/psi/record.hpp``) and a fingerprint of the rows.

    A record holds the SHA-256 digest of the row's item, its row number, counted from ``first_row``, and its
    place in an order that only the owner of ``seed`` knows. The fingerprints of a table's parts add up,
    modulo 2^64, to that of the table.

    Raises as :func:`check_ids`; ``row`` counts from ``first_row`` too.
    """
    arrays = [_as_chunked(column) for column in columns]
    try:
        records = _native(arrays).records(seed, first_row)
        for column in arrays:
            if _is_text(column.type):
                _check_normal_form(column)
    except errors.IdEncoding as error:
        row = None if error.row is None else error.row + first_row
        raise errors.IdEncoding(error.args[0], row=row) from None
    return records


def mask_digests(digests: NDArray[np.uint8], scalar: Scalar, *, domain: bytes) -> NDArray[np.uint8]:
    """Hash the digests of items to the scalar's group and multiply them by the scalar, in one pass.

    Parameters
    ----------
    digests
        SHA-256 digests of canonical items, shape ``(n, 32)``.
    scalar
        This party's secret for this run.
    domain
        Names the run; both parties must use the same bytes, and different ones in every run.

    Returns
    -------
    numpy.ndarray
        Encoded elements, shape ``(n, element_bytes)``.
    """
    return _core.items.mask_digests(np.ascontiguousarray(digests), scalar, domain)


def mask_points(points: NDArray[np.uint8], scalar: Scalar) -> NDArray[np.uint8]:
    """Multiply the peer's masked items by this party's scalar; every element is validated first.

    Raises
    ------
    PointEncoding, PointInvalid
        An element is not canonical, is no element, or is the identity; ``row`` says which.
    """
    return group(scalar.group).scalar_mult(scalar, points)


def encode_item(columns: Sequence[Any], row: int) -> bytes:
    """Return the canonical bytes of one row's item, to compare with another implementation's."""
    return _native([_as_chunked(column) for column in columns]).encode_row(row)


def _as_chunked(column: Any) -> pa.ChunkedArray:
    if isinstance(column, pa.ChunkedArray):
        chunked = column
    elif hasattr(column, "__arrow_c_stream__"):
        chunked = pa.chunked_array(column)
    else:
        try:
            array = column if isinstance(column, pa.Array) else pa.array(column)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            # Arrow's message quotes the identifier.
            raise errors.SchemaError("an identifier column mixes types or holds objects") from None
        chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _plain(chunked)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the column in one of the layouts that the core reads."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(_decoded(column))
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return column.cast(pa.large_binary())
    if pa.types.is_integer(kind) or _is_text(kind) or kind in (pa.binary(), pa.large_binary()):
        return column
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    raise errors.SchemaError(f"an identifier must be an integer, text or binary, not {kind}; cast it to text")


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a dictionary-encoded column's values, widening views, which pyarrow cannot take from."""
    kind = column.type.value_type
    if pa.types.is_string_view(kind):
        kind = pa.large_string()
    chunks = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, type=kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _native(columns: list[pa.ChunkedArray]) -> _core.items.Columns:
    if not columns or len({len(column) for column in columns}) != 1:
        raise errors.SchemaError("an identifier needs one or more key columns of equal length")
    return _core.items.Columns([[chunk.__arrow_c_array__() for chunk in column.chunks] for column in columns])


def _check_normal_form(column: pa.ChunkedArray) -> None:
    """Refuse text that is not in normalisation form C; pure ASCII always is."""
    row = 0
    for chunk in column.chunks:
        if not pc.all(pc.string_is_ascii(chunk)).as_py():
            same = pc.equal(pc.utf8_normalize(chunk, form="NFC"), chunk)
            at = pc.index(same, False).as_py()
            if at >= 0:
                raise errors.IdEncoding(
                    "an identifier is not in Unicode normalisation form C; normalise the column first, "
                    "for example with pyarrow.compute.utf8_normalize",
                    row=row + at,
                )
        row += len(chunk)
