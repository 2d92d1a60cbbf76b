"""Weight of evidence and information value, credit scoring's view of a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.errors import AlignmentError, SchemaError
from isthmus.prep.binner import Binner
from isthmus.prep.text_columns import categories, category_numbers, is_text, read_mixed
from isthmus.tables import binary_labels

_SMOOTHING = 0.5  # pseudo-count per bin and class: keeps the logarithm finite


class WoeEncoder:
    """Replaces each value by the weight of evidence of its bin.

    woe_b = ln((pos_b + s) / (P + s B)) - ln((neg_b + s) / (N + s B)), with s = 1/2 and B bins;
    iv = sum over bins of (share of positives - share of negatives) * woe. Numeric columns are cut at
    quantiles, text columns by category; missing values are a bin of their own, and a category that ``fit``
    did not see has woe 0. Only the label holder can fit it, on its own columns.

    Parameters
    ----------
    max_bins
        Most quantile bins of a numeric column, 2 to 254.

    Attributes
    ----------
    names, woe, iv
        Columns seen by ``fit``; per column the weights (missing first) and the information value.
    """

    def __init__(self, max_bins: int = 10) -> None:
        self.max_bins = max_bins
        self.names: list[str] = []
        self.woe: dict[str, npt.NDArray[np.float64]] = {}
        self.iv: dict[str, float] = {}
        self._known: dict[str, list[str]] = {}
        self._binners: dict[str, Binner] = {}

    def fit(self, X: Any, y: Any) -> WoeEncoder:
        """Learn bins and weights from columns and 0/1 labels of the same rows."""
        table = read_mixed(X, None)
        labels = binary_labels(y)
        if len(labels) != table.num_rows:
            raise AlignmentError(f"{table.num_rows} rows of columns, {len(labels)} labels")
        self.names = list(table.column_names)
        for name in self.names:
            if is_text(table[name]):
                self._known[name] = categories(table[name])
            else:
                self._binners[name] = Binner(self.max_bins).fit(table.select([name]))
            bins = self._bins(table, name)
            self.woe[name], self.iv[name] = _weigh(bins, labels, self._size(name))
        return self

    def transform(self, X: Any) -> pa.Table:
        """Weights of evidence under the columns' names, which must be those of ``fit``."""
        table = read_mixed(X, self.names)
        return pa.table({name: self.woe[name][self._bins(table, name)] for name in self.names})

    def fit_transform(self, X: Any, y: Any) -> pa.Table:
        """``fit`` and ``transform`` in one call."""
        return self.fit(X, y).transform(X)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {
            "max_bins": self.max_bins,
            "names": list(self.names),
            "known": self._known,
            "binners": {name: binner.to_json() for name, binner in self._binners.items()},
            "woe": {name: woe.tolist() for name, woe in self.woe.items()},
            "iv": self.iv,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> WoeEncoder:
        """Inverse of :meth:`to_json`; KeyError, TypeError or ValueError for anything else."""
        encoder = WoeEncoder(int(data["max_bins"]))
        encoder.names = [str(name) for name in data["names"]]
        encoder._known = {str(name): [str(c) for c in known] for name, known in data["known"].items()}
        encoder._binners = {str(name): Binner.from_json(part) for name, part in data["binners"].items()}
        encoder.iv = {name: float(data["iv"][name]) for name in encoder.names}
        for name in encoder.names:
            encoder.woe[name] = np.asarray(data["woe"][name], dtype=np.float64)
            if encoder.woe[name].shape != (encoder._size(name),) or not np.isfinite(encoder.woe[name]).all():
                raise ValueError("one finite weight per bin is needed")
        return encoder

    def _size(self, name: str) -> int:
        """Weights of a column: missing, the bins or categories, and for text one for unknown categories."""
        return len(self._known[name]) + 2 if name in self._known else self._binners[name].n_bins

    def _bins(self, table: pa.Table, name: str) -> npt.NDArray[np.int64]:
        column = table[name]
        if is_text(column) != (name in self._known):
            raise SchemaError(f"column {name} changed between text and numbers since the encoder was fitted")
        if name in self._binners:
            return self._binners[name].transform(table.select([name]))[:, 0].astype(np.int64)
        bins = category_numbers(column, self._known[name]) + 1
        unknown = (bins == 0) & ~np.asarray(column.is_null().to_numpy(), dtype=np.bool_)
        bins[unknown] = len(self._known[name]) + 1
        return bins


def _weigh(
    bins: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], size: int
) -> tuple[npt.NDArray[np.float64], float]:
    total = np.bincount(bins, minlength=size)
    positive = np.bincount(bins[labels == 1], minlength=size)
    seen = total > 0
    share = [
        (count + _SMOOTHING) / (count.sum() + _SMOOTHING * seen.sum())
        for count in (positive, total - positive)
    ]
    woe = np.where(seen, np.log(share[0] / share[1]), 0.0)
    return woe, float(np.sum(np.where(seen, (share[0] - share[1]) * woe, 0.0)))
