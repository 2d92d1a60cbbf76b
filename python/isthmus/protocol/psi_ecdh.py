"""psi_ecdh/2: private set intersection by two Diffie-Hellman masks over a prime-order group.

Party A masks its hashed items with a secret scalar a, B its own with b; each masks the other's masked items
again. Equal items, and only these, have equal double masks ``H(x)^(ab)``. The messages, and what each party
learns, are in ``docs/protocols/psi_ecdh.md``.

Ref  Meadows, IEEE S&P 1986; Huberman, Franklin and Hogg, ACM EC 1999; RFC 9380; RFC 9496.
"""

from __future__ import annotations

import hashlib
import secrets

import numpy as np

from isthmus.errors import DecodeError, PeerValue, ResumeMismatch
from isthmus.items import SecretSeed
from isthmus.protocol.machine import Progress, Send, Steps, receive
from isthmus.protocol.matching import (
    BATCH_ITEMS,
    MAX_ITEMS,
    MAX_MESSAGE_BYTES,
    NONCE_BYTES,
    STAGE,
    Engine,
    Items,
    Ledger,
    Match,
    Reveal,
    Role,
    RunRecord,
    check_start,
    compare,
)
from isthmus.protocol.psi_exchange import PROTOCOL, WINDOW, Exchange, Plan
from isthmus.protocol.suites import PsiSuite
from isthmus.protocol.wire import psi_ecdh_pb2 as wire

__all__ = ["BATCH_ITEMS", "MAX_ITEMS", "MAX_MESSAGE_BYTES", "PROTOCOL", "ecdh_psi"]

_RUN_BYTES = 32
_WIRE_ROLES: dict[Role, wire.Role] = {
    "receiver": wire.ROLE_RECEIVER,
    "sender": wire.ROLE_SENDER,
    "both": wire.ROLE_BOTH,
}


def ecdh_psi(
    items: Items,
    ledger: Ledger,
    engine: Engine,
    *,
    role: Role,
    reveal: Reveal,
    min_result: int,
    suite: PsiSuite,
    batch_items: int = BATCH_ITEMS,
) -> Steps[Match]:
    """Intersect ``items`` with the peer's.

    Parameters
    ----------
    items
        This party's items.
    ledger
        Keeps what arrives. If it holds a run that the peer's holds too, this goes on where that one stopped.
    engine
        Computes the batches.
    role
        ``receiver`` learns the intersection from a ``sender``; with ``both`` on both sides, both learn it.
    reveal
        What is learned: which items both have, or only how many.
    min_result
        An intersection of fewer items is not released.
    batch_items
        Items per message, the same on both sides.

    Raises
    ------
    ParameterMismatch, TooLarge, ProtocolCount, DecodeError, PeerDuplicate, PeerValue
        The peer's role, counts or messages are not those of an honest party.
    ResumeMismatch
        The parties' records of the run that both go on with do not fit each other.
    PointInvalid, PointEncoding
        The peer sent something else than a masked item; ``row`` is its position in the peer's set.
    """
    yield Progress(STAGE, 0, 0)
    own = _start(items, ledger, role)
    yield Send(own)
    peer = yield from receive(wire.Start)
    check_start(own, peer, role, _WIRE_ROLES)
    if len(peer.resume.run) not in (0, _RUN_BYTES):
        raise DecodeError(f"the name of the peer's run must have {_RUN_BYTES} bytes")
    plan = Plan(
        record=_agree(own, peer, ledger),
        suite=suite,
        learns=role != "sender",
        peer_learns=role != "receiver",
        reveal=reveal,
        batch_items=batch_items,
    )
    if ledger.record is not plan.record:
        ledger.begin(plan.record, own_tags=own.count if plan.learns else 0, tag_bytes=plan.tag_bytes)
        peer.ClearField("resume")
    _check_positions(own, peer, ledger, plan)
    yield from Exchange(items, ledger, engine, plan, peer.resume).steps()
    positions = yield from compare(ledger, own.count + peer.count)
    size = sum(map(len, positions))
    released = yield from _verdict(role, size >= min_result)
    if role == "sender" or not released:
        return Match(None, None, peer.count, released)
    found = np.concatenate(positions) if positions and reveal == "rows" else np.empty(0, dtype=np.uint64)
    return Match(found if reveal == "rows" else None, size, peer.count, released)


def _start(items: Items, ledger: Ledger, role: Role) -> wire.Start:
    start = wire.Start(role=_WIRE_ROLES[role], count=items.count, nonce=secrets.token_bytes(NONCE_BYTES))
    if ledger.record is not None:
        start.resume.run = ledger.record.run
        start.resume.masked = ledger.peer_batches
        start.resume.answered = ledger.own_batches
    return start


def _agree(own: wire.Start, peer: wire.Start, ledger: Ledger) -> RunRecord:
    """Return the run that both parties' ledgers hold, or a new one.

    A peer that has had answers and then comes back without the run could ask about other items, again and
    again in one call; so then there is no new one.
    """
    if ledger.record is not None and peer.resume.run == ledger.record.run:
        return ledger.record
    if not ledger.replaceable:
        raise ResumeMismatch("the peer no longer has the run that was interrupted; both must start again")
    run = hashlib.sha256(PROTOCOL.encode() + b"".join(sorted((own.nonce, peer.nonce)))).digest()
    return RunRecord(run, SecretSeed(), own.count, peer.count)


def _check_positions(own: wire.Start, peer: wire.Start, ledger: Ledger, plan: Plan) -> None:
    """Refuse what cannot follow from one run, such as a peer that has lost what it confirmed."""
    record = plan.record
    same = (record.own_count, record.peer_count) == (own.count, peer.count)
    # A peer that learns has had answers only to batches that this party keeps, and misses at most a window.
    oldest = ledger.peer_batches - WINDOW if plan.reveal == "rows" and plan.peer_learns else 0
    answered = oldest <= peer.resume.answered <= ledger.peer_batches
    masked = ledger.own_batches <= peer.resume.masked <= plan.batches(own.count)
    if not (same and answered and masked):
        raise ResumeMismatch("the parties' records of the interrupted run do not fit each other")


def _verdict(role: Role, large_enough: bool) -> Steps[bool]:
    """Agree whether the result is released; a sender is told this and no more."""
    if role != "sender":
        yield Send(wire.Verdict(released=large_enough))
    if role == "receiver":
        return large_enough
    verdict = yield from receive(wire.Verdict)
    if role == "both" and verdict.released != large_enough:
        raise PeerValue("the peer came to another intersection")
    return verdict.released
