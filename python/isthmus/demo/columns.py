"""How each party of the demo prepares its own columns; nothing here looks at the other's, or at the label."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.prep import OneHotEncoder

#: Amounts and counts that span orders of magnitude: a linear model sees sign(x) ln(1 + |x|).
_WIDE = frozenset(
    {
        *("LIMIT_BAL", "balance", "campaign", "pdays", "previous"),
        *(f"{kind}_AMT{k}" for kind in ("BILL", "PAY") for k in range(1, 7)),
    }
)
#: Months in arrears: being late at all, and late by two months, say more than the number does.
_ARREARS = frozenset(f"PAY_{k}" for k in (0, 2, 3, 4, 5, 6))
_RARE = 0.01


def tree_columns(columns: pa.Table) -> pa.Table:
    """Columns for trees: numbers as they are, text spread into 0/1."""
    return OneHotEncoder().fit_transform(columns)


def linear_columns(columns: pa.Table) -> pa.Table:
    """Columns for a linear model: logs of amounts, steps of arrears, no redundant or rare 0/1 columns."""
    encoder = OneHotEncoder()
    spread = encoder.fit_transform(columns)
    redundant = {f"{name}={known[0]}" for name, known in encoder.known.items()}
    out: dict[str, NDArray[np.float64]] = {}
    for name in spread.column_names:
        values = spread[name].to_numpy().astype(np.float64)
        if name in redundant or _is_rare(values):
            continue
        out[name] = np.sign(values) * np.log1p(np.abs(values)) if name in _WIDE else values
        if name in _ARREARS:
            out[f"{name}>=1"] = (values >= 1).astype(np.float64)
            out[f"{name}>=2"] = (values >= 2).astype(np.float64)
    return pa.table(out)


def _is_rare(values: NDArray[np.float64]) -> bool:
    """Whether a 0/1 column is almost always the same."""
    share = float(np.mean(values != 0))
    return bool(np.isin(values, (0, 1)).all()) and min(share, 1 - share) < _RARE
