"""Tables that mix numbers and text, as credit and marketing data do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.errors import EmptyInput
from isthmus.tables import as_table, expect_columns

Texts = npt.NDArray[np.object_]


def read_mixed(data: Any, names: list[str] | None) -> pa.Table:
    """Return the table with dictionaries decoded; its columns must be ``names`` where given."""
    table = as_table(data)
    if names is not None:
        expect_columns(table.column_names, names)
    if table.num_rows == 0:
        raise EmptyInput("the table holds no rows")
    for j, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(j, table.column_names[j], column.cast(column.type.value_type))
    return table


def is_text(column: pa.ChunkedArray) -> bool:
    """Whether a column holds categories written as text."""
    kind = column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view")


def categories(column: pa.ChunkedArray) -> list[str]:
    """The distinct texts of a column in code-point order; missing values are none."""
    return sorted(text for text in pc.unique(column).to_pylist() if text is not None)


def category_numbers(column: pa.ChunkedArray, known: list[str]) -> npt.NDArray[np.int64]:
    """Place of each value in ``known``, -1 for missing and unknown ones."""
    found = pc.index_in(column.cast(pa.large_string()), value_set=pa.array(known, type=pa.large_string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(), dtype=np.int64)
