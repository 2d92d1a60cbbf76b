"""From a party file to a session."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from isthmus.errors import ConfigError
from isthmus.party.channel.base import Channel
from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.handshake import Proposal
from isthmus.party.party_file import PartyFile, load_party_file
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import FROM_DIALLER, FROM_LISTENER

log = logging.getLogger(__name__)


@contextmanager
def connect(party_file: str | Path, *, job: str) -> Iterator[Session]:
    """Meet the peer of a party file; give the session to the ``with`` block and close it after.

    The party with ``party.listen`` waits for the other, the one with ``peer.address`` dials, each up to
    ``limits.connect_seconds``. ``job`` names what the session is for; both parties must give the same.

    Raises ConfigError naming the wrong key; TlsAuth, NotAuthorised or DeadlineError if the peer cannot be
    met; whatever ends the handshake.
    """
    if not job:
        raise ConfigError("job: must not be empty; both parties give the same name")
    with open_session(load_party_file(party_file), job, lambda port: None) as session:
        yield session


@contextmanager
def open_session(config: PartyFile, job: str, on_listening: Callable[[int], None]) -> Iterator[Session]:
    """Like :func:`connect`, for a loaded file; ``on_listening`` is told the port once it is open."""
    with _meet(config, on_listening) as reopen:
        proposal = Proposal(
            party=config.identity.name,
            peer=config.identity.peer_name,
            job=job,
            limits=config.limits,
            direction=FROM_DIALLER if config.address else FROM_LISTENER,
            credentials=config.identity,
        )
        with Session(reopen(), proposal, audit_file=config.audit, reopen=reopen) as session:
            yield session


@contextmanager
def _meet(config: PartyFile, on_listening: Callable[[int], None]) -> Iterator[Callable[[], Channel]]:
    """Give a function that connects to the peer, each time it is called."""
    if config.address:
        yield lambda: dial(config.address, config.identity, config.limits.connect_seconds)
        return
    listener = Listener(config.listen, config.identity)
    try:
        log.info("%s listens at port %d", config.identity.name, listener.port)
        on_listening(listener.port)
        yield lambda: listener.accept(config.limits.connect_seconds)
    finally:
        listener.close()
