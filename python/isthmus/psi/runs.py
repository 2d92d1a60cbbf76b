"""One run of a protocol for private set intersection, from the reading of identifiers to the audit record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from isthmus import errors
from isthmus.items import SecretSeed
from isthmus.party.session import Session
from isthmus.protocol.machine import Progress
from isthmus.protocol.matching import Match, Reveal, Role
from isthmus.protocol.registry import PSI_PROTOCOLS
from isthmus.protocol.suites import psi_suite
from isthmus.psi.canonical import Normalize
from isthmus.psi.engine import LocalEngine
from isthmus.psi.ingest import Duplicates, IdSource, check_items, read_items
from isthmus.psi.ledger import RunLedger
from isthmus.psi.own_items import OwnItems
from isthmus.psi.workspace import Workspace

_READING = "read"


@dataclass(frozen=True)
class Request:
    """What the caller asked for; see :func:`isthmus.psi.intersect`."""

    role: Role
    protocol: str
    duplicates: Duplicates
    min_result: int
    normalize: Normalize
    suite: str
    reveal: Reveal
    memory_bytes: int
    work_dir: Path | None

    def __post_init__(self) -> None:
        if self.protocol not in PSI_PROTOCOLS:
            raise errors.InvalidArgument(f"protocol must be one of {', '.join(PSI_PROTOCOLS)}")
        known = self.role in get_args(Role) and self.duplicates in get_args(Duplicates)
        if not known or self.min_result < 0 or self.memory_bytes < 0:
            raise errors.InvalidArgument(
                "role, duplicates, min_result or memory_bytes is none of the documented values"
            )
        psi_suite(self.suite)

    def parameters(self, source: IdSource) -> dict[str, Any]:
        """Return what both parties must agree on before anything is hashed."""
        return {
            "learn": "both" if self.role == "both" else "receiver",
            "reveal": self.reveal,
            "min_result": self.min_result,
            "key": source.kinds,
            "normalize": [str(rule) for rule in source.rules],
            "suite": psi_suite(self.suite).identifier,
        }


@dataclass(frozen=True)
class Outcome:
    """What the run told this party, and the items that its positions refer to."""

    match: Match
    items: OwnItems


def run(session: Session, ids: Any, request: Request) -> Outcome:
    """Read this party's identifiers, run the protocol, and record what each party learned."""
    source = IdSource(ids, request.normalize)
    workspace = Workspace(request.memory_bytes, request.work_dir)

    def on_rows(done: int) -> None:
        session.report(Progress(_READING, done, max(source.total_rows or 0, done)))

    own = read_items(source, SecretSeed(), workspace, on_rows)
    check_items(own, request.duplicates, request.min_result, source.first_row)
    ledger = RunLedger(workspace, own.memory_bytes)
    match = _drive(session, own, ledger, request, request.parameters(source))
    _record(session, request, own.count, match)
    if not match.released:
        raise _too_small(request)
    return Outcome(match, own)


def _drive(
    session: Session, own: OwnItems, ledger: RunLedger, request: Request, parameters: dict[str, Any]
) -> Match:
    row = PSI_PROTOCOLS[request.protocol]
    with LocalEngine() as engine:
        steps = row.steps(
            own,
            ledger,
            engine,
            role=request.role,
            reveal=request.reveal,
            min_result=request.min_result,
            suite=psi_suite(request.suite),
        )
        try:
            return session.run(row.protocol, steps, parameters)
        except errors.PeerFailed as error:
            # The peer, which ended first, may have stopped over the verdict that both have.
            too_small = _too_small(request)
            if error.peer_code != too_small.code:
                raise
            few = request.min_result
            session.disclose(
                f"{session.peer} learned that {session.party} has {own.count} distinct identifiers"
            )
            session.disclose(f"{session.peer} said that both share fewer than {few} identifiers")
            raise too_small from None


def _too_small(request: Request) -> errors.ResultTooSmall:
    return errors.ResultTooSmall(
        f"the intersection holds fewer than the agreed minimum of {request.min_result}"
    )


def _record(session: Session, request: Request, count: int, match: Match) -> None:
    """Write what each party learned into the audit record before anything is released."""
    me, peer = session.party, session.peer
    learners = {"receiver": [me], "sender": [peer], "both": [me, peer]}[request.role]
    session.disclose(f"{me} learned that {peer} has {match.peer_count} distinct identifiers")
    session.disclose(f"{peer} learned that {me} has {count} distinct identifiers")
    if not match.released:
        session.disclose(f"both learned that they share fewer than {request.min_result} identifiers")
        return
    what = "which" if request.reveal == "rows" else "how many"
    for learner in learners:
        shared = "" if match.size is None else f": {match.size}"
        session.disclose(f"{learner} learned {what} of its identifiers both have{shared}")
