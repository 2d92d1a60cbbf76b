"""What every two-party estimator shares: reading columns and labels, roles, and the file of one party's half.

The party that passes ``y`` to ``fit`` is *active* (it holds the labels), the other is *passive*; FATE calls
them guest and host. Rows of both parties are already aligned: row i is the same customer on both sides.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from isthmus.errors import (
    AlignmentError,
    InvalidArgument,
    ModelFileError,
    PathError,
    SchemaError,
    StorageError,
)
from isthmus.party.session import Session
from isthmus.tables import binary_labels, expect_columns, numeric_matrix

Role = Literal["active", "passive"]
FloatArray = npt.NDArray[np.float64]
LabelArray = npt.NDArray[np.int64]
Self = TypeVar("Self", bound="VerticalModel")

FORMAT = "isthmus-model"
VERSION = 1
MAX_MODEL_BYTES = 64 << 20


def disclose_fast_keys(session: Session, used: bool) -> None:
    """Write into the audit record that a job's secrecy rested on the assumption behind fast keys."""
    if used:
        session.disclose("secrecy rested on fast Paillier keys and their subgroup assumption")


@dataclass(frozen=True)
class Features:
    """One party's columns as a float64 matrix of shape (rows, len(names)); an active party may have none."""

    names: tuple[str, ...]
    values: FloatArray

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.values.shape[0])


def read_features(
    X: Any, *, rows: int | None = None, columns: Sequence[str] | None = None, allow_missing: bool = False
) -> Features:
    """Read feature columns as :func:`isthmus.tables.numeric_matrix` does; ``X=None`` stands for no columns.

    Raises
    ------
    SchemaError       a column is not numeric, or the columns are not ``columns``
    FeatureValue      a value is missing, NaN, infinite or too large; ``row`` says where
    EmptyInput        no rows
    AlignmentError    ``rows`` is given and differs
    """
    if X is None:
        expect_columns([], columns or [])
        return Features((), np.empty((rows or 0, 0)))
    values, names = numeric_matrix(X, columns, allow_missing=allow_missing)
    if len(set(names)) != len(names):
        raise SchemaError(f"repeated column names: {sorted({n for n in names if names.count(n) > 1})}")
    if rows is not None and values.shape[0] != rows:
        raise AlignmentError(f"features have {values.shape[0]} rows, labels have {rows}")
    return Features(tuple(names), values)


class VerticalModel(ABC):
    """One party's half of a model trained by two parties."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        self.role: Role | None = None
        self.party: str = ""
        self.model_id: str = ""
        self.feature_names: tuple[str, ...] = ()

    @abstractmethod
    def fit(self, session: Session, X: Any, y: Any = None) -> VerticalModel:
        """Train with the peer on aligned rows; the party that passes ``y`` is active."""

    @abstractmethod
    def predict_proba(self, session: Session, X: Any) -> FloatArray | None:
        """Score aligned rows with the peer: probabilities for the active party, None for the passive one."""

    @abstractmethod
    def _body(self) -> dict[str, Any]:
        """Return the fitted half as JSON values; it never holds a key."""

    @abstractmethod
    def _restore(self, body: Mapping[str, Any]) -> None:
        """Set the fitted half from what :meth:`_body` returned; KeyError, TypeError, ValueError if unfit."""

    def __repr__(self) -> str:
        state = f"{self.role} half, {len(self.feature_names)} columns" if self.role else "not fitted"
        return f"{type(self).__name__}({state})"

    # --- reading ---

    def _read_training(
        self, X: Any, y: Any, *, allow_missing: bool = False
    ) -> tuple[Features, LabelArray | None]:
        """Read this party's training table; passing ``y`` makes it the active party."""
        labels = None if y is None else binary_labels(y)
        rows = None if labels is None else int(labels.size)
        features = read_features(X, rows=rows, allow_missing=allow_missing)
        if labels is None and not features.names:
            raise SchemaError("the passive party needs at least one feature column")
        return features, labels

    def _read_scoring(self, X: Any, *, allow_missing: bool = False) -> Features:
        """Read rows to score; the columns must be those of training, by name and order."""
        if self.role is None:
            raise InvalidArgument("the model is not fitted")
        return read_features(X, columns=self.feature_names, allow_missing=allow_missing)

    def _check_party(self, party: str) -> None:
        if self.party != party:
            raise ModelFileError(f"this half belongs to party {self.party!r}, this session is {party!r}")

    # --- file ---

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this party's half, with a SHA-256 digest, in one atomic step; no key is ever in it."""
        if self.role is None:
            raise InvalidArgument("the model is not fitted")
        document = {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.kind,
            "party": self.party,
            "role": self.role,
            "model_id": self.model_id,
            "feature_names": list(self.feature_names),
            "body": self._body(),
        }
        document["sha256"] = _digest(document)
        _write_atomically(Path(path), json.dumps(document, indent=1, allow_nan=False).encode())

    @classmethod
    def load(cls: type[Self], path: str | os.PathLike[str]) -> Self:
        """Read a half that :meth:`save` wrote; a damaged, foreign or newer file is a ModelFileError."""
        return cls._from_document(read_document(path))

    @classmethod
    def _from_document(cls: type[Self], document: Mapping[str, Any]) -> Self:
        if document["kind"] != cls.kind:
            raise ModelFileError(f"the file holds a {document['kind']!r} model, not {cls.kind!r}")
        model = cls()
        try:
            model.role = {"active": "active", "passive": "passive"}[document["role"]]  # type: ignore[assignment]
            model.party = str(document["party"])
            model.model_id = str(document["model_id"])
            model.feature_names = tuple(str(name) for name in document["feature_names"])
            model._restore(document["body"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ModelFileError("the model file lacks fields of its kind") from None
        return model


def read_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check the envelope of a model file: format, version and digest."""
    try:
        document = json.loads(_read_regular(Path(path)))
    except (ValueError, RecursionError):  # not UTF-8, not JSON, a number of thousands of digits, too deep
        raise ModelFileError("the model file is not a JSON document") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelFileError("the file is not an isthmus model")
    if document.get("version") != VERSION:
        raise ModelFileError(f"model file version {document.get('version')!r}; this version reads {VERSION}")
    stated = document.pop("sha256", None)
    if stated != _digest(document):
        raise ModelFileError("the model file is damaged: its digest does not match")
    if not isinstance(document.get("kind"), str):
        raise ModelFileError("the model file names no kind")
    return document


def _digest(document: Mapping[str, Any]) -> str:
    try:
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise ModelFileError("a model file holds finite numbers only, and no deep nesting") from None
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read_regular(path: Path) -> bytes:
    try:
        # O_NONBLOCK: a FIFO must be refused, not waited for.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise PathError("a model is read from a regular file only")
            if status.st_size > MAX_MODEL_BYTES:
                raise ModelFileError("the model file is too large")
            return file.read(MAX_MODEL_BYTES + 1)
    except OSError as error:
        raise StorageError(f"cannot read the model file: {error.strerror}") from None


def _write_atomically(path: Path, content: bytes) -> None:
    """Write a sibling, flush it to disk, then rename: a reader sees the old file or the whole new one."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise StorageError(f"cannot write the model file: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise StorageError(f"cannot write the model file: {error.strerror}") from None


def finite_floats(values: Any, length: int | None = None) -> FloatArray:
    """Return a JSON list as a 1-D float64 array; ValueError if it is not finite or not ``length`` long."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (length is not None and array.size != length):
        raise ValueError("wrong length")
    if not all(math.isfinite(value) for value in array):
        raise ValueError("not finite")
    return array
