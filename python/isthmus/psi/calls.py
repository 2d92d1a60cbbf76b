"""The calls that users make: :func:`intersect` and :func:`intersection_size`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus import errors
from isthmus.party.session import Session
from isthmus.protocol.matching import Role
from isthmus.psi.canonical import Normalize
from isthmus.psi.ingest import Duplicates, IdMark
from isthmus.psi.runs import EngineName, Request, run
from isthmus.psi.workspace import DEFAULT_MEMORY_BYTES

__all__ = ["PsiResult", "PsiSize", "intersect", "intersection_size"]


@dataclass(frozen=True)
class PsiResult:
    """What this party learned.

    Attributes
    ----------
    indices
        int64 rows of this party's input whose identifiers the peer has too. When both parties learn, the k-th
        row of one party and the k-th row of the other are the same customer, unless one of them asked for
        ``duplicates="all"``; a lone receiver gets its rows in ascending order; a sender gets None.
    size
        Number of shared identifiers; None for a sender.
    peer_size
        Number of the peer's distinct identifiers.
    duplicates
        Rows of this party's input that were left out because an earlier row has the same identifier.
    input
        Tells later whether a table has the same identifiers in the same rows: ``input.fits(IdSource(ids))``.
        Secret, as the identifiers are.
    """

    indices: NDArray[np.int64] | None = field(repr=False)
    size: int | None
    peer_size: int
    duplicates: int
    input: IdMark | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class PsiSize:
    """How many identifiers both parties have: ``size``, None for a sender. The rest as in PsiResult."""

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
    normalize: Normalize = "",
    suite: str = "ristretto255",
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    work_dir: str | Path | None = None,
    state_dir: str | Path | None = None,
    engine: EngineName = "local",
    on_result: Callable[[PsiResult], None] | None = None,
) -> PsiResult:
    """Find the identifiers that this party and its peer share.

    Parameters
    ----------
    session
        The session with the peer, which must call ``intersect`` too with the counterpart of ``role`` and the
        same ``protocol``, ``suite`` and ``min_result``.
    ids
        One identifier per row: a column of text, bytes or integers as a NumPy array, a pyarrow Array, a
        pandas or polars Series or a list; or a table of such columns, whose fields together identify a row;
        or a stream of such tables, such as a ``pyarrow.RecordBatchReader`` or what
        :func:`isthmus.tables.open_stream` makes of a file, which is read once.
    role
        ``"receiver"`` learns the intersection, ``"sender"`` only the number of the receiver's identifiers;
        with ``"both"`` on both sides, both learn it.
    protocol
        ``"ecdh"``, or ``"voprf"``, in which the sender proves that it answered for all of the receiver's
        identifiers under one key: only with the roles receiver and sender, the suites ristretto255 and P-256,
        the local engine and no ``state_dir`` (``docs/protocols/psi_voprf.md``).
    duplicates
        What to do when an identifier occurs twice: ``"error"`` refuses, ``"first"`` keeps its first row,
        ``"all"`` returns every row of a shared identifier. The peer learns nothing of it.
    min_result
        The smallest intersection that may be released. With 0, empty inputs and results are valid.
    normalize
        The form that text is brought to before it is compared: steps such as ``"nfkc,casefold,trim"``, which
        :mod:`isthmus.psi.canonical` describes, for all key columns, or by the names of columns. Without it,
        text is compared byte for byte. The parties' columns must have the same steps, whatever their names.
    suite
        The group: ``"ristretto255"``, ``"P-256"``, ``"SM2"`` or ``"X25519"``.
    memory_bytes
        How much memory records may use. What is beyond it goes to files without a name, encrypted, in
        ``work_dir``: 72 bytes per identifier of this party and 24 per identifier of the peer.
    work_dir
        A folder for these files; ``state_dir``, or the system's folder for temporary files, if None.
    state_dir
        A folder of this run's own, made if it does not exist, where every batch is written down before the
        protocol goes on. After a crash, calling again with the same arguments and input in a session of the
        same job goes on where both parties' folders say that the run stopped. It holds the run's secrets,
        sealed under this party's private key, and is removed when the call returns.
    engine
        Where batches are computed: ``"local"``, or ``"ray"`` for a Ray cluster of this party's own (needs
        ``isthmus[ray]``; the cluster that ``RAY_ADDRESS`` names, or one on this machine). The peer cannot
        tell.
    on_result
        Called with the result while ``state_dir`` still holds the run: what it has written down when it
        returns survives a crash at any moment.

    Raises
    ------
    EmptyInput, DuplicateId, IdEncoding, SchemaError
        This party's identifiers are not usable; nothing was sent.
    ResultTooSmall
        The intersection is smaller than ``min_result``; both parties raise it, and the session goes on.
    ParameterMismatch
        The parties called with different parameters; the message names them.
    ProofInvalid
        With ``"voprf"``: the sender did not compute as it must, and nothing is released.
    StorageError
        A file could not be written or read.
    BusyError, CheckpointError, ResumeMismatch
        ``state_dir`` is in use, is damaged, or holds a run with another input or other arguments.
    IsthmusError
        The peer or the connection failed; see :mod:`isthmus.errors`.
    """
    request = Request(
        role=role,
        protocol=protocol,
        duplicates=duplicates,
        min_result=min_result,
        normalize=normalize,
        suite=suite,
        reveal="rows",
        memory_bytes=memory_bytes,
        work_dir=_path(work_dir),
        state_dir=_path(state_dir),
        engine=engine,
    )
    with run(session, ids, request) as outcome:
        match, own = outcome.match, outcome.items
        left_out = 0 if duplicates == "all" else own.summary.total_rows - own.count
        rows = None
        if match.positions is not None:
            rows = own.rows(match.positions, every=duplicates == "all")
            if role == "receiver":
                rows.sort()
        result = PsiResult(rows, match.size, match.peer_count, left_out, outcome.input)
        if on_result is not None:
            on_result(result)
        return result


def intersection_size(
    session: Session,
    ids: Any,
    *,
    role: Role,
    protocol: str = "ecdh",
    duplicates: Duplicates = "error",
    min_result: int = 1,
    normalize: Normalize = "",
    suite: str = "ristretto255",
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    work_dir: str | Path | None = None,
    state_dir: str | Path | None = None,
    engine: EngineName = "local",
) -> PsiSize:
    """Find how many identifiers this party and its peer share, and not which.

    That a learner does not find out which rests on its following the protocol: see "Marked sizes" in
    ``docs/protocols/psi_ecdh.md``. The arguments and errors are those of :func:`intersect`;
    ``duplicates="all"`` would mean nothing here and is refused.
    """
    if duplicates == "all":
        raise errors.InvalidArgument("a size counts each identifier once: duplicates is error or first")
    request = Request(
        role=role,
        protocol=protocol,
        duplicates=duplicates,
        min_result=min_result,
        normalize=normalize,
        suite=suite,
        reveal="size",
        memory_bytes=memory_bytes,
        work_dir=_path(work_dir),
        state_dir=_path(state_dir),
        engine=engine,
    )
    with run(session, ids, request) as outcome:
        match, own = outcome.match, outcome.items
        return PsiSize(match.size, match.peer_count, own.summary.total_rows - own.count)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
