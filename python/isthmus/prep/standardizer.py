"""Columns scaled to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.errors import InvalidArgument
from isthmus.tables import numeric_matrix


class Standardizer:
    """Scales each numeric column: (x - mean) / standard deviation.

    A constant column becomes 0, up to rounding.

    Parameters
    ----------
    missing
        ``"error"`` refuses missing values with FeatureValue; ``"mean"`` replaces them by the column's mean, 0
        after scaling.

    Attributes
    ----------
    names, mean, scale
        Columns seen by ``fit``, their means, and what the deviations are divided by.
    """

    def __init__(self, missing: Literal["error", "mean"] = "error") -> None:
        if missing not in ("error", "mean"):
            raise InvalidArgument("missing must be 'error' or 'mean'")
        self.missing = missing
        self.names: list[str] = []
        self.mean: npt.NDArray[np.float64] = np.empty(0)
        self.scale: npt.NDArray[np.float64] = np.empty(0)

    def fit(self, X: Any) -> Standardizer:
        """Find means and deviations of the values that are present."""
        matrix, self.names = self._read(X, None)
        present = ~np.isnan(matrix)
        count = np.maximum(present.sum(axis=0), 1)
        self.mean = np.where(present, matrix, 0.0).sum(axis=0) / count
        centred = np.where(present, matrix - self.mean, 0.0)
        deviation = np.sqrt(np.square(centred).sum(axis=0) / count)
        # Summing rounds: a constant column keeps a deviation, but one far below its magnitude.
        self.scale = np.where(deviation > 1e-12 * np.abs(self.mean), deviation, 1.0)
        return self

    def transform(self, X: Any) -> pa.Table:
        """Scaled columns under their names; they must be those of ``fit``."""
        matrix, names = self._read(X, self.names)
        scaled = (matrix - self.mean) / self.scale
        scaled[np.isnan(matrix)] = 0.0
        return pa.table(dict(zip(names, scaled.T, strict=True)))

    def fit_transform(self, X: Any) -> pa.Table:
        """``fit`` and ``transform`` in one call."""
        return self.fit(X).transform(X)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {
            "missing": self.missing,
            "names": list(self.names),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Standardizer:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        scaler = Standardizer(data["missing"])
        scaler.names = [str(name) for name in data["names"]]
        scaler.mean = np.asarray(data["mean"], dtype=np.float64)
        scaler.scale = np.asarray(data["scale"], dtype=np.float64)
        shape = (len(scaler.names),)
        if scaler.mean.shape != shape or scaler.scale.shape != shape or not (scaler.scale > 0).all():
            raise ValueError("one mean and one positive scale per column are needed")
        return scaler

    def _read(self, X: Any, names: list[str] | None) -> tuple[npt.NDArray[np.float64], list[str]]:
        return numeric_matrix(X, names, allow_missing=self.missing == "mean")
