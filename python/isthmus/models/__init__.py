"""Two-party estimators in scikit-learn's manner; each party keeps only its own half."""

from __future__ import annotations

import importlib
import os
from typing import Any

from isthmus.errors import ModelFileError
from isthmus.models.base import VerticalModel, read_document

# kind in the model file -> module and class; a new model adds one row.
_MODELS = {
    "logistic": ("isthmus.models.logistic", "VerticalLogisticRegression"),
    "gbdt": ("isthmus.models.gbdt", "VerticalGBDT"),
}
__all__ = ["VerticalGBDT", "VerticalLogisticRegression", "VerticalModel", "load"]


def load(path: str | os.PathLike[str]) -> VerticalModel:
    """Read a model half of any kind that :meth:`VerticalModel.save` wrote."""
    document = read_document(path)
    if document["kind"] not in _MODELS:
        raise ModelFileError(f"unknown model kind {document['kind']!r}")
    module, name = _MODELS[document["kind"]]
    cls: type[VerticalModel] = getattr(importlib.import_module(module), name)
    return cls._from_document(document)


def __getattr__(name: str) -> Any:
    """Import an estimator on first access (PEP 562)."""
    for module, cls in _MODELS.values():
        if name == cls:
            return getattr(importlib.import_module(module), cls)
    raise AttributeError(f"module 'isthmus.models' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
