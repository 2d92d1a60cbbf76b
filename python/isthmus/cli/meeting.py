"""A command's sessions with its peers: connects, shows progress, and ends cleanly on Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.cli.progress import watch

if TYPE_CHECKING:
    from rich.console import Console

    from isthmus.party import Session


@contextmanager
def meet(party_file: Path, job: str, console: Console) -> Iterator[Session]:
    """Open the session of a party file, and show its progress until the ``with`` block ends."""
    with meet_all([party_file], job, console) as sessions:
        yield sessions[0]


@contextmanager
def meet_all(party_files: Sequence[Path], job: str, console: Console) -> Iterator[list[Session]]:
    """Open a session for each party file, in this order, and show the first one's progress."""
    from isthmus.party import connect
    from isthmus.party.party_file import load_party_file

    sessions = []
    peers = [load_party_file(file).identity.peer_name for file in party_files]
    with ExitStack() as stack:
        for file, peer in zip(party_files, peers, strict=True):
            console.print(f"waiting for {peer} to start job {job!r} ...", highlight=False, markup=False)
            session = stack.enter_context(connect(file, job=job))
            console.print(f"connected: {session.party} with {peer}", highlight=False, markup=False)
            sessions.append(session)
        sessions[0].on_progress = stack.enter_context(watch(console))
        yield sessions
