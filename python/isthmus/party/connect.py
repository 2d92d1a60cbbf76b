"""From a party file to a session."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.handshake import Proposal
from isthmus.party.party_file import PartyFile, load_party_file
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import FROM_DIALLER, FROM_LISTENER, Direction

log = logging.getLogger(__name__)


@contextmanager
def connect(party_file: str | Path, *, job: str) -> Iterator[Session]:
    """Meet the peer of a party file; give the session to the ``with`` block and close it after.

    The party with ``listen`` waits for the other, the one with ``peer.address`` dials, each up to
    ``limits.connect_seconds``. ``job`` names what the session is for; both parties must give the same.

    Raises ConfigError naming the wrong key; TlsAuth, NotAuthorised or DeadlineError if the peer cannot be
    met; whatever ends the handshake.
    """
    config = load_party_file(party_file)
    if config.address:
        channel = dial(config.address, config.identity, config.limits.connect_seconds)
        with Session(channel, proposal(config, job, FROM_DIALLER), audit_file=config.audit) as session:
            yield session
        return
    with listening(config) as listener:
        channel = listener.accept(config.limits.connect_seconds)
        with Session(channel, proposal(config, job, FROM_LISTENER), audit_file=config.audit) as session:
            yield session


@contextmanager
def listening(config: PartyFile) -> Iterator[Listener]:
    """Open the party file's listener for the length of the ``with`` block."""
    listener = Listener(config.listen, config.identity)
    log.info("%s listens at port %d", config.identity.name, listener.port)
    try:
        yield listener
    finally:
        listener.close()


def proposal(config: PartyFile, job: str, direction: Direction) -> Proposal:
    """Return this party's side of the handshake."""
    return Proposal(
        party=config.identity.name,
        peer=config.identity.peer_name,
        job=job,
        limits=config.limits,
        direction=direction,
        credentials=config.identity,
    )
