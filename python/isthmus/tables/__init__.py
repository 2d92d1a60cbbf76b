"""Tables in and out: CSV, Parquet and Arrow files, and what in memory exports Arrow or is a NumPy array.

Everything that enters isthmus from a file or a data frame passes through here, and is refused here with a
typed error when it is malformed: the layers above see only clean columns.
"""

from __future__ import annotations

from isthmus.tables.columns import (
    MAX_ABS_FEATURE,
    as_table,
    binary_labels,
    expect_columns,
    id_columns,
    numeric_matrix,
)
from isthmus.tables.files import check_writable, iter_batches, read_table, write_table

__all__ = [
    "MAX_ABS_FEATURE",
    "as_table",
    "binary_labels",
    "check_writable",
    "expect_columns",
    "id_columns",
    "iter_batches",
    "numeric_matrix",
    "read_table",
    "write_table",
]
