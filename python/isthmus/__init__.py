"""isthmus: private set intersection and vertical learning between two institutions.

Submodules load on first use, so that ``import isthmus`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_SUBMODULES = (
    "aggregate",
    "compat",
    "data",
    "demo",
    "errors",
    "evaluate",
    "groups",
    "items",
    "models",
    "oprf",
    "paillier",
    "party",
    "prep",
    "psi",
    "tables",
)
__all__ = ["__version__", "group", *_SUBMODULES]  # noqa: PLE0604  (a tuple of strings)


def __getattr__(name: str) -> Any:
    """Import a submodule on first access (PEP 562)."""
    if name in _SUBMODULES:
        return importlib.import_module(f"isthmus.{name}")
    if name == "group":
        return importlib.import_module("isthmus.groups").group
    raise AttributeError(f"module 'isthmus' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
