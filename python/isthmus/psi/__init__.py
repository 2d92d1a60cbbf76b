"""Private set intersection: which customers two parties share, and nothing else of their lists.

``isthmus.items`` knows identifiers and masks, :mod:`isthmus.protocol` the messages; here they meet a session
and a user's columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus import errors, items
from isthmus.party.session import Session
from isthmus.protocol.matching import Match, Role
from isthmus.protocol.registry import PSI_PROTOCOLS
from isthmus.psi.star import StarResult, star_intersect, star_join
from isthmus.tables import id_columns

__all__ = ["PsiResult", "StarResult", "intersect", "star_intersect", "star_join"]

Duplicates = Literal["error", "first"]


@dataclass(frozen=True)
class PsiResult:
    """What this party learned.

    Attributes
    ----------
    indices
        int64 rows of this party's input whose identifiers the peer has too. When both parties learn, the k-th
        row of one party and the k-th row of the other are the same customer; a lone receiver gets its rows in
        ascending order; a sender gets None.
    size
        Number of shared identifiers; None for a sender.
    peer_size
        Number of the peer's distinct identifiers.
    duplicates
        Rows of this party's input that were left out because an earlier row has the same identifier.
    """

    indices: NDArray[np.int64] | None = field(repr=False)
    size: int | None
    peer_size: int
    duplicates: int


def intersect(
    session: Session,
    ids: Any,
    *,
    role: Role,
    protocol: str = "ecdh",
    duplicates: Duplicates = "error",
    min_result: int = 1,
) -> PsiResult:
    """Find the identifiers that this party and its peer share.

    Parameters
    ----------
    session
        The session with the peer, which must call ``intersect`` too with the counterpart of ``role`` and the
        same ``protocol`` and ``min_result``.
    ids
        One identifier per row: a column of text, bytes or integers as a NumPy array, a pyarrow Array, a
        pandas or polars Series or a list; or a table of such columns, whose fields together identify a row.
        Text is compared byte for byte, so bring spelling, case and spaces to one form first.
    role
        ``"receiver"`` learns the intersection, ``"sender"`` only the number of the receiver's identifiers;
        with ``"both"`` on both sides, both learn it.
    protocol
        A row of :data:`isthmus.protocol.registry.PSI_PROTOCOLS`.
    duplicates
        What to do when an identifier occurs twice: ``"error"`` refuses, ``"first"`` keeps its first row.
    min_result
        The smallest intersection that may be released. With 0, empty inputs and results are valid.

    Raises
    ------
    EmptyInput, DuplicateId, IdEncoding, SchemaError
        This party's identifiers are not usable; nothing was sent.
    ResultTooSmall
        The intersection is smaller than ``min_result``; both parties raise it, and the session goes on.
    ParameterMismatch
        The parties called with different parameters; the message names them.
    IsthmusError
        The peer or the connection failed; see :mod:`isthmus.errors`.
    """
    row = PSI_PROTOCOLS.get(protocol)
    if row is None:
        raise errors.InvalidArgument(f"protocol must be one of {', '.join(PSI_PROTOCOLS)}")
    if role not in get_args(Role) or duplicates not in get_args(Duplicates) or min_result < 0:
        raise errors.InvalidArgument("role, duplicates or min_result is none of the documented values")
    columns = id_columns(ids)
    rows = _distinct_rows(columns, duplicates, min_result)
    parameters = {
        "learn": "both" if role == "both" else "receiver",
        "min_result": min_result,
        "key": [_kind(column) for column in columns],
        "suite": row.suite,
    }
    steps = row.steps(columns, rows, role=role, min_result=min_result)
    too_small = errors.ResultTooSmall(f"the intersection holds fewer than the agreed minimum of {min_result}")
    try:
        match = session.run(row.protocol, steps, parameters)
    except errors.PeerFailed as error:
        # The peer, which ended first, may have stopped over the verdict that both have.
        if error.peer_code != too_small.code:
            raise
        session.disclose(f"{session.peer} learned that {session.party} has {len(rows)} distinct identifiers")
        session.disclose(f"{session.peer} said that both share fewer than {min_result} identifiers")
        raise too_small from None
    _record(session, role, len(rows), match, min_result)
    if not match.released:
        raise too_small
    size = None if match.rows is None else len(match.rows)
    return PsiResult(match.rows, size, match.peer_count, len(columns[0]) - len(rows))


def _distinct_rows(
    columns: list[pa.ChunkedArray], duplicates: Duplicates, min_result: int
) -> NDArray[np.int64]:
    count = len(columns[0])
    if count == 0 and min_result > 0:
        raise errors.EmptyInput("there are no identifiers")
    items.check_ids(columns)
    rows = items.first_occurrences(columns)
    if len(rows) < count and duplicates == "error":
        repeated = np.ones(count, dtype=bool)
        repeated[rows] = False
        raise errors.DuplicateId("an identifier occurs more than once", row=int(np.argmax(repeated)))
    return rows


def _kind(column: pa.ChunkedArray) -> str:
    if pa.types.is_integer(column.type):
        return "integer"
    return "text" if str(column.type) in ("string", "large_string") else "bytes"


def _record(session: Session, role: Role, count: int, match: Match, min_result: int) -> None:
    """Write what each party learned into the audit record before anything is released."""
    me, peer = session.party, session.peer
    learners = {"receiver": [me], "sender": [peer], "both": [me, peer]}[role]
    session.disclose(f"{me} learned that {peer} has {match.peer_count} distinct identifiers")
    session.disclose(f"{peer} learned that {me} has {count} distinct identifiers")
    if not match.released:
        session.disclose(f"both learned that they share fewer than {min_result} identifiers")
        return
    for learner in learners:
        shared = "" if match.rows is None else f": {len(match.rows)}"
        session.disclose(f"{learner} learned which of its identifiers both have{shared}")
