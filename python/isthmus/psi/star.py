"""Three or more parties: the hub has a session with each spoke and learns which items all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from isthmus import errors
from isthmus.items import SecretSeed
from isthmus.party.session import Session
from isthmus.protocol.machine import Progress
from isthmus.protocol.psi_star import MAX_MEMBERS, member
from isthmus.protocol.psi_star_plan import HUB
from isthmus.protocol.psi_star_relay import at_spoke, max_message
from isthmus.protocol.psi_star_steps import PROTOCOL, Means, MemberSteps, StarMatch
from isthmus.protocol.suites import PsiSuite, psi_suite
from isthmus.psi.canonical import Normalize
from isthmus.psi.engine import LocalEngine
from isthmus.psi.ingest import IdSource, check_items, read_items
from isthmus.psi.own_items import OwnItems
from isthmus.psi.sealing import RunKey
from isthmus.psi.star_hub import HubRun
from isthmus.psi.star_sets import StarSets
from isthmus.psi.workspace import DEFAULT_MEMORY_BYTES, Workspace

__all__ = ["StarResult", "star_intersect", "star_join"]

# Which of a customer's rows it is does not matter to anyone but the hub, so "all" is left to two parties.
Duplicates = Literal["error", "first"]

_ROWS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class StarResult:
    """What this party learned.

    Attributes
    ----------
    indices
        int64 rows of the hub's input, ascending, whose identifiers all parties have; None at a spoke.
    size
        Number of identifiers that all parties have.
    counts
        Number of distinct identifiers of every party, by name.
    duplicates
        Rows of this party's input that were left out because an earlier row has the same identifier.
    code
        Names the run. Compare it with the other parties by telephone: it is the same for all only if the hub
        told all of them of the same parties, and read none of what they sent each other.
    """

    indices: NDArray[np.int64] | None = field(repr=False)
    size: int
    counts: dict[str, int]
    duplicates: int
    code: str


def star_intersect(
    sessions: Sequence[Session],
    ids: Any,
    *,
    duplicates: Duplicates = "error",
    min_result: int = 1,
    normalize: Normalize = "",
    suite: str = "ristretto255",
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    work_dir: str | Path | None = None,
) -> StarResult:
    """Find the identifiers that this party, the hub, and all its peers share; only the hub learns which.

    ``docs/protocols/psi_star.md`` says what each party sees. One party more than the others: the last
    session's peer compares what all have masked, and so can count how many identifiers any of the parties
    share, but not tell which.

    A run that is interrupted is over: all parties start again.

    Parameters
    ----------
    sessions
        One with each of two or more peers, all of which call :func:`star_join`.
    ids, duplicates, normalize, suite
        As in :func:`isthmus.psi.intersect`, without ``duplicates="all"``.
    min_result
        The smallest intersection that may be released; the same at all parties.
    memory_bytes
        How much memory records may use. What is beyond it goes to files without a name, encrypted, in
        ``work_dir``: up to 88 bytes per identifier of this party while they are read, then 40, and up to 84
        per identifier of the largest list.
    work_dir
        A folder for these files; the system's folder for temporary files, if None.

    Raises
    ------
    EmptyInput, DuplicateId, IdEncoding, SchemaError
        This party's identifiers are not usable; nothing was sent.
    ResultTooSmall
        The intersection is smaller than ``min_result``; all parties raise it.
    InvalidArgument
        There are fewer than two sessions, or two with the same peer, or an option does not exist.
    IsthmusError
        A peer or a connection failed. All sessions are over then.
    """
    _check_sessions(sessions)
    options = _Options(duplicates, min_result, normalize, psi_suite(suite), memory_bytes, work_dir)
    own = _read(sessions[HUB], ids, options)
    names = [sessions[HUB].party, *(session.peer for session in sessions)]
    with _steps(own, names, options, hub=True) as steps:
        match = HubRun(sessions, own.parameters, own.items.count, options.suite).drive(steps)
    for session in sessions:
        _record(session, match, min_result)
    return _result(own.items, match, min_result)


def star_join(
    session: Session,
    ids: Any,
    *,
    duplicates: Duplicates = "error",
    min_result: int = 1,
    normalize: Normalize = "",
    suite: str = "ristretto255",
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    work_dir: str | Path | None = None,
) -> StarResult:
    """Take part in the hub's :func:`star_intersect`, whose arguments and errors apply.

    This party learns how many identifiers each party has and how many all share, and not which.
    """
    options = _Options(duplicates, min_result, normalize, psi_suite(suite), memory_bytes, work_dir)
    own = _read(session, ids, options)
    try:
        with _steps(own, [session.peer, session.party], options, hub=False) as steps:
            match = session.run(PROTOCOL, at_spoke(steps), own.parameters, max_message())
    except errors.PeerFailed as error:
        # The hub, which ended first, may have stopped over the verdict that all have.
        if error.peer_code != errors.ResultTooSmall.code:
            raise
        count = own.items.count
        session.disclose(f"all parties of the run learned that {session.party} has {count} identifiers")
        session.disclose(f"{session.peer} said that all share fewer than {min_result} identifiers")
        raise _too_small(min_result) from None
    _record(session, match, min_result)
    return _result(own.items, match, min_result)


# --- what all parties do -----------------------------------------------------------------------------------


def _check_sessions(sessions: Sequence[Session]) -> None:
    peers = {session.peer for session in sessions}
    if not 2 <= len(sessions) < MAX_MEMBERS:
        raise errors.InvalidArgument(f"a hub needs sessions with 2 to {MAX_MEMBERS - 1} peers")
    if len(peers) < len(sessions) or len({session.party for session in sessions}) > 1:
        raise errors.InvalidArgument("the sessions of a hub are of one party, each with another peer")


@dataclass(frozen=True)
class _Options:
    duplicates: Duplicates
    min_result: int
    normalize: Normalize
    suite: PsiSuite
    memory_bytes: int
    work_dir: str | Path | None

    def __post_init__(self) -> None:
        if self.duplicates not in get_args(Duplicates) or self.min_result < 0 or self.memory_bytes < 0:
            raise errors.InvalidArgument(
                "duplicates, min_result or memory_bytes is none of the documented values"
            )

    def workspace(self) -> Workspace:
        """Return where this party's records lie."""
        return Workspace(self.memory_bytes, None if self.work_dir is None else Path(self.work_dir))


@dataclass(frozen=True)
class _Own:
    """This party's items, where they lie, and what all parties must agree on before any is hashed."""

    items: OwnItems
    workspace: Workspace
    parameters: Mapping[str, Any]


def _read(session: Session, ids: Any, options: _Options) -> _Own:
    source = IdSource(ids, options.normalize)

    def on_rows(done: int) -> None:
        rows = source.total_rows
        session.report(Progress("read", done, 0 if rows is None else max(rows, done)))

    workspace = options.workspace()
    own = read_items(source, SecretSeed(), workspace, on_rows)
    check_items(own, options.duplicates, options.min_result, source.first_row)
    parameters = {
        "key": source.kinds,
        "min_result": options.min_result,
        "normalize": [str(rule) for rule in source.rules],
        "suite": options.suite.identifier,
    }
    return _Own(own, workspace, parameters)


@contextmanager
def _steps(own: _Own, names: Sequence[str], options: _Options, *, hub: bool) -> Iterator[MemberSteps]:
    """Return this party's part of the run, whose batches are computed while the block runs."""
    sets = StarSets(own.workspace, own.items.memory_bytes)
    with LocalEngine() as engine:
        means = Means(own.items, sets, engine, RunKey())
        yield member(means, names, hub=hub, min_result=options.min_result, suite=options.suite)


def _result(own: OwnItems, match: StarMatch, min_result: int) -> StarResult:
    if match.size is None:
        raise _too_small(min_result)
    rows = None if match.positions is None else _rows(own, match.positions)
    repeated = own.summary.total_rows - own.count
    return StarResult(rows, match.size, match.counts, repeated, match.code)


def _rows(own: OwnItems, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of items, ascending; looking them up takes memory beside, so a part at a time."""
    rows = np.empty(len(positions), dtype=np.int64)
    for start in range(0, len(positions), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        rows[part] = own.rows(positions[part].astype(np.uint64))
    rows.sort()
    return rows


def _too_small(min_result: int) -> errors.ResultTooSmall:
    return errors.ResultTooSmall(f"the intersection holds fewer than the agreed minimum of {min_result}")


def _record(session: Session, match: StarMatch, min_result: int) -> None:
    """Write what each party learned into the audit record before anything is released."""
    names = list(match.counts)
    counts = ", ".join(f"{name} {count}" for name, count in match.counts.items())
    session.disclose(f"all parties of run {match.code} learned how many identifiers each has: {counts}")
    session.disclose(f"{names[-1]} could learn how many identifiers any of them share")
    session.disclose(f"{names[-1]} could learn which of its own {names[0]} has, if it breaks the protocol")
    if match.size is None:
        session.disclose(f"all learned that they share fewer than {min_result} identifiers")
        return
    session.disclose(f"all learned that they share {match.size} identifiers")
    session.disclose(f"{names[HUB]} learned which of its identifiers all have")
