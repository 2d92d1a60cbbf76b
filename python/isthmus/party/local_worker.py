"""One party of :func:`isthmus.party.run_local`: a child process that runs one function with a session.

The parent holds the other end of a pipe. It sends a :class:`Task`, then at most a cancellation; it gets back
``(kind, value)`` pairs: "port", "progress", and at the end "result" or "error". If the pipe closes, the
parent is gone and so is the reason to run.
"""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle

from isthmus.errors import CancelledError
from isthmus.party.meeting import open_session
from isthmus.party.party_file import load_party_file

CANCEL = b"cancel"
_GRACE_SECONDS = 3.0


@dataclass(frozen=True)
class Task:
    """What a child is to do. ``function`` is pickled apart, so that its own failure to load is reported."""

    party_file: Path
    job: str
    function: bytes


class RemoteTraceback(Exception):
    """The traceback of an error that happened in a child process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def main() -> None:
    """Serve the parent at the pipe whose descriptor is the only argument."""
    # What ends a session is told by the parent; without a handler, logging would print it here too.
    logging.getLogger("isthmus").addHandler(logging.NullHandler())
    pipe: Connection[Any, Any] = Connection(int(sys.argv[1]))
    data = pipe.recv_bytes()
    if data == CANCEL:
        return
    task = pickle.loads(data)
    threading.Thread(target=_watch, args=(pipe,), daemon=True).start()
    try:
        message = ("result", _run(task, pipe))
        data = cloudpickle.dumps(message)
    except BaseException as error:  # every ending is the parent's to judge
        data = _pickled_error(error)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the outcome is settled; only its delivery is left
    pipe.send_bytes(data)


def _run(task: Task, pipe: Connection[Any, Any]) -> Any:
    def report(kind: str, value: Any) -> None:
        pipe.send_bytes(pickle.dumps((kind, value)))

    function = pickle.loads(task.function)
    with open_session(
        load_party_file(task.party_file), task.job, lambda port: report("port", port)
    ) as session:
        session.on_progress = lambda progress: report("progress", progress)
        return function(session)


def _watch(pipe: Connection[Any, Any]) -> None:
    """Interrupt the main thread when the parent cancels or is gone; end the process if that does not help."""
    with suppress(EOFError, OSError):
        pipe.recv_bytes()
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGINT)
    threading.Event().wait(_GRACE_SECONDS)
    os._exit(1)


def _pickled_error(error: BaseException) -> bytes:
    text = "".join(traceback.format_exception(error))
    if isinstance(error, KeyboardInterrupt):  # only the parent interrupts, and it knows why
        error = CancelledError("the run was stopped")
    data: bytes
    for candidate in (error, RuntimeError(f"{type(error).__name__}: {error}")):
        try:
            data = cloudpickle.dumps(("error", (candidate, text)))
            pickle.loads(data)
        except Exception:  # an exception class may refuse either way; the plain one does not
            continue
        return data
    raise AssertionError("a RuntimeError always pickles")


if __name__ == "__main__":
    main()
