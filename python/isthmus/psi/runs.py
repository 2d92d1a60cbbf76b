"""One run of a protocol for private set intersection, from the reading of identifiers to the audit record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from isthmus import errors
from isthmus.items import SecretSeed
from isthmus.party.session import Session
from isthmus.protocol.machine import Progress
from isthmus.protocol.matching import Engine, Match, Reveal, Role
from isthmus.protocol.registry import psi_protocol
from isthmus.protocol.suites import psi_suite
from isthmus.psi.canonical import Normalize
from isthmus.psi.checkpoint import Checkpoint, Terms
from isthmus.psi.engine import LocalEngine
from isthmus.psi.ingest import Duplicates, IdMark, IdSource, check_items, read_items
from isthmus.psi.ledger import RunLedger
from isthmus.psi.own_items import OwnItems
from isthmus.psi.ray_engine import RayEngine
from isthmus.psi.workspace import Workspace

EngineName = Literal["local", "ray"]

_ENGINES: dict[str, Callable[[], AbstractContextManager[Engine]]] = {"local": LocalEngine, "ray": RayEngine}
_READING = "read"
_IDLE_CONNECTIONS = 3  # that may be lost in a row without a batch


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
    state_dir: Path | None
    engine: EngineName

    def __post_init__(self) -> None:
        protocol = psi_protocol(self.protocol)
        known = self.role in get_args(Role) and self.duplicates in get_args(Duplicates)
        if not known or self.min_result < 0 or self.memory_bytes < 0:
            raise errors.InvalidArgument(
                "role, duplicates, min_result or memory_bytes is none of the documented values"
            )
        if self.engine not in _ENGINES:
            raise errors.InvalidArgument(f"engine must be one of {', '.join(_ENGINES)}")
        protocol.check(
            role=self.role,
            reveal=self.reveal,
            suite=self.suite,
            engine=self.engine,
            keeps_state=self.state_dir is not None,
        )

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
    """What the run told this party, the items that its positions refer to, and what tells their input."""

    match: Match
    items: OwnItems
    input: IdMark


@contextmanager
def run(session: Session, ids: Any, request: Request) -> Iterator[Outcome]:
    """Read this party's identifiers, run the protocol, and record what each party learned.

    What is kept of the run on disk is erased when the ``with`` block has ended without an error.
    """
    with _checkpoint(session, request) as checkpoint:
        source = IdSource(ids, request.normalize)
        workspace = Workspace(request.memory_bytes, request.work_dir or request.state_dir)

        def on_rows(done: int) -> None:
            rows = source.total_rows
            session.report(Progress(_READING, done, 0 if rows is None else max(rows, done)))

        order = SecretSeed() if checkpoint is None else checkpoint.order
        own = read_items(source, order, workspace, on_rows)
        check_items(own, request.duplicates, request.min_result, source.first_row)
        parameters = request.parameters(source)
        ledger = RunLedger(workspace, own.memory_bytes, checkpoint)
        if checkpoint is not None:
            checkpoint.restore(ledger, own, _terms(session, request, parameters))
        try:
            match = _drive(session, own, ledger, request, parameters)
        except BaseException as error:
            _record_unfinished(session, request, ledger)
            if checkpoint is not None and isinstance(error, errors.ResultTooSmall):
                checkpoint.erase()  # the run is over: the peer, which ended first, has said so
            raise
        _record(session, request, own.count, match)
        if match.released:
            seed = order if checkpoint is None else checkpoint.order
            yield Outcome(match, own, IdMark(seed, own.summary.total_rows, own.summary.fingerprint))
        if checkpoint is not None:
            checkpoint.erase()
    if not match.released:
        raise _too_small(request)


def _checkpoint(session: Session, request: Request) -> AbstractContextManager[Checkpoint | None]:
    return nullcontext() if request.state_dir is None else Checkpoint(request.state_dir, session)


def _terms(session: Session, request: Request, parameters: dict[str, Any]) -> Terms:
    """Return what, besides the input, must be the same when the run is resumed."""
    return {
        "job": session.job,
        "party": session.party,
        "peer": session.peer,
        "protocol": psi_protocol(request.protocol).protocol,
        "role": request.role,
        "duplicates": request.duplicates,
        **parameters,
    }


def _drive(
    session: Session, own: OwnItems, ledger: RunLedger, request: Request, parameters: dict[str, Any]
) -> Match:
    """Run the protocol to its end, over as many connections as it takes while it moves on."""
    row = psi_protocol(request.protocol)
    reached, idle = -1, 0
    while True:
        with _ENGINES[request.engine]() as engine:
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
                return session.run(row.protocol, steps, parameters, row.max_message)
            except errors.PeerFailed as error:
                _take_refusal(session, request, own.count, error)
                raise
            except (errors.PeerGone, errors.PeerTruncated, errors.PeerSilent) as error:
                lost = error
        if not row.resumes:
            raise lost
        kept = ledger.own_batches + ledger.peer_batches
        reached, idle = max(kept, reached), 0 if kept > reached else idle + 1
        # A peer that started anew begins with its first call. Only what has crossed in this one says which of
        # this party's calls another belongs to.
        ambiguous = session.jobs_finished > 0 and ledger.replaceable
        if idle == _IDLE_CONNECTIONS or ambiguous or not session.can_reconnect:
            raise lost
        try:
            session.reconnect()
        except errors.DeadlineError:
            raise lost from None


def _take_refusal(session: Session, request: Request, count: int, error: errors.PeerFailed) -> None:
    """Raise ResultTooSmall if the peer, which ended first, stopped over the verdict that both have."""
    too_small = _too_small(request)
    if error.peer_code == too_small.code:
        few = request.min_result
        session.disclose(f"{session.peer} learned that {session.party} has {count} distinct identifiers")
        session.disclose(f"{session.peer} said that both share fewer than {few} identifiers")
        raise too_small from None


def _record_unfinished(session: Session, request: Request, ledger: RunLedger) -> None:
    """Write down how many of the peer's identifiers may have been answered in a run that did not finish."""
    whole = ledger.record is not None and ledger.peer_items == ledger.record.peer_count
    answered = ledger.peer_items if request.reveal == "rows" or whole else 0
    if request.role != "receiver" and answered:
        with suppress(errors.StorageError):  # the first error is the one to raise
            session.disclose(
                f"{session.peer} got answers for up to {answered} of its identifiers before the run failed"
            )


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
        few = f"fewer than {request.min_result} identifiers"
        if request.role == "sender":
            session.disclose(f"{peer} said that both share {few}; it could compute which")
        else:
            session.disclose(f"both learned that they share {few}")
        return
    what = "which" if request.reveal == "rows" else "how many"
    for learner in learners:
        shared = "" if match.size is None else f": {match.size}"
        session.disclose(f"{learner} learned {what} of its identifiers both have{shared}")
