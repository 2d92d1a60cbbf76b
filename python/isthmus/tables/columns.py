"""Columns in memory: identifiers, features and labels, checked before any protocol sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus import errors

# Beyond 2^53 a float64 no longer holds every integer, and no fixed-point scale could carry it.
MAX_ABS_FEATURE = 2.0**53


def as_table(data: Any) -> pa.Table:
    """Return ``data`` as a pyarrow Table, without copying where its columns are Arrow already.

    Accepts a pyarrow Table or RecordBatch, anything that exports the Arrow PyCapsule interface (pandas,
    polars, DuckDB), a mapping of names to columns, and a NumPy array of shape (n, d), whose columns become
    ``x0``, ``x1``...
    """
    if isinstance(data, pa.Table):
        return data
    try:
        if isinstance(data, np.ndarray):
            if data.ndim != 2:
                raise errors.SchemaError(f"an array of shape (rows, columns) is needed, not {data.shape}")
            return pa.table({f"x{j}": column for j, column in enumerate(data.T)})
        if isinstance(data, pa.RecordBatch):
            return pa.Table.from_batches([data])
        if isinstance(data, Mapping):
            return pa.table({str(name): as_column(column) for name, column in data.items()})
        if _exports_arrow(data) or hasattr(data, "__dataframe__"):
            return pa.table(data)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):  # its message quotes values
        raise errors.SchemaError("the columns are of unequal length or of a type that Arrow lacks") from None
    raise errors.SchemaError(
        f"{type(data).__name__} is not a table: it does not export Arrow and is no NumPy array"
    )


def numeric_matrix(
    data: Any, columns: Sequence[str] | None = None, *, allow_missing: bool = False
) -> tuple[NDArray[np.float64], list[str]]:
    """Return the features as a C-contiguous float64 matrix of shape (n, d), and their names.

    A constant column is accepted: it carries no information, scaling maps it to 0 and binning to one bin.
    Integers, floats and booleans are numbers; nothing is imputed.

    Parameters
    ----------
    columns
        The exact columns ``data`` must have, in this order (for a NumPy array, the names of its columns).

    Raises
    ------
    SchemaError
        Columns are missing, extra or in another order, or are not numbers; the message lists them.
    FeatureValue
        A value is missing, NaN, infinite, or beyond ``MAX_ABS_FEATURE``; ``row`` says which.
    EmptyInput
        There are no rows.
    """
    if isinstance(data, np.ndarray):
        matrix, names = _matrix_of_array(data, columns)
    else:
        table = as_table(data)
        if columns is not None:
            expect_columns(table.column_names, columns)
        names = list(table.column_names)
        matrix = np.empty((table.num_rows, len(names)), dtype=np.float64)
        for j, (name, column) in enumerate(zip(names, table.columns, strict=True)):
            matrix[:, j] = _floats(name, column)
    if matrix.shape[0] == 0:
        raise errors.EmptyInput("the features hold no rows")
    _check_values(matrix, names, allow_missing)
    return matrix, names


def binary_labels(y: Any) -> NDArray[np.int64]:
    """Return labels as int64 zeros and ones of shape (n,).

    Raises
    ------
    LabelError
        A label is missing (``row`` says which) or is not 0 or 1, or all labels are of one class.
    EmptyInput
        There are no labels.
    """
    if is_table(y):
        table = as_table(y)
        if table.num_columns != 1:
            raise errors.LabelError(f"one column of labels is needed, not {table.num_columns}")
        y = table.column(0)
    column = as_column(y)
    if len(column) == 0:
        raise errors.EmptyInput("the labels hold no rows")
    if not _is_number(column.type):
        raise errors.LabelError(f"labels must be the numbers 0 and 1, not {column.type}")
    values = _to_float64(column)
    wrong = np.flatnonzero((values != 0.0) & (values != 1.0))
    if wrong.size == len(values) and np.isnan(values).all():
        raise errors.LabelError("all labels are missing")
    if wrong.size:
        what = "is missing" if np.isnan(values[wrong[0]]) else "is neither 0 nor 1"
        raise errors.LabelError(f"a label {what}", row=int(wrong[0]))
    labels = values.astype(np.int64)
    if labels.min() == labels.max():
        raise errors.LabelError("all labels are of one class; a model needs both")
    return labels


def expect_columns(present: Sequence[str], expected: Sequence[str]) -> None:
    """Raise a SchemaError that lists missing, extra and reordered columns unless both lists are the same."""
    if list(present) == list(expected):
        return
    missing = [name for name in expected if name not in present]
    extra = [name for name in present if name not in expected]
    found = []
    if missing:
        found.append(f"missing: {', '.join(missing)}")
    if extra:
        found.append(f"extra: {', '.join(extra)}")
    if not found:
        found.append(f"in another order: expected {', '.join(expected)}")
    raise errors.SchemaError(f"the columns differ from the expected ones; {'; '.join(found)}")


# --- conversions -------------------------------------------------------------------------------------------


def _exports_arrow(data: Any) -> bool:
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


def is_table(data: Any) -> bool:
    """Say whether ``data`` has columns with names, as opposed to being one column itself."""
    if isinstance(data, pa.Array | pa.ChunkedArray):
        return False
    if isinstance(data, pa.Table | pa.RecordBatch | Mapping):
        return True
    if hasattr(data, "columns"):
        return True
    if not _exports_arrow(data) or hasattr(data, "__len__"):
        return False
    # A bare exporter may be either. A stream tells when it is opened, which may be possible only once.
    return hasattr(data, "__arrow_c_stream__") or pa.types.is_struct(pa.array(data).type)


def as_column(values: Any) -> pa.ChunkedArray:
    """Return one column of values; SchemaError if it is none."""
    if isinstance(values, pa.ChunkedArray):
        return values
    ordered = hasattr(values, "__len__") and not isinstance(values, str | bytes | Set)
    if not (ordered or _exports_arrow(values)):
        raise errors.SchemaError(f"{type(values).__name__} is not a column of values")
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise errors.SchemaError(f"one column is needed, not an array of shape {values.shape}")
    try:
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        array = values if isinstance(values, pa.Array) else pa.array(values)
    except OverflowError:
        raise errors.SchemaError("a column holds an integer beyond signed 64 bits; give it as text") from None
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):  # its message quotes values
        raise errors.SchemaError("a column mixes types, or is of a type that Arrow lacks") from None
    return pa.chunked_array([array]) if isinstance(array, pa.Array) else array


_OFFSET_TYPES = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decode dictionaries, and give views the offset layout that the native core reads."""
    if pa.types.is_dictionary(column.type):
        kind = _OFFSET_TYPES.get(str(column.type.value_type), column.type.value_type)
        chunks = [chunk.dictionary.cast(kind).take(chunk.indices) for chunk in column.chunks]
        return pa.chunked_array(chunks, type=kind)
    kind = _OFFSET_TYPES.get(str(column.type), column.type)
    return column if kind == column.type else column.cast(kind)


def key_column(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Check one identifier column, and return it in a layout that the core reads.

    Floats are refused, since they do not hold long numbers exactly. Dictionary-encoded columns (pandas'
    categories) are decoded.

    Raises SchemaError for a column that is not text, bytes or integers, and IdEncoding with the row for a
    missing identifier.
    """
    column = plain(column)
    kind = column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    raw = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if not (text or raw or pa.types.is_integer(kind) or (pa.types.is_null(kind) and len(column) == 0)):
        raise errors.SchemaError(f"identifier column {name} is {kind}; text, bytes or integers are needed")
    if column.null_count:
        row = pc.index(column.is_null(), True).as_py()
        raise errors.IdEncoding(f"identifier column {name} has a missing value", row=row)
    return column if not pa.types.is_null(kind) else column.cast(pa.string())


def _is_number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _to_float64(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return the values as float64 with NaN for missing ones; large integers round as IEEE 754 says."""
    column = plain(column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    values = column.cast(pa.float64(), safe=False).to_numpy()
    return np.asarray(values, dtype=np.float64)


def _floats(name: str, column: pa.ChunkedArray) -> NDArray[np.float64]:
    if not _is_number(column.type):
        raise errors.SchemaError(f"feature column {name} is {column.type}; numbers are needed")
    return _to_float64(column)


def _matrix_of_array(
    data: NDArray[Any], columns: Sequence[str] | None
) -> tuple[NDArray[np.float64], list[str]]:
    if data.ndim != 2:
        raise errors.SchemaError(f"features must have the shape (rows, columns), not {data.shape}")
    if data.dtype.kind not in "biuf":
        raise errors.SchemaError(f"features are of the NumPy type {data.dtype}; numbers are needed")
    names = [f"x{j}" for j in range(data.shape[1])] if columns is None else list(columns)
    if len(names) != data.shape[1]:
        raise errors.SchemaError(
            f"{len(names)} columns are expected ({', '.join(names)}), not {data.shape[1]}"
        )
    return np.ascontiguousarray(data, dtype=np.float64), names


def _check_values(matrix: NDArray[np.float64], names: Sequence[str], allow_missing: bool) -> None:
    # NaN compares false, so it counts as outside the range too.
    good = np.abs(matrix) <= MAX_ABS_FEATURE
    if allow_missing:
        good |= np.isnan(matrix)
    if good.all():
        return
    row, j = (int(i) for i in np.argwhere(~good)[0])
    value = matrix[row, j]
    what = (
        "a missing value" if np.isnan(value) else "an infinity" if np.isinf(value) else "a value beyond 2^53"
    )
    raise errors.FeatureValue(f"feature {names[j]} holds {what}", row=row)
