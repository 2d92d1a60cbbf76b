"""What the federated models are measured against, trained in the clear by the parent process.

No party could do the pooled one: it joins both tables. It is here for comparison only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.data import DemoSplit, is_held_out
from isthmus.data.split import CUSTOMER_ID, LABEL
from isthmus.demo.families import FAMILIES
from isthmus.evaluate import BinaryReport, binary_report


@dataclass(frozen=True)
class Baseline:
    """One family on the label holder's columns alone, and on all columns pooled."""

    alone: BinaryReport
    pooled: BinaryReport


def baseline(name: str, split: DemoSplit) -> Baseline:
    """Train and score one family twice on the shared customers, in the clear."""
    joined = split.active.join(split.passive, CUSTOMER_ID, join_type="inner").sort_by(CUSTOMER_ID)
    held_out = is_held_out(joined[CUSTOMER_ID])
    labels = joined[LABEL].to_numpy().astype(np.int64)
    family, data = FAMILIES[name], split.dataset

    def evaluate(columns: Sequence[str]) -> BinaryReport:
        prepared = family.columns(joined.select(list(columns)))
        train, score = _rows(prepared, ~held_out), _rows(prepared, held_out)
        return binary_report(labels[held_out], family.clear(train, labels[~held_out], score))

    return Baseline(evaluate(data.active_columns), evaluate([*data.active_columns, *data.passive_columns]))


def _rows(table: pa.Table, mask: NDArray[np.bool_]) -> pa.Table:
    return table.filter(pa.array(mask))
