"""A command's session with the peer: connects, shows progress, and ends cleanly on Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from isthmus.cli.progress import watch

if TYPE_CHECKING:
    from rich.console import Console

    from isthmus.party import Session


@contextmanager
def meet(party_file: Path, job: str, console: Console) -> Iterator[Session]:
    """Open the session of a party file, and show its progress until the ``with`` block ends."""
    from isthmus.party import connect

    console.print(f"waiting for the other party to start job {job!r} ...", highlight=False, markup=False)
    with connect(party_file, job=job) as session:
        console.print(f"connected: {session.party} with {session.peer}", highlight=False, markup=False)
        with watch(console) as show:
            session.on_progress = show
            yield session
