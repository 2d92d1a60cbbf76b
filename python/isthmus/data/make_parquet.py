"""Makes the shipped Parquet files from the sources' CSV files.

``python -m isthmus.data.make_parquet UCI_Credit_Card.csv.gz bank-uci.csv.gz OUTPUT_FOLDER``

Values are the sources' own: only types get smaller (numbers to the narrowest integer, repeated text to
dictionaries) and a yes/no label becomes 1/0.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from isthmus.data.catalog import describe

_NARROW = (pa.int8(), pa.int16(), pa.int32(), pa.int64())


def narrow(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cast whole numbers to the narrowest integer type that holds them all; text to a dictionary."""
    if pa.types.is_string(column.type):
        return column.dictionary_encode()
    for kind in _NARROW:
        try:
            return column.cast(kind)  # a safe cast: refuses overflow and fractions
        except pa.ArrowInvalid:
            continue
    raise SystemExit("a numeric column holds fractions; the sources have none")


def convert(name: str, source: Path, folder: Path) -> Path:
    """Write one data set's Parquet file and return its path."""
    dataset = describe(name)
    table = csv.read_csv(source)
    columns = {}
    for column in table.column_names:
        values = table[column]
        if column == dataset.label and pa.types.is_string(values.type):
            values = pc.equal(values, "yes").cast(pa.int8())
        columns[column] = narrow(values)
    text = [c for c, values in columns.items() if pa.types.is_dictionary(values.type)]
    metadata = {"citation": dataset.citation, "doi": dataset.doi, "licence": dataset.licence}
    out = folder / f"{name}.parquet"
    pq.write_table(
        pa.table(columns).replace_schema_metadata(metadata),
        out,
        compression="zstd",
        compression_level=19,
        use_dictionary=text,  # zstd alone packs the integers tighter than a dictionary does
        column_encoding={dataset.id_column: "DELTA_BINARY_PACKED"},
        write_statistics=False,
    )
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert both sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("credit", type=Path, help="UCI_Credit_Card.csv.gz")
    parser.add_argument("bank", type=Path, help="bank-uci.csv.gz")
    parser.add_argument("folder", type=Path, help="where the Parquet files go")
    parsed = parser.parse_args(arguments)
    for name, source in (("credit-default", parsed.credit), ("bank-marketing", parsed.bank)):
        print(convert(name, source, parsed.folder))


if __name__ == "__main__":
    main()
