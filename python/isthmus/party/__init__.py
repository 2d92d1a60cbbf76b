"""Parties: identity, channels to the other party, sessions that drive protocols, and local runners."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.party.audit import verify_audit_file
    from isthmus.party.certificates import Authority, self_signed
    from isthmus.party.limits import Limits
    from isthmus.party.local import run_in_memory, run_local
    from isthmus.party.meeting import connect
    from isthmus.party.party_file import load_party_file, write_party_file
    from isthmus.party.session import Session
    from isthmus.party.stages import StageReport
    from isthmus.protocol.machine import Progress

_HOMES = {
    "Authority": "isthmus.party.certificates",
    "Limits": "isthmus.party.limits",
    "Progress": "isthmus.protocol.machine",
    "Session": "isthmus.party.session",
    "StageReport": "isthmus.party.stages",
    "connect": "isthmus.party.meeting",
    "load_party_file": "isthmus.party.party_file",
    "run_in_memory": "isthmus.party.local",
    "run_local": "isthmus.party.local",
    "self_signed": "isthmus.party.certificates",
    "verify_audit_file": "isthmus.party.audit",
    "write_party_file": "isthmus.party.party_file",
}
__all__ = [
    "Authority",
    "Limits",
    "Progress",
    "Session",
    "StageReport",
    "connect",
    "load_party_file",
    "run_in_memory",
    "run_local",
    "self_signed",
    "verify_audit_file",
    "write_party_file",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for on first access, so that ``import isthmus.party`` needs no transport."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'isthmus.party' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
