"""Quantile bins of numeric columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import InvalidArgument
from isthmus.tables import numeric_matrix

FloatArray = npt.NDArray[np.float64]
Bins = npt.NDArray[np.uint8]

MISSING_BIN = 0
_MAX_BINS = 254


class Binner:
    """Cuts each numeric column at its quantiles.

    A column with at most ``max_bins`` distinct values gets one bin per value. Bin 0 is for missing values, so
    that in an ordered split they count as the smallest; a constant column has a single bin besides.

    Parameters
    ----------
    max_bins
        Most bins per column for values that are present, 2 to 254.

    Attributes
    ----------
    names
        Columns seen by ``fit``.
    edges
        One increasing array per column: value v lies in bin 1 + #{edges < v}.
    """

    def __init__(self, max_bins: int = 32) -> None:
        if not 2 <= max_bins <= _MAX_BINS:
            raise InvalidArgument(f"max_bins must lie between 2 and {_MAX_BINS}")
        self.max_bins = max_bins
        self.names: list[str] = []
        self.edges: list[FloatArray] = []

    @property
    def n_bins(self) -> int:
        """Bins per column, the missing one included; every bin number is smaller."""
        return self.max_bins + 1

    def fit(self, X: Any, names: Sequence[str] | None = None) -> Binner:
        """Find the edges; ``names`` are those of a NumPy array's columns.

        SchemaError for columns that are not numbers, FeatureValue for infinities.
        """
        matrix, self.names = numeric_matrix(X, names, allow_missing=True)
        self.edges = [_edges(column[~np.isnan(column)], self.max_bins) for column in matrix.T]
        return self

    def transform(self, X: Any) -> Bins:
        """Bin numbers, shape (n, F), column-major; the columns must be those of ``fit``."""
        matrix, _ = numeric_matrix(X, self.names, allow_missing=True)
        out = np.empty(matrix.shape, dtype=np.uint8, order="F")
        for j, edges in enumerate(self.edges):
            column = matrix[:, j]
            out[:, j] = 1 + np.searchsorted(edges, column, side="left")
            out[np.isnan(column), j] = MISSING_BIN
        return out

    def fit_transform(self, X: Any) -> Bins:
        """``fit`` and ``transform`` in one call."""
        return self.fit(X).transform(X)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        edges = [column.tolist() for column in self.edges]
        return {"max_bins": self.max_bins, "names": list(self.names), "edges": edges}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Binner:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        binner = Binner(int(data["max_bins"]))
        binner.names = [str(name) for name in data["names"]]
        binner.edges = [np.asarray(column, dtype=np.float64) for column in data["edges"]]
        for edges in binner.edges:
            if edges.ndim != 1 or len(edges) >= binner.max_bins or not np.isfinite(edges).all():
                raise ValueError("edges are not a finite list below max_bins")
            if (np.diff(edges) <= 0).any():
                raise ValueError("edges do not increase")
        if len(binner.edges) != len(binner.names):
            raise ValueError("one list of edges per column is needed")
        return binner


def _edges(values: FloatArray, max_bins: int) -> FloatArray:
    """Edges halfway between the values that a cut separates."""
    distinct = np.unique(values)
    if len(distinct) <= max_bins:
        last = np.arange(len(distinct) - 1)
    else:
        steps = np.arange(1, max_bins) / max_bins
        quantiles = np.unique(np.quantile(values, steps, method="inverted_cdf"))
        last = np.searchsorted(distinct, quantiles[quantiles < distinct[-1]])
    below, above = distinct[last], distinct[last + 1]
    middle = below + (above - below) / 2
    return np.where(middle < above, middle, below)  # neighbours among floats have no middle
