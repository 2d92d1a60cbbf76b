"""What ``train`` and ``predict`` do with a job's ``[input]``: read it, align it, spread text columns."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from isthmus.cli.jobs import Input, Psi
from isthmus.errors import ModelFileError, SchemaError, StorageError
from isthmus.evaluate.page import replace_file
from isthmus.prep import OneHotEncoder
from isthmus.psi import intersect
from isthmus.tables import read_table

if TYPE_CHECKING:
    from isthmus.party import Session


@dataclass(frozen=True)
class Rows:
    """One party's table, whole or aligned, with its columns by their part in the job."""

    table: pa.Table
    spec: Input

    @property
    def features(self) -> pa.Table:
        """The feature columns: those named, or all but identifier and label."""
        if self.spec.columns is not None:
            return self.table.select(list(self.spec.columns))
        others = {*self.spec.id, self.spec.label}
        return self.table.select([name for name in self.table.column_names if name not in others])

    @property
    def labels(self) -> pa.ChunkedArray | None:
        """The label column, in the label holder's table."""
        return None if self.spec.label is None else self.table[self.spec.label]

    def aligned(self, session: Session, psi: Psi) -> Rows:
        """Keep the customers that both parties have, in a common order; all rows if there is no id."""
        if not self.spec.id:
            return self
        ids = self.table.select(list(self.spec.id))
        match = intersect(session, ids, role="both", **dataclasses.asdict(psi))
        return Rows(self.table.take(pa.array(match.indices)), self.spec)


def read_rows(spec: Input) -> Rows:
    """Read a job's input file; SchemaError lists the columns that it lacks."""
    label = () if spec.label is None else (spec.label,)
    wanted = None if spec.columns is None else [*spec.id, *label, *spec.columns]
    table = read_table(spec.path, columns=wanted, text=spec.id)
    if not set(label) <= set(table.column_names):
        raise SchemaError(f"{spec.path.name} lacks the columns {spec.label}")
    return Rows(table, spec)


def columns_file(model: Path) -> Path:
    """Where the categories of a model's text columns are kept."""
    return model.with_name(model.name + ".columns.json")


def write_encoder(model: Path, model_id: str, encoder: OneHotEncoder) -> None:
    """Keep the encoder beside the model half it belongs to."""
    content = {"format": "isthmus-columns", "version": 1, "model_id": model_id, "encoder": encoder.to_json()}
    replace_file(columns_file(model), json.dumps(content, indent=1), mode=0o600)


def read_encoder(model: Path, model_id: str) -> OneHotEncoder:
    """Read what :func:`write_encoder` kept; ModelFileError if it is another model's or damaged."""
    try:
        content: Mapping[str, Any] = json.loads(columns_file(model).read_text(encoding="utf-8"))
        if (content["format"], content["version"]) != ("isthmus-columns", 1):
            raise ModelFileError("the columns file beside the model has another format")
        if content["model_id"] != model_id:
            raise ModelFileError("the columns file beside the model belongs to another model")
        return OneHotEncoder.from_json(content["encoder"])
    except OSError as error:
        raise StorageError(f"cannot read the columns file beside the model: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelFileError("the columns file beside the model is damaged") from None
