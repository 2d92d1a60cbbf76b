"""What the package ships: one row per data set."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.errors import InvalidArgument


@dataclass(frozen=True)
class Dataset:
    """One shipped data set: where it comes from, and which column belongs to whom in the demo."""

    name: str
    title: str
    outcome: str  #: what the label says, for a person
    id_column: str
    label: str
    active_columns: tuple[str, ...]  #: held by the label holder, ``bank``
    passive_columns: tuple[str, ...]  #: held by the other party, ``fund``
    excluded_columns: tuple[str, ...]  #: in the table, never used as a feature
    citation: str
    doi: str
    licence: str = "CC BY 4.0"


_CREDIT_ACTIVE = (
    *("LIMIT_BAL", "SEX", "AGE"),
    *(f"EDUCATION_{k}" for k in range(7)),
    *(f"MARRIAGE_{k}" for k in range(4)),
    *(f"PAY_AMT{k}" for k in range(1, 7)),
)
_CREDIT_PASSIVE = (
    *(f"PAY_{k}" for k in (0, 2, 3, 4, 5, 6)),
    *(f"BILL_AMT{k}" for k in range(1, 7)),
)

_CATALOG = {
    "credit-default": Dataset(
        name="credit-default",
        title="Default of Credit Card Clients",
        outcome="defaults on next month's payment",
        id_column="ID",
        label="default-payment-next-month",
        active_columns=_CREDIT_ACTIVE,
        passive_columns=_CREDIT_PASSIVE,
        excluded_columns=(),
        citation="Yeh, I-Cheng (2016). Default of Credit Card Clients. UCI Machine Learning Repository.",
        doi="10.24432/C55S3H",
    ),
    "bank-marketing": Dataset(
        name="bank-marketing",
        title="Bank Marketing",
        outcome="subscribes to a term deposit",
        id_column="id",
        label="y",
        active_columns=("age", "job", "marital", "education", "default", "balance", "housing", "loan"),
        passive_columns=("contact", "day", "month", "campaign", "pdays", "previous", "poutcome"),
        excluded_columns=("duration",),  # known only once the call is over: it gives the answer away
        citation="Moro, S., Rita, P. and Cortez, P. (2014). Bank Marketing. UCI Machine Learning Repository.",
        doi="10.24432/C5K306",
    ),
}

NAMES = tuple(_CATALOG)


def describe(name: str) -> Dataset:
    """Return the catalogue row of a data set; InvalidArgument lists the names there are."""
    try:
        return _CATALOG[name]
    except KeyError:
        raise InvalidArgument(f"unknown data set; there are: {', '.join(NAMES)}") from None


def load(name: str) -> pa.Table:
    """Read a shipped data set: every column and row of its source, small types, labels as 0 and 1."""
    row = describe(name)
    with files("isthmus.data").joinpath(f"{row.name}.parquet").open("rb") as file:
        return pq.read_table(file)
