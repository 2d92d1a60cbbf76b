"""psi_voprf/1: private set intersection in which the sender proves that it answered with one key.

The sender draws the key of a verifiable oblivious pseudorandom function for the run and shows its public
key; the receiver learns the function of each of its items, with a proof for every batch, and compares with
the sender's outputs for its own items. The messages, what each party learns, and what the proofs are worth,
are in ``docs/protocols/psi_voprf.md``.

Ref  RFC 9497; Jarecki and Liu, TCC 2009 (intersection from an oblivious function).
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from google.protobuf.message import Message

from isthmus import oprf
from isthmus.errors import DecodeError, PointEncoding, PointInvalid
from isthmus.items import SecretSeed
from isthmus.protocol.batches import Batch, Stream, batch_rows, refer_to_set
from isthmus.protocol.machine import Progress, Receive, Send, Steps, receive
from isthmus.protocol.matching import (
    BATCH_ITEMS,
    MAX_ITEMS,
    MAX_MESSAGE_BYTES,
    NONCE_BYTES,
    STAGE,
    Bytes2d,
    Items,
    Ledger,
    Match,
    Role,
    RunRecord,
    check_start,
    compare,
    progress,
)
from isthmus.protocol.suites import KEY_BYTES, PsiSuite, tag_bytes
from isthmus.protocol.wire import psi_voprf_pb2 as wire

__all__ = ["BATCH_ITEMS", "MAX_ITEMS", "MAX_MESSAGE_BYTES", "PROTOCOL", "WINDOW", "voprf_psi"]

PROTOCOL = "psi_voprf/1"

WINDOW = 8
"""Batches that the receiver blinds ahead of the answers: both parties compute, and few blinds are kept."""

_WIRE_ROLES: dict[Role, wire.Role] = {"receiver": wire.ROLE_RECEIVER, "sender": wire.ROLE_SENDER}


def voprf_psi(
    items: Items,
    ledger: Ledger,
    *,
    role: Literal["receiver", "sender"],
    min_result: int,
    suite: PsiSuite,
    batch_items: int = BATCH_ITEMS,
) -> Steps[Match]:
    """Let the receiver learn which of its items the sender has too.

    The parameters are those of :func:`isthmus.protocol.psi_ecdh.ecdh_psi`. A ledger's earlier run is
    forgotten. There is no engine: neither the key nor the blinds of a batch leave the process.

    Raises
    ------
    ProofInvalid
        The sender did not multiply all elements of a batch by the key that it showed at the start.
    ParameterMismatch, TooLarge, ProtocolCount, DecodeError, PeerDuplicate, PeerValue
        The peer's role, counts or messages are not those of an honest party.
    PointInvalid, PointEncoding
        The peer sent something else than elements of the group; ``row`` is a position in the receiver's set.
    """
    yield Progress(STAGE, 0, 0)
    function = oprf.suite(suite.identifier)
    server = oprf.Server(function.generate_key()) if role == "sender" else None
    own = wire.Start(role=_WIRE_ROLES[role], count=items.count, nonce=secrets.token_bytes(NONCE_BYTES))
    own.public_key = server.public_key if server is not None else b""
    yield Send(own)
    peer = yield from receive(wire.Start)
    check_start(own, peer, role, _WIRE_ROLES)
    if server is not None and peer.public_key:
        raise DecodeError("a receiver has no public key")
    plan = _Plan(function, _name(own, peer), items.count, peer.count, role == "receiver", batch_items)
    record = RunRecord(plan.run, SecretSeed(), items.count, peer.count)  # a seed that nothing follows from
    ledger.begin(record, own_tags=items.count if plan.learns else 0, tag_bytes=plan.tag_bytes)
    if server is not None:
        yield from _Sender(items, ledger, plan, server).steps()
        verdict = yield from receive(wire.Verdict)
        return Match(None, None, peer.count, verdict.released)
    yield from _Receiver(items, ledger, plan, oprf.Client(function, peer.public_key)).steps()
    return (yield from _matched(ledger, plan, min_result))


def _name(own: wire.Start, peer: wire.Start) -> bytes:
    """Return the run's name, which commits to the sender's key: with another one, inputs differ too."""
    nonces = sorted((own.nonce, peer.nonce))
    return hashlib.sha256(b"".join((PROTOCOL.encode(), *nonces, own.public_key, peer.public_key))).digest()


def _matched(ledger: Ledger, plan: _Plan, min_result: int) -> Steps[Match]:
    """Compare the tags, tell the sender whether the result is large enough, and return it if it is."""
    positions = yield from compare(ledger, plan.own_count + plan.peer_count)
    found = np.concatenate(positions) if positions else np.empty(0, dtype=np.uint64)
    released = len(found) >= min_result
    yield Send(wire.Verdict(released=released))
    if not released:
        return Match(None, None, plan.peer_count, released)
    return Match(found, len(found), plan.peer_count, released)


@dataclass(frozen=True)
class _Plan:
    """What both parties know of the run before its first batch."""

    function: oprf.Suite
    run: bytes
    own_count: int
    peer_count: int
    learns: bool
    batch_items: int

    @property
    def tag_bytes(self) -> int:
        """How long tags are: no item of the sender's shares one with another item of either party's."""
        both = self.own_count + self.peer_count
        return tag_bytes(both, self.peer_count if self.learns else self.own_count)

    def progress(self, passes: int) -> Progress:
        """Return how far this party is, after blinding, answering and comparing so many items."""
        return progress(passes, own=self.own_count, peer=self.peer_count, learns=self.learns)

    def inputs(self, digests: Bytes2d) -> list[bytes]:
        """Return what the function is taken of: items, bound to the run."""
        domain = PROTOCOL.encode() + self.run
        return [domain + digest.tobytes() for digest in digests]

    def tags(self, outputs: Bytes2d) -> Bytes2d:
        """Cut outputs, which are hashes, to the length of tags."""
        return np.ascontiguousarray(outputs[:, : self.tag_bytes])

    def elements(self, data: bytes, batch: Batch) -> Bytes2d:
        """Read one element per item of a batch."""
        return batch_rows(data, batch, self.function.group.element_bytes)


class _Receiver:
    """Blinds its items, checks the answers, and takes the sender's tags."""

    def __init__(self, items: Items, ledger: Ledger, plan: _Plan, client: oprf.Client) -> None:
        self._items = items
        self._ledger = ledger
        self._plan = plan
        self._client = client
        self._mine = Stream(plan.own_count, plan.batch_items)
        self._returned = Stream(plan.own_count, plan.batch_items)
        self._theirs = Stream(plan.peer_count, plan.batch_items)
        self._blinded: deque[oprf.Blinded] = deque()

    def steps(self) -> Steps[None]:
        """Go on until all answers and tags are there; what has arrived comes before what is to be sent."""
        while not (self._returned.finished and self._theirs.finished):
            may_blind = not self._mine.finished and len(self._blinded) < WINDOW
            types: list[type[Message]] = [wire.Evaluated] if self._blinded else []
            types += [] if self._theirs.finished else [wire.Tags]
            message: Any = (yield Receive(tuple(types), wait=not may_blind)) if types else None
            if isinstance(message, wire.Evaluated):
                self._finalize(message)
            elif isinstance(message, wire.Tags):
                self._keep(message)
            else:
                yield Send(self._blind(self._mine.next()))
            done = self._mine.done + self._returned.done + self._theirs.done
            yield self._plan.progress(done)

    def _blind(self, batch: Batch) -> wire.Blinded:
        inputs = self._plan.inputs(self._items.digests(batch.start, batch.stop))
        self._blinded.append(self._client.blind(inputs))
        return wire.Blinded(index=batch.index, elements=self._blinded[-1].elements.tobytes())

    def _finalize(self, message: wire.Evaluated) -> None:
        batch = self._returned.next(message.index)
        elements = self._plan.elements(message.elements, batch)
        proof = np.frombuffer(message.proof, dtype=np.uint8).reshape(1, -1) if message.proof else None
        try:
            outputs = self._client.finalize(self._blinded.popleft(), oprf.Evaluation(elements, proof))
        except (PointInvalid, PointEncoding) as error:
            raise refer_to_set(error, batch, "an evaluated item") from None
        self._ledger.add_own(self._plan.tags(outputs))

    def _keep(self, message: wire.Tags) -> None:
        tags = batch_rows(message.tags, self._theirs.next(message.index), self._plan.tag_bytes)
        self._ledger.add_peer(np.pad(tags, ((0, 0), (0, KEY_BYTES - self._plan.tag_bytes))))


class _Sender:
    """Answers the receiver's batches, and sends the tags of its own items in between."""

    def __init__(self, items: Items, ledger: Ledger, plan: _Plan, server: oprf.Server) -> None:
        self._items = items
        self._ledger = ledger
        self._plan = plan
        self._server = server
        self._mine = Stream(plan.own_count, plan.batch_items)
        self._answered = Stream(plan.peer_count, plan.batch_items)

    def steps(self) -> Steps[None]:
        """Go on until all is answered and sent. Tags go no further ahead than the receiver's batches do."""
        while not (self._mine.finished and self._answered.finished):
            ahead = self._mine.index - self._answered.index
            may_send = not self._mine.finished and (self._answered.finished or ahead < WINDOW)
            message: Any = None
            if not self._answered.finished:
                message = yield Receive((wire.Blinded,), wait=not may_send)
            yield Send(self._tags(self._mine.next()) if message is None else self._evaluate(message))
            yield self._plan.progress(self._mine.done + self._answered.done)

    def _evaluate(self, message: wire.Blinded) -> wire.Evaluated:
        batch = self._answered.next(message.index)
        try:
            evaluation = self._server.evaluate(self._plan.elements(message.elements, batch))
        except (PointInvalid, PointEncoding) as error:
            raise refer_to_set(error, batch, "a blinded item") from None
        self._ledger.count_answered(batch.stop - batch.start)
        assert evaluation.proof is not None, "the mode is voprf, and a batch has one proof"
        return wire.Evaluated(
            index=batch.index, elements=evaluation.elements.tobytes(), proof=evaluation.proof.tobytes()
        )

    def _tags(self, batch: Batch) -> wire.Tags:
        inputs = self._plan.inputs(self._items.digests(batch.start, batch.stop))
        outputs = self._server.evaluate_directly(inputs)
        return wire.Tags(index=batch.index, tags=self._plan.tags(outputs).tobytes())
