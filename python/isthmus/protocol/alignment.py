"""The first exchange of every protocol over aligned rows: both tables must have the same number of rows.

Each party learns the other's row count, column count and role, and both derive one identifier for what they
are about to compute, so that two halves of different models cannot be mixed later.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from isthmus.errors import AlignmentError, DecodeError, InvalidArgument, PeerValue
from isthmus.protocol.machine import Send, Steps, receive
from isthmus.protocol.wire.alignment_pb2 import TableShape

_NONCE_BYTES = 16
_MAX_FEATURES = 1 << 16
_MAX_ADOPTED_ROWS = 1 << 26  # bounds what a row count that only the peer knows makes this party allocate


@dataclass(frozen=True)
class Peer:
    """What the other party said about its table, the agreed row count and the identifier both derived."""

    rows: int
    features: int
    shared_id: str


def align(rows: int | None, features: int, *, active: bool) -> Steps[Peer]:
    """Compare table shapes and roles with the peer; ``rows=None`` (a table without columns) takes the peer's.

    Raises
    ------
    AlignmentError     the row counts differ
    InvalidArgument    both parties or neither passed labels
    PeerValue          the peer's numbers are beyond what a table can have here
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    yield Send(TableShape(rows=rows, features=features, active=active, nonce=nonce))
    peer = yield from receive(TableShape)
    if len(peer.nonce) != _NONCE_BYTES:
        raise DecodeError("a nonce has 16 bytes")
    theirs = peer.rows if peer.HasField("rows") else None
    agreed = theirs if rows is None else rows
    if agreed is None or (theirs is not None and theirs != agreed):
        raise AlignmentError(f"this party has {rows} rows, the peer {theirs}")
    if rows is None and agreed > _MAX_ADOPTED_ROWS:
        raise PeerValue(f"the peer announces {agreed} rows; at most {_MAX_ADOPTED_ROWS} are taken at once")
    if peer.active == active:
        raise InvalidArgument("exactly one party must pass labels" if active else "no party passed labels")
    if peer.features > _MAX_FEATURES or (active and peer.features == 0):
        raise PeerValue(f"the peer announces {peer.features} features")
    first, second = (nonce, peer.nonce) if active else (peer.nonce, nonce)
    shared_id = hashlib.sha256(b"isthmus aligned run" + first + second).hexdigest()[:32]
    return Peer(int(agreed), int(peer.features), shared_id)
