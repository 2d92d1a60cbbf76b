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
    numeric_matrix,
)
from isthmus.tables.files import read_table
from isthmus.tables.gather import check_rows_writable, write_rows
from isthmus.tables.stream import TableStream, key_batches, key_schema, open_stream
from isthmus.tables.writing import check_writable, write_table

__all__ = [
    "MAX_ABS_FEATURE",
    "TableStream",
    "as_table",
    "binary_labels",
    "check_rows_writable",
    "check_writable",
    "expect_columns",
    "key_batches",
    "key_schema",
    "numeric_matrix",
    "open_stream",
    "read_table",
    "write_rows",
    "write_table",
]
