"""Other libraries' interfaces on this library's arithmetic, for code that was written for them."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["phe"]


def __getattr__(name: str) -> Any:
    """Import a submodule on first access (PEP 562)."""
    if name in __all__:
        return importlib.import_module(f"isthmus.compat.{name}")
    raise AttributeError(f"module 'isthmus.compat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
