"""Text columns spread into one 0/1 column per category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.errors import SchemaError
from isthmus.prep.text_columns import categories, category_numbers, is_text, read_mixed


class OneHotEncoder:
    """Spreads text columns into 0/1 columns named ``column=category``; other columns pass unchanged.

    A missing value, or a category that ``fit`` did not see, is 0 in all of its column's categories.

    Parameters
    ----------
    max_categories
        More categories in one column are refused: such a column is an identifier rather than a feature.

    Attributes
    ----------
    names, known
        Columns seen by ``fit``, and the categories of those that hold text.
    """

    def __init__(self, max_categories: int = 100) -> None:
        self.max_categories = max_categories
        self.names: list[str] = []
        self.known: dict[str, list[str]] = {}

    def fit(self, X: Any) -> OneHotEncoder:
        """Learn the categories. SchemaError names a column that has more than ``max_categories``."""
        table = read_mixed(X, None)
        self.names = list(table.column_names)
        self.known = {name: categories(table[name]) for name in self.names if is_text(table[name])}
        wide = [name for name, known in self.known.items() if len(known) > self.max_categories]
        if wide:
            raise SchemaError(f"more than {self.max_categories} categories in: {', '.join(wide)}")
        return self

    def transform(self, X: Any) -> pa.Table:
        """Spread columns in the order of ``fit``, categories in code-point order."""
        table = read_mixed(X, self.names)
        out: dict[str, Any] = {}
        for name in self.names:
            if name not in self.known:
                out[name] = table[name]
                continue
            if not is_text(table[name]):
                raise SchemaError(f"column {name} held text when the encoder was fitted")
            numbers = category_numbers(table[name], self.known[name])
            for k, category in enumerate(self.known[name]):
                out[f"{name}={category}"] = (numbers == k).astype(np.uint8)
        return pa.table(out)

    def fit_transform(self, X: Any) -> pa.Table:
        """``fit`` and ``transform`` in one call."""
        return self.fit(X).transform(X)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {"max_categories": self.max_categories, "names": list(self.names), "known": self.known}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> OneHotEncoder:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        encoder = OneHotEncoder(int(data["max_categories"]))
        encoder.names = [str(name) for name in data["names"]]
        encoder.known = {str(name): [str(c) for c in known] for name, known in data["known"].items()}
        if not encoder.known.keys() <= set(encoder.names):
            raise ValueError("categories of a column that is not there")
        return encoder
