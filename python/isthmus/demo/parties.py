"""What each party's own process does. It opens its own file, and meets the other only through the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus import psi
from isthmus.data import is_held_out
from isthmus.data.split import CUSTOMER_ID, LABEL
from isthmus.demo.families import FAMILIES
from isthmus.evaluate import StageRow
from isthmus.evaluate.page import total
from isthmus.party import Session
from isthmus.tables import read_table

R = TypeVar("R")


@dataclass
class Account:
    """What one party brings back to the parent process; only the label holder has labels and scores."""

    shared: int = 0
    columns: int = 0
    rows: int = 0
    held_out_labels: NDArray[np.int64] | None = None
    scores: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    stages: list[StageRow] = field(default_factory=list)
    disclosures: list[str] = field(default_factory=list)


def take_part(session: Session, path: Path, models: Sequence[str], key_bits: int, fast_keys: bool) -> Account:
    """Align this party's file with the peer's, then train and score each model family."""
    table = read_table(path)
    account = Account(rows=table.num_rows)

    def stage(name: str, step: Callable[[], R]) -> R:
        before = len(session.stages)
        result = step()
        costs = [
            StageRow(s.name, s.seconds, s.bytes_sent, s.bytes_received, s.rounds)
            for s in session.stages[before:]
        ]
        account.stages.append(total(costs, name))
        return result

    ids = table[CUSTOMER_ID]
    match = stage("align customers", lambda: psi.intersect(session, ids, role="both"))
    # The common order is another one in every run; by customer number, runs and baselines draw equal samples.
    aligned = table.take(pa.array(match.indices)).sort_by(CUSTOMER_ID)
    held_out = is_held_out(aligned[CUSTOMER_ID])
    labels = aligned[LABEL].to_numpy() if LABEL in aligned.column_names else None
    features = aligned.drop_columns([c for c in (CUSTOMER_ID, LABEL) if c in aligned.column_names])
    account.shared, account.columns = aligned.num_rows, features.num_columns
    if labels is not None:
        account.held_out_labels = labels[held_out].astype(np.int64)
    for name in models:
        family = FAMILIES[name]
        prepared = family.columns(features)
        train, score = prepared.filter(pa.array(~held_out)), prepared.filter(pa.array(held_out))
        model = family.estimator(key_bits, fast_keys)
        y = None if labels is None else labels[~held_out]
        stage(f"train {family.title.lower()}", lambda m=model, x=train, y=y: m.fit(session, x, y))  # type: ignore[misc]
        scores = stage(f"score {family.title.lower()}", lambda m=model, x=score: m.predict_proba(session, x))  # type: ignore[misc]
        if scores is not None:
            account.scores[name] = scores
    account.disclosures = [r["statement"] for r in session.audit if r["event"] == "disclosure"]
    return account
