"""Splits one table into what two institutions would hold: other columns, other order, other customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.data.catalog import Dataset, describe, load
from isthmus.errors import InvalidArgument

CUSTOMER_ID = "customer_id"
LABEL = "label"
_HELD_OUT_DIGITS = ("7", "9")  # two in ten customers


@dataclass(frozen=True)
class DemoSplit:
    """Each party's own table.

    ``active`` holds ``customer_id``, ``label`` and its features; ``passive`` ``customer_id`` and its own.
    Rows of one customer stand at different positions, and each party has customers the other lacks.
    """

    dataset: Dataset
    active: pa.Table
    passive: pa.Table


def split_for_demo(
    name: str = "credit-default", *, rows: int | None = None, overlap: float = 0.9, seed: int = 2016
) -> DemoSplit:
    """Give two parties their own columns of a shipped data set.

    Parameters
    ----------
    rows : int, optional
        How many customers there are in all, drawn without replacement; every customer by default.
    overlap : float
        The share of customers that both parties hold; the rest are divided evenly between them.
    seed : int
        Fixes the draw, the customer numbers and both orders.
    """
    dataset = describe(name)
    table = load(name)
    total = table.num_rows if rows is None else rows
    if not 10 <= total <= table.num_rows:
        raise InvalidArgument(f"rows must lie between 10 and {table.num_rows} for {name}")
    if not 0 < overlap <= 1:
        raise InvalidArgument("overlap must lie in (0, 1]")
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(table.num_rows)[:total]
    numbers = 10_000_000 + rng.choice(90_000_000, table.num_rows, replace=False)
    ids = pa.array([f"C{number}" for number in numbers[drawn]])
    alone = round(total * (1 - overlap))
    active_only, passive_only = np.arange(alone // 2), np.arange(alone // 2, alone)
    people = table.take(pa.array(drawn))

    def party_table(missing: NDArray[np.int64], columns: dict[str, pa.ChunkedArray]) -> pa.Table:
        order = rng.permutation(np.setdiff1d(np.arange(total), missing))
        return pa.table({CUSTOMER_ID: ids, **columns}).take(pa.array(order))

    active = {LABEL: people[dataset.label], **{c: people[c] for c in dataset.active_columns}}
    passive = {c: people[c] for c in dataset.passive_columns}
    return DemoSplit(dataset, party_table(passive_only, active), party_table(active_only, passive))


def is_held_out(customer_ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> NDArray[np.bool_]:
    """Return which customers are kept for evaluation: those whose number ends in 7 or 9.

    The rule is public and needs no exchange: both parties apply it to the customers they have aligned.
    """
    ids = customer_ids if isinstance(customer_ids, (pa.Array, pa.ChunkedArray)) else pa.array(customer_ids)
    last = pc.utf8_slice_codeunits(ids, start=-1)
    mask = pc.is_in(last, value_set=pa.array(_HELD_OUT_DIGITS))
    return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)
