"""Parties: identity, channels to the other party, sessions that drive protocols, and local runners."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.party.limits import Limits
    from isthmus.party.local import run_in_memory
    from isthmus.party.session import Session
    from isthmus.party.stages import StageReport
    from isthmus.protocol.machine import Progress

_HOMES = {
    "Limits": "isthmus.party.limits",
    "Progress": "isthmus.protocol.machine",
    "Session": "isthmus.party.session",
    "StageReport": "isthmus.party.stages",
    "run_in_memory": "isthmus.party.local",
}
__all__ = ["Limits", "Progress", "Session", "StageReport", "run_in_memory"]


def __getattr__(name: str) -> Any:
    """Import what is asked for on first access, so that ``import isthmus.party`` needs no transport."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'isthmus.party' has no attribute {name!r}")
