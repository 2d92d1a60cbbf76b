"""Both parties on one machine: threads for tests, processes for notebooks and the demo."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from isthmus.errors import CancelledError, InvalidArgument, PeerFailed, PeerGone
from isthmus.party.channel.base import Channel
from isthmus.party.channel.memory import memory_pair
from isthmus.party.handshake import Proposal
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import FROM_DIALLER, FROM_LISTENER

PartyFunction = Callable[[Session], Any]


def run_in_memory(parties: Mapping[str, PartyFunction], *, limits: Limits | None = None) -> dict[str, Any]:
    """Run two functions as two parties in two threads, joined by an in-memory channel.

    Each gets its :class:`Session`. Returns both results by party name; raises the error that came first.
    """
    names = party_names(parties)
    outcome: dict[str, Any] = {}
    errors: dict[str, BaseException] = {}
    sessions: dict[str, Session] = {}

    def work(name: str, channel: Channel, proposal: Proposal) -> None:
        try:
            with Session(channel, proposal) as session:
                sessions[name] = session
                outcome[name] = parties[name](session)
        except BaseException as error:  # handed to the caller below
            errors[name] = error

    limits = limits or Limits()
    ends = zip(names, reversed(names), memory_pair(), (FROM_LISTENER, FROM_DIALLER), strict=True)
    threads = [
        threading.Thread(
            target=work,
            args=(name, channel, Proposal(name, peer, "in-memory", limits, direction)),
            name=f"isthmus-{name}",
            daemon=True,
        )
        for name, peer, channel, direction in ends
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        for session in sessions.values():
            session.cancel()
        raise
    if errors:
        raise root_cause(list(errors.values()))
    return outcome


def party_names(parties: Mapping[str, PartyFunction]) -> tuple[str, str]:
    """Return the two names, checked."""
    if len(parties) != 2:
        raise InvalidArgument(f"isthmus joins exactly two parties; {len(parties)} were given")
    first, second = parties
    return first, second


def root_cause(errors: list[BaseException]) -> BaseException:
    """Return the error that is not merely the echo of the other party's."""
    echoes = (PeerFailed, PeerGone, CancelledError)
    return next((error for error in errors if not isinstance(error, echoes)), errors[0])
