"""Drives the members of a star against each other: in one thread, or with a session for each spoke."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.message import Message

from isthmus import items
from isthmus.party.certificates import Authority
from isthmus.party.channel import Channel, memory_pair
from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.handshake import Proposal
from isthmus.party.identity import Identity
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import FROM_DIALLER, FROM_LISTENER
from isthmus.protocol.machine import Progress
from isthmus.protocol.psi_star import member
from isthmus.protocol.psi_star_plan import LEAD
from isthmus.protocol.psi_star_steps import From, Means, StarMatch, To
from isthmus.protocol.suites import psi_suite
from isthmus.psi.sealing import RunKey
from isthmus.psi.star_sets import StarSets
from isthmus.psi.workspace import Workspace
from tests.protocol.conformance import PATIENT_SECONDS, QUICK, Outcome
from tests.protocol.psi_parties import InlineEngine

NAMES = ("hub", "ann", "bob", "cy", "dot")

Tamper = Callable[[int, int, int, Message], Message | None]


class Plain:
    """A box that anyone can open, so that a test can look into it and change it."""

    def __init__(self) -> None:
        self._key = RunKey()
        self.public_key = self._key.public_key

    def bind(self, own: int, public_keys: Sequence[bytes], context: bytes) -> None:
        self._key.bind(own, public_keys, context)

    def seal(self, to: int, content: bytes) -> bytes:
        return content + bytes(16)

    def open(self, sender: int, box: bytes) -> bytes:
        return box[:-16]


class Items:
    """Identifiers in the order given."""

    def __init__(self, ids: Sequence[str]) -> None:
        encoded = ([pa.array([each], pa.string())] for each in ids)
        digests = [hashlib.sha256(items.encode_item(columns, 0)).digest() for columns in encoded]
        self._digests = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)
        self.count = len(ids)

    def digests(self, start, stop):
        return self._digests[start:stop]


def drive_star(
    sets: Sequence[Sequence[str]],
    *,
    min_result: int = 0,
    chunk_items: int = 4,
    suite: str = "ristretto255",
    seals: Callable[[], Any] = RunKey,
    tamper: Tamper | None = None,
    room: int = LEAD,
) -> list[StarMatch]:
    """Run one member per set and return what each learned.

    ``tamper(sender, to, i, message)`` may change the i-th message between two members, or drop it by None.
    Only ``room`` messages wait for a member from another.
    """
    names = NAMES[: len(sets)]
    machines = [
        member(
            Means(Items(ids), StarSets(Workspace(), 0), InlineEngine(), seals()),
            names if index == 0 else (names[0], names[index]),
            hub=index == 0,
            min_result=min_result,
            suite=psi_suite(suite),
            chunk_items=chunk_items,
        )
        for index, ids in enumerate(sets)
    ]
    queues: dict[tuple[int, int], deque[Message]] = {}
    sent: dict[tuple[int, int], int] = {}
    steps: list[Any] = [next(machine) for machine in machines]
    results: list[Any] = [None] * len(sets)
    while any(step is not None for step in steps):
        moved = False
        for index, machine in enumerate(machines):
            while (step := steps[index]) is not None:
                answer = None
                if isinstance(step, From):
                    queue = queues.get((step.member, index))
                    if not queue:
                        break
                    answer = queue.popleft()
                    assert isinstance(answer, step.kind)
                elif isinstance(step, To):
                    pair = (index, step.member)
                    if len(queues.get(pair, ())) == room:
                        break
                    message: Any = type(step.message).FromString(step.message.SerializeToString())
                    if tamper is not None:
                        message = tamper(*pair, sent.get(pair, 0), message)
                    sent[pair] = sent.get(pair, 0) + 1
                    if message is not None:
                        queues.setdefault(pair, deque()).append(message)
                else:
                    assert isinstance(step, Progress)
                    assert 0 <= step.done <= step.total
                moved = True
                try:
                    steps[index] = machine.send(answer)
                except StopIteration as stop:
                    steps[index], results[index] = None, stop.value
        assert moved, "the members wait for each other"
    assert not any(queues.values()), "a message was not read"
    return results


# --- sessions ----------------------------------------------------------------------------------------------


def run_star(
    hub: Callable[[list[Session]], Any],
    spokes: Sequence[Callable[[Session], Any]],
    *,
    transport: str = "memory",
    limits: Limits = QUICK,
) -> list[Outcome]:
    """Run a hub that has a session with each spoke; return how each party ended, the hub first."""
    names = NAMES[: len(spokes) + 1]
    outcomes = [Outcome() for _ in names]
    with ExitStack() as stack:
        links = [stack.enter_context(_link(transport, names[0], name, limits)) for name in names[1:]]
        threads = [
            threading.Thread(target=_be_hub, args=(outcomes[0], hub, [a for a, _ in links]), daemon=True)
        ]
        for outcome, spoke, (_, end) in zip(outcomes[1:], spokes, links, strict=True):
            threads.append(threading.Thread(target=_be_spoke, args=(outcome, spoke, end), daemon=True))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a party hangs"
    return outcomes


End = tuple[Channel, Proposal]


def _be_hub(outcome: Outcome, work: Callable[[list[Session]], Any], ends: Sequence[End]) -> None:
    try:
        with ExitStack() as stack:
            outcome.result = work([stack.enter_context(Session(*end)) for end in ends])
    except BaseException as error:
        outcome.error = error


def _be_spoke(outcome: Outcome, work: Callable[[Session], Any], end: End) -> None:
    try:
        with Session(*end) as session:
            outcome.session = session
            outcome.result = work(session)
    except BaseException as error:
        outcome.error = error


@contextmanager
def _link(transport: str, hub: str, spoke: str, limits: Limits) -> Iterator[tuple[End, End]]:
    """Return both ends of a connection between the hub, which listens, and a spoke."""
    credentials: dict[str, Identity] = {}
    with ExitStack() as stack:
        if transport == "memory":
            dialled, accepted = memory_pair()
        else:
            credentials = _identities(Path(stack.enter_context(TemporaryDirectory())), hub, spoke)
            listener = Listener("127.0.0.1:0", credentials[hub])
            stack.callback(listener.close)
            dialled = dial(f"127.0.0.1:{listener.port}", credentials[spoke], PATIENT_SECONDS)
            accepted = listener.accept(PATIENT_SECONDS)
        yield (
            (accepted, Proposal(hub, spoke, "star", limits, FROM_LISTENER, credentials.get(hub))),
            (dialled, Proposal(spoke, hub, "star", limits, FROM_DIALLER, credentials.get(spoke))),
        )


def _identities(folder: Path, *names: str) -> dict[str, Identity]:
    authority = Authority()
    authority.write_certificate(folder / "ca.crt")
    pins = {name: authority.issue(folder, name) for name in names}
    return {
        name: Identity(
            name=name,
            certificate_path=folder / f"{name}.crt",
            private_key_path=folder / f"{name}.key",
            authority_path=folder / "ca.crt",
            peer_name=peer,
            peer_fingerprint=pins[peer],
        )
        for name, peer in zip(names, reversed(names), strict=True)
    }
