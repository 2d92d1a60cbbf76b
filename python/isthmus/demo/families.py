"""The model families of the demo: how each is prepared, trained federated, and trained in the clear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.demo.columns import linear_columns, tree_columns
from isthmus.models.base import VerticalModel

Floats = NDArray[np.float64]
_CLIP = 3.0  # columns are cut at so many deviations, federated and in the clear alike
_SEED = 1  # of the trees' samples: the clear-text twin draws the same ones
_TREES: Any = {"n_trees": 20, "max_depth": 4, "learning_rate": 0.25, "sample_rows": 5000, "seed": _SEED}


@dataclass(frozen=True)
class Family:
    """One row of the demo's table.

    ``estimator`` takes the bits of the keys, and whether they are fast keys. ``clear`` trains on one table in
    the clear and scores another; it serves the two baselines.
    """

    title: str
    columns: Callable[[pa.Table], pa.Table]
    estimator: Callable[[int, bool], VerticalModel]
    clear: Callable[[pa.Table, NDArray[np.int64], pa.Table], Floats]


def _logistic(key_bits: int, fast_keys: bool) -> VerticalModel:
    from isthmus.models.logistic import VerticalLogisticRegression

    return VerticalLogisticRegression(key_bits=key_bits, fast_keys=fast_keys, clip=_CLIP)


def _clear_logistic(train: pa.Table, labels: NDArray[np.int64], score: pa.Table) -> Floats:
    from sklearn.linear_model import LogisticRegression

    from isthmus.models.scaling import BlockScaler
    from isthmus.tables import numeric_matrix

    rows = numeric_matrix(train)[0]
    scaler = BlockScaler.fit(rows, _CLIP)
    model = LogisticRegression(max_iter=1000).fit(scaler.transform(rows), labels)
    return np.asarray(model.predict_proba(scaler.transform(numeric_matrix(score)[0]))[:, 1])


def _gbdt(key_bits: int, fast_keys: bool) -> VerticalModel:
    from isthmus.models.gbdt import VerticalGBDT

    return VerticalGBDT(key_bits=key_bits, fast_keys=fast_keys, **_TREES)


def _clear_gbdt(train: pa.Table, labels: NDArray[np.int64], score: pa.Table) -> Floats:
    from isthmus.models.gbdt import ClearGBDT

    return ClearGBDT(**_TREES).fit(train, labels).predict_proba(score)


FAMILIES = {
    "logistic": Family("Logistic regression", linear_columns, _logistic, _clear_logistic),
    "gbdt": Family("Boosted trees", tree_columns, _gbdt, _clear_gbdt),
}
