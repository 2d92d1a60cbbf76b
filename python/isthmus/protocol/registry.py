"""The protocols for private set intersection, one row each.

Adding a protocol is one row here: ``psi.intersect`` offers it under its name, and the conformance suite runs
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from isthmus.protocol import psi_ecdh
from isthmus.protocol.machine import Steps
from isthmus.protocol.matching import Engine, Items, Ledger, Match, Reveal, Role
from isthmus.protocol.suites import PsiSuite


class PsiSteps(Protocol):
    """Makes one party's machine; the parameters are those of :func:`isthmus.protocol.psi_ecdh.ecdh_psi`."""

    def __call__(
        self,
        items: Items,
        ledger: Ledger,
        engine: Engine,
        *,
        role: Role,
        reveal: Reveal,
        min_result: int,
        suite: PsiSuite,
    ) -> Steps[Match]:
        """Return fresh steps."""


@dataclass(frozen=True)
class PsiProtocol:
    """``name`` is what a user says; on ``protocol`` (with its version) the parties agree.

    ``max_message`` is more than any of its messages has bytes.
    """

    name: str
    protocol: str
    steps: PsiSteps
    max_message: int


_ROWS = (PsiProtocol("ecdh", psi_ecdh.PROTOCOL, psi_ecdh.ecdh_psi, psi_ecdh.MAX_MESSAGE_BYTES),)

PSI_PROTOCOLS = {row.name: row for row in _ROWS}
