"""The protocols for private set intersection, one row each.

Adding a protocol is one row here: ``psi.intersect`` offers it under its name, and the conformance suite runs
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, get_args

from isthmus.errors import InvalidArgument
from isthmus.protocol import psi_ecdh, psi_voprf
from isthmus.protocol.machine import Steps
from isthmus.protocol.matching import Engine, Items, Ledger, Match, Reveal, Role
from isthmus.protocol.suites import PSI_SUITES, PsiSuite, psi_suite


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

    ``max_message`` is more than any of its messages has bytes. ``resumes`` says that a run outlives a lost
    connection, and the process where a state is kept; the other fields, what a caller may ask for.
    """

    name: str
    protocol: str
    steps: PsiSteps
    max_message: int
    roles: tuple[Role, ...] = get_args(Role)
    reveals: tuple[Reveal, ...] = get_args(Reveal)
    suites: tuple[str, ...] = tuple(PSI_SUITES)
    engines: tuple[str, ...] = ("local", "ray")
    resumes: bool = True

    def check(self, *, role: str, reveal: Reveal, suite: str, engine: str, keeps_state: bool) -> None:
        """Raise InvalidArgument, saying what there is instead, for what this protocol does not do."""
        psi_suite(suite)
        asked = {
            "role": (role, self.roles),
            "suite": (suite, self.suites),
            "engine": (engine, self.engines),
        }
        for what, (value, offered) in asked.items():
            if value not in offered:
                instead = " or ".join(offered)
                raise InvalidArgument(
                    f"protocol {self.name} has no {what} {value}: use {instead}, or protocol ecdh"
                )
        if reveal not in self.reveals:
            raise InvalidArgument(
                f"protocol {self.name} cannot hide which identifiers are shared: for their number, use "
                "protocol ecdh"
            )
        if keeps_state and not self.resumes:
            raise InvalidArgument(
                f"protocol {self.name} cannot resume a run: give no state folder, or use protocol ecdh"
            )


def _voprf_psi(
    items: Items, ledger: Ledger, engine: Engine, *, reveal: Reveal, **options: Any
) -> Steps[Match]:
    """Leave out what psi_voprf has no use for; its row says so to callers."""
    return psi_voprf.voprf_psi(items, ledger, **options)


_ROWS = (
    PsiProtocol("ecdh", psi_ecdh.PROTOCOL, psi_ecdh.ecdh_psi, psi_ecdh.MAX_MESSAGE_BYTES),
    PsiProtocol(
        "voprf",
        psi_voprf.PROTOCOL,
        _voprf_psi,
        psi_voprf.MAX_MESSAGE_BYTES,
        roles=("receiver", "sender"),
        reveals=("rows",),
        suites=("ristretto255", "P-256"),
        engines=("local",),
        resumes=False,
    ),
)

PSI_PROTOCOLS = {row.name: row for row in _ROWS}


def psi_protocol(name: str) -> PsiProtocol:
    """Return the protocol of this name; an unknown name is an InvalidArgument."""
    if name not in PSI_PROTOCOLS:
        raise InvalidArgument(f"protocol must be one of {', '.join(PSI_PROTOCOLS)}")
    return PSI_PROTOCOLS[name]
