"""Both parties on one machine: threads for tests, processes for notebooks and the demo."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import cloudpickle

from isthmus.errors import CancelledError, InvalidArgument, IsthmusError, PeerFailed, PeerGone
from isthmus.party.certificates import Authority
from isthmus.party.channel.base import Channel
from isthmus.party.channel.memory import memory_pair
from isthmus.party.handshake import Proposal
from isthmus.party.limits import Limits
from isthmus.party.local_worker import CANCEL, RemoteTraceback, Task
from isthmus.party.party_file import write_party_file
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import FROM_DIALLER, FROM_LISTENER
from isthmus.protocol.machine import Progress

PartyFunction = Callable[[Session], Any]
ProgressFunction = Callable[[str, Progress], None]

_JOB = "local"
_ENDING_SECONDS = 3.0
# A signal that arrives just before a wait begins does not end it: Python acts on it after the wait.
_LOOK_SECONDS = 0.5


def run_in_memory(parties: Mapping[str, PartyFunction], *, limits: Limits | None = None) -> dict[str, Any]:
    """Run two functions as two parties in two threads, joined by an in-memory channel.

    Each gets its :class:`Session`. Returns both results by party name; raises the error that came first.
    """
    names = _names(parties)
    results: dict[str, Any] = {}
    errors: dict[str, BaseException] = {}
    sessions: dict[str, Session] = {}

    def work(name: str, channel: Channel, proposal: Proposal) -> None:
        try:
            with Session(channel, proposal) as session:
                sessions[name] = session
                results[name] = parties[name](session)
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
        raise _root_cause(list(errors.values()))
    return {name: results[name] for name in names}


def run_local(
    parties: Mapping[str, PartyFunction],
    *,
    on_progress: ProgressFunction | None = None,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Run two functions as two parties in two processes that talk over mutual TLS on loopback.

    Each function gets its :class:`Session` and may be a closure or a notebook's function.
    ``on_progress(party, progress)`` is called here as either party reports. Keys and certificates live in a
    temporary folder for the length of the call, and nothing keeps running after it.

    Returns both results by party name; raises the error that caused the end, with its class, code and row. On
    Ctrl-C, or when one party fails, both have ended within five seconds.
    """
    names = _names(parties)
    with tempfile.TemporaryDirectory(prefix="isthmus-") as folder:
        run = _LocalRun(Path(folder), names, limits or Limits(), on_progress)
        try:
            run.start(parties)
            run.watch()
        except BaseException:
            run.cancel()
            raise
        finally:
            run.end()
        return run.outcome()


class _Child:
    """One party's process and the pipe to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pipe, theirs = Pipe()
        descriptor = theirs.fileno()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        # The parties share this machine's cores: a thread that waits must leave its core to the other party.
        environment.setdefault("OMP_WAIT_POLICY", "passive")
        # A group of its own: Ctrl-C reaches the parent alone, which then ends both in good order.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "isthmus.party.local_worker", str(descriptor)],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        theirs.close()
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = False

    def send(self, data: bytes) -> None:
        with suppress(OSError):  # it has ended; receive() says how
            self.pipe.send_bytes(data)

    def receive(self) -> tuple[str, Any]:
        """Return the next ``(kind, value)`` from the child; an "error" if it died."""
        try:
            kind, value = pickle.loads(self.pipe.recv_bytes())
        except (EOFError, OSError):
            status = self.process.wait()
            error = IsthmusError(f"the process of {self.name} ended with status {status} and no result")
            return "error", (error, "")
        return kind, value

    def end(self, deadline: float) -> None:
        """Wait for the process until ``deadline``; then kill its whole group."""
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.pipe.close()


class _LocalRun:
    def __init__(
        self, folder: Path, names: tuple[str, str], limits: Limits, on_progress: ProgressFunction | None
    ) -> None:
        self._folder = folder
        self._names = names
        self._limits = limits
        self._on_progress = on_progress
        self._children: list[_Child] = []
        authority = Authority()
        authority.write_certificate(folder / "authority.crt")
        self._pins = {name: authority.issue(folder, name) for name in names}

    def start(self, parties: Mapping[str, PartyFunction]) -> None:
        """Start both processes; the second gets its task when the first listens."""
        self._functions = {name: cloudpickle.dumps(parties[name]) for name in self._names}
        for name in self._names:
            self._children.append(_Child(name))
        self._assign(self._children[0], listen="127.0.0.1:0")

    def watch(self) -> None:
        """Move progress and outcomes until both have ended, or one failed and the other had its time."""
        deadline: float | None = None
        while running := [child for child in self._children if not child.ended]:
            left = _LOOK_SECONDS if deadline is None else min(_LOOK_SECONDS, deadline - time.monotonic())
            ready = wait([child.pipe for child in running], max(left, 0.0))
            for child in running:
                if child.pipe in ready:
                    self._take(child)
            if deadline is None and any(child.error for child in self._children):
                deadline = time.monotonic() + _ENDING_SECONDS / 2
            if not ready and deadline is not None and time.monotonic() >= deadline:
                self.cancel()
                return

    def cancel(self) -> None:
        """Ask both children to stop; their sessions tell each other."""
        for child in self._children:
            child.send(CANCEL)

    def end(self) -> None:
        """Make sure that no process is left."""
        deadline = time.monotonic() + _ENDING_SECONDS
        for child in self._children:
            child.end(deadline if not child.ended else time.monotonic() + 1.0)

    def outcome(self) -> dict[str, Any]:
        """Return the results, or raise what caused the failure."""
        errors = [child.error for child in self._children if child.error is not None]
        if errors:
            raise _root_cause(errors)
        return {child.name: child.result for child in self._children}

    def _take(self, child: _Child) -> None:
        kind, value = child.receive()
        if kind == "port":
            self._assign(self._children[1], address=f"127.0.0.1:{value}")
        elif kind == "progress":
            if self._on_progress is not None:
                self._on_progress(child.name, value)
        elif kind == "result":
            child.result, child.ended = value, True
        else:
            child.error, child.ended = value[0], True
            child.error.__cause__ = RemoteTraceback(value[1])

    def _assign(self, child: _Child, *, listen: str = "", address: str = "") -> None:
        peer = next(name for name in self._names if name != child.name)
        path = self._folder / f"{child.name}.toml"
        write_party_file(
            path,
            name=child.name,
            peer=peer,
            peer_fingerprint=self._pins[peer],
            authority="authority.crt",
            listen=listen,
            address=address,
            limits=self._limits,
        )
        child.send(pickle.dumps(Task(path, _JOB, self._functions[child.name])))


def _names(parties: Mapping[str, PartyFunction]) -> tuple[str, str]:
    if len(parties) != 2:
        raise InvalidArgument(f"isthmus joins exactly two parties; {len(parties)} were given")
    first, second = parties
    return first, second


def _root_cause(errors: list[BaseException]) -> BaseException:
    """Return the error that is not merely the echo of the other party's."""
    echoes = (PeerFailed, PeerGone, CancelledError)
    return next((error for error in errors if not isinstance(error, echoes)), errors[0])
