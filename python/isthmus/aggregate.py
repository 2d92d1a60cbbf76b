"""Sums over ciphertexts: encrypted histograms, matrix products, and several values per plaintext.

One kernel carries all of them: products of ciphertexts that share a bucket. :func:`bucket_sum` is that
kernel; :func:`weighted_sum` (Xᵀ·[[d]]) sums digits' buckets; :func:`packed_products` (X·[[w]]) looks its
factors up in tables; :func:`compress` folds results before they are sent.

No function here needs a secret and none adds randomness: every result is a function of its inputs. Call
``rerandomize()`` on a result before it leaves this party.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

import numpy as np

from isthmus._core import aggregate as _native
from isthmus._core.aggregate import PackLayout
from isthmus.errors import FeatureValue, InvalidArgument, PlaintextOverflow
from isthmus.paillier import DEFAULT_SCALE_BITS, CiphertextArray

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["PackLayout", "bucket_sum", "compress", "packed_products", "weighted_sum"]

_MAX_COUNT = (1 << 32) - 1
_BUCKET_DTYPES = tuple(np.dtype(t) for t in (np.uint8, np.uint16, np.int32, np.int64))


class SparseMatrix(Protocol):
    """What :func:`bucket_sum` and :func:`weighted_sum` need of a ``scipy.sparse`` matrix or array."""

    shape: tuple[int, ...]

    def tocsr(self) -> Any:
        """Return the matrix in compressed rows."""

    def tocsc(self) -> Any:
        """Return the matrix in compressed columns."""


def bucket_sum(
    ct: CiphertextArray,
    buckets: ArrayLike | SparseMatrix,
    n_buckets: int,
    *,
    rows: ArrayLike | None = None,
    layout: PackLayout | None = None,
) -> CiphertextArray:
    """Sum the ciphertexts that fall in the same bucket, for each column of buckets.

    Dec(out[f, b]) = sum of Dec(ct[i]) over the rows i with buckets[i, f] = b.

    Columns are summed jointly in groups, so that each row costs about one ciphertext addition per group
    rather than one per column. The groups follow from a cost model: shapes, how evenly columns spread, and,
    for many rows, a sample of which columns occupy few joint buckets together. They do not change the result.

    Parameters
    ----------
    ct : CiphertextArray, shape (n,) or (n, C)
        What to sum, for example encrypted gradients. C ciphertexts per row share the work of sorting rows.
    buckets : array of integers, shape (n,) or (n, F), or scipy.sparse matrix
        Bucket of each row in each column, in ``0..n_buckets-1``. uint8, uint16, int32 and int64 are read in
        place, in C or Fortran order; other integers are converted. What a sparse matrix does not store is in
        bucket 0, which is had by subtraction: only stored values cost a ciphertext addition.
    n_buckets : int
        Buckets per column.
    rows : array of integers, optional
        Row numbers that take part, for example one tree node's. Ciphertexts are not copied.
    layout : PackLayout, optional
        Layout of packed plaintexts; its bound is checked for the number of rows that take part.

    Returns
    -------
    CiphertextArray, shape (n_buckets,) or (F, n_buckets), with C in front for two-dimensional `ct`
        An empty bucket is the visible encryption 1 of zero. Rerandomize before it leaves this party.

    Raises
    ------
    InvalidArgument
        If shapes differ, a bucket is out of range (``row`` is its row in `buckets`) or a row number is
        (``row`` is its position in `rows`).
    PlaintextOverflow
        If more rows take part than ``layout.max_addends``; nothing was summed.
    """
    if ct.ndim not in (1, 2) or (ct.ndim == 2 and ct.shape[1] == 0):
        raise InvalidArgument("expected ciphertexts of shape (n,) or (n, C)")
    if layout is not None and layout.key_bits != ct.public_key.key_bits:
        raise InvalidArgument("the layout was made for another key size")
    planes, numbers, count = ct.shape[1] if ct.ndim == 2 else 1, _row_numbers(rows), _count(n_buckets)
    if _is_sparse(buckets):
        shape: tuple[int, ...] = (buckets.shape[1], count)
        sums = _bucket_sum_sparse(_Columns.of(buckets, ct, numbers), ct, count, layout)
    else:
        matrix = _bucket_matrix(buckets)
        if matrix.ndim not in (1, 2):
            raise InvalidArgument("buckets must have shape (n,) or (n, F)")
        columns = matrix if matrix.ndim == 2 else matrix[:, np.newaxis]
        sums = _native.bucket_sum(ct._native, planes, columns, count, numbers, layout)
        shape = (count,) if matrix.ndim == 1 else (columns.shape[1], count)
    return ct._like(sums, (planes, *shape) if ct.ndim == 2 else shape, ct.scale_bits)


def weighted_sum(
    X: ArrayLike | SparseMatrix,
    ct: CiphertextArray,
    *,
    rows: ArrayLike | None = None,
    scale_bits: int = DEFAULT_SCALE_BITS,
) -> CiphertextArray:
    """Weigh the ciphertexts by each column of a clear matrix and add up: Xᵀ·[[d]].

    Dec(out[f]) = sum over i of X[i, f] * Dec(ct[i]).

    The cost grows with the number of rows and the bits of the largest weight of each column: about two
    ciphertext additions per entry for 20-bit weights and 20,000 rows. A column with few distinct values,
    binned or one-hot, takes less than one per entry, whatever its bits. Zeros are skipped.

    Parameters
    ----------
    X : array, shape (n, F), or scipy.sparse matrix
        Signed integers (read in place when int64), or reals, which are rounded to ``scale_bits``
        fractional bits.
    ct : CiphertextArray, shape (n,)
        What to weigh, for example encrypted residuals.
    rows : array of integers, optional
        Rows of `X` and `ct` that take part.
    scale_bits : int, default 40
        Fractional bits of a real `X`; it adds to ``ct.scale_bits`` in the result. Unused for integers.

    Returns
    -------
    CiphertextArray, shape (F,)
        A column of zeros gives the visible encryption 1 of zero. Rerandomize before it leaves this party.

    Raises
    ------
    FeatureValue
        If a weight is NaN or infinite; with ``row``.
    InvalidArgument
        If shapes differ or a row number is out of range (``row`` is its position in `rows`).
    PlaintextOverflow
        If a weight exceeds 63 bits (with ``row``) or the result's scale exceeds the plaintext.

    Notes
    -----
    The caller bounds the plaintexts: ``abs(sum)`` must stay below n/2. With 64-bit weights, 64-bit plaintexts
    and 2³² rows it does for every key this library accepts.
    """
    _require_vector(ct)
    numbers = _row_numbers(rows)
    if _is_sparse(X):
        features = X.shape[1]
        sums, extra_bits = _weighted_sum_sparse(X, ct, numbers, scale_bits)
    else:
        weights, extra_bits = _int64_matrix(np.asarray(X), scale_bits)
        features = weights.shape[1]
        sums = _native.weighted_sum(ct._native, weights, numbers)
    total_bits = ct.scale_bits + extra_bits
    if total_bits > ct.public_key.max_plaintext_bits:
        raise PlaintextOverflow("the scale of the result does not fit in a plaintext")
    return ct._like(sums, (features,), total_bits)


def packed_products(X: ArrayLike, ct: CiphertextArray, slot_bits: int) -> CiphertextArray:
    """Multiply a clear matrix by an encrypted vector, several rows to a ciphertext: X·[[w]].

    Plaintext t of the result is the sum over s of ``2**(s*slot_bits) * sum_j X[t*slots + s, j] * m[j]`` with
    ``slots = (key_bits - 2) // slot_bits``; rows beyond the last count as zero.

    Parameters
    ----------
    X : array of integers, shape (n, d)
        Signed weights.
    ct : CiphertextArray, shape (d,)
        The encrypted vector.
    slot_bits : int
        Bits per row. Slot sums are signed: every one must lie below ``2**(slot_bits - 1)`` in magnitude, and
        adding ``2**(slot_bits - 1)`` to each slot makes them readable with ``decrypt_words`` or
        ``decrypt_packed``.

    Returns
    -------
    CiphertextArray, shape (ceil(n / slots),)
        With ``scale_bits`` 0: its plaintexts are slots. It depends on `ct` and `X` alone: rerandomize, and
        mask if the peer may not see the products, before it leaves this party.

    Raises
    ------
    InvalidArgument
        If shapes differ or `X` is not of integers.
    PlaintextOverflow
        If no slot fits in the key, or a row's weights alone exceed the slot (with ``row``).
    """
    _require_vector(ct)
    array = np.asarray(X)
    if array.dtype.kind not in "biu":
        raise InvalidArgument("packed_products takes integers: scale X first")
    weights, _ = _int64_matrix(array, 0)
    products = _native.packed_products(ct._native, weights, _count(slot_bits))
    slots = (ct.public_key.key_bits - 2) // slot_bits
    return ct._like(products, (-(-weights.shape[0] // slots),), 0)


def compress(ct: CiphertextArray, slot_bits: int) -> CiphertextArray:
    """Fold several ciphertexts into one, to save bytes and decryptions.

    Plaintext g of the result is the sum over k of ``m[g*slots + k] << (k*slot_bits)`` with
    ``slots = (key_bits - 2) // slot_bits``, over the ciphertexts in C order.

    It costs ``slot_bits`` squarings per ciphertext, so it pays where the receiver's decryptions or the
    network are the bottleneck.

    Parameters
    ----------
    ct : CiphertextArray, any shape
        Ciphertexts of plaintexts in ``0..2**slot_bits - 1``, or of signed ones below ``2**(slot_bits - 1)``
        in magnitude to which the caller adds an offset.
    slot_bits : int
        Bits per folded ciphertext; for packed plaintexts, ``layout.slots * layout.slot_bits``.

    Returns
    -------
    CiphertextArray, shape (ceil(size / slots),)
        With ``scale_bits`` 0. Rerandomize before it leaves this party.

    Raises
    ------
    InvalidArgument
        If `slot_bits` is not positive.
    PlaintextOverflow
        If no slot fits in the key.
    """
    folded = _native.compress(ct._native, _count(slot_bits))
    slots = (ct.public_key.key_bits - 2) // slot_bits
    return ct._like(folded, (-(-ct.size // slots),), 0)


def _require_vector(ct: CiphertextArray) -> None:
    if len(ct.shape) != 1:
        raise InvalidArgument("expected a one-dimensional ciphertext array")


def _count(value: int) -> int:
    if not isinstance(value, (int, np.integer)) or not 0 < value <= _MAX_COUNT:
        raise InvalidArgument("a bucket count or slot width must be a positive integer of at most 32 bits")
    return int(value)


def _is_sparse(X: Any) -> TypeGuard[SparseMatrix]:
    return hasattr(X, "tocsc")


def _bucket_matrix(buckets: Any) -> NDArray[Any]:
    array = np.asarray(buckets)
    if array.dtype.kind not in "biu":
        raise InvalidArgument("buckets must be integers")
    if array.dtype in _BUCKET_DTYPES and array.flags.aligned:
        return array
    return array.astype(np.int64)  # uint64 beyond int64 turns negative, and is refused as out of range


def _row_numbers(rows: ArrayLike | None) -> NDArray[np.int64] | None:
    if rows is None:
        return None
    array = np.asarray(rows)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size > 0):
        raise InvalidArgument("rows must be a one-dimensional array of row numbers")
    return np.ascontiguousarray(array, dtype=np.int64)


def _int64_matrix(array: NDArray[Any], scale_bits: int) -> tuple[NDArray[np.int64], int]:
    """Return X as int64 and the fractional bits it now has."""
    if array.ndim != 2:
        raise InvalidArgument("X must be two-dimensional")
    if array.dtype.kind == "f":
        if np.any(bad := ~np.isfinite(array).all(axis=1)):
            raise FeatureValue("a weight is NaN or infinite", row=int(np.argmax(bad)))
        if not isinstance(scale_bits, (int, np.integer)) or not 0 <= scale_bits <= _MAX_COUNT:
            raise InvalidArgument("scale_bits must be a non-negative integer")
        return _native.to_fixed_point(np.ascontiguousarray(array, dtype=np.float64), scale_bits), scale_bits
    if array.dtype.kind not in "biu":
        raise InvalidArgument("X must hold integers or reals")
    if array.dtype == np.uint64 and array.size > 0 and int(array.max()) > np.iinfo(np.int64).max:
        raise PlaintextOverflow("a weight exceeds 63 bits")
    return np.require(array, dtype=np.int64, requirements="A"), 0


@dataclass(frozen=True)
class _Columns:
    """A sparse matrix by columns, each with ascending row numbers; of the selected rows only."""

    matrix: Any  # of scipy.sparse, in compressed columns
    rows: NDArray[np.int64] | None

    @staticmethod
    def of(X: SparseMatrix, ct: CiphertextArray, rows: NDArray[np.int64] | None) -> _Columns:
        if len(X.shape) != 2 or X.shape[0] != ct.shape[0]:
            raise InvalidArgument("a sparse matrix must have one row per ciphertext")
        if rows is not None and np.any(outside := (rows < 0) | (rows >= X.shape[0])):
            raise InvalidArgument("a row number lies outside the ciphertexts", row=int(np.argmax(outside)))
        matrix = (X if rows is None else X.tocsr()[rows]).tocsc()
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        return _Columns(matrix, rows)

    def parts(self) -> tuple[int, NDArray[np.int64], NDArray[np.int64]]:
        """Number of rows, column starts, row numbers."""
        starts, numbers = self.matrix.indptr, self.matrix.indices
        return (
            self.matrix.shape[0],
            np.ascontiguousarray(starts, dtype=np.int64),
            np.ascontiguousarray(numbers, dtype=np.int64),
        )

    def row(self, position: int) -> int:
        """The row of the whole matrix that a row of the selection is."""
        return position if self.rows is None else int(self.rows[position])


def _bucket_sum_sparse(
    columns: _Columns, ct: CiphertextArray, n_buckets: int, layout: PackLayout | None
) -> Any:
    planes = ct.shape[1] if ct.ndim == 2 else 1
    values = np.ascontiguousarray(_bucket_matrix(columns.matrix.data), dtype=np.int64)
    try:
        return _native.bucket_sum_sparse(
            ct._native, planes, *columns.parts(), values, n_buckets, columns.rows, layout
        )
    except InvalidArgument as error:
        if error.row is not None:
            error.row = columns.row(error.row)
        raise


def _weighted_sum_sparse(
    X: SparseMatrix, ct: CiphertextArray, rows: NDArray[np.int64] | None, scale_bits: int
) -> tuple[Any, int]:
    columns = _Columns.of(X, ct, rows)
    try:
        values, extra_bits = _int64_matrix(columns.matrix.data[:, np.newaxis], scale_bits)
    except (FeatureValue, PlaintextOverflow) as error:
        if error.row is not None:  # of the stored value: name its row of X
            error.row = columns.row(int(columns.matrix.indices[error.row]))
        raise
    flat = np.ascontiguousarray(values[:, 0])
    return _native.weighted_sum_sparse(ct._native, *columns.parts(), flat, rows), extra_bits
