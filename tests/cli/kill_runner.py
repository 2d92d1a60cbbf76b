"""Runs ``isthmus psi run`` at a bank and a fund, and kills either at a call that changes files.

This module is a program, given the folder of both parties' folders: it reads one JSON plan per line, with at
most one way to die for each party's first start, ``["call", k, "before" | "after" | "torn"]`` at its k-th
call, and answers with one JSON outcome per line. Whoever was killed is started again, and so is whoever is
waited for. It forks its children, which makes them start at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pyarrow.parquet  # noqa: F401  here, once, what every child would import anew
import rich.progress  # noqa: F401

import isthmus.psi
import isthmus.tables  # noqa: F401
from isthmus.cli.app import main as command
from isthmus.party import connect  # noqa: F401
from isthmus.party.audit import verify_audit_file
from tests.cli.parties import PARTIES, STATE, psi_arguments

WATCHED = ("write", "fsync", "fdatasync", "replace", "unlink", "ftruncate", "mkdir", "rmdir")
LIMIT_SECONDS = 60


class Calls:
    """Counts the calls that change files, and ends this process at one of them."""

    def __init__(self, plan):
        self.seen = []
        self._plan = plan
        for name in WATCHED:
            setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name, call):
        def counted(*arguments, **options):
            self.seen.append(name)
            how = self._plan[2] if self._plan and self._plan[1] == len(self.seen) else ""
            if how == "torn":
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            if how in ("torn", "before"):
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return call(*arguments, **options)
            finally:
                if how:
                    os.kill(os.getpid(), signal.SIGKILL)

        return counted


class Run:
    """Both parties' commands, until both have ended well."""

    def __init__(self, world, plan):
        self._world = world
        self._arguments = psi_arguments(bank=STATE, fund=STATE)
        self._running, self._killed = {}, []
        self._starts = dict.fromkeys(PARTIES, 0)
        for name in PARTIES:
            shutil.rmtree(world / name / "state", ignore_errors=True)
            for file in ("aligned.parquet", "audit.jsonl", "said"):
                (world / name / file).unlink(missing_ok=True)
        for name in PARTIES:
            self._start(name, plan.get(name))

    def outcome(self):
        """Wait for the end; return the calls of each, how often each was started, and who was killed."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while self._running:
            assert time.monotonic() < deadline, self._said()
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                time.sleep(0.002)
            else:
                name = self._running.pop(pid)
                if os.WIFSIGNALED(status):
                    self._killed.append(name)
                if status != 0:
                    self._start(name)
            self._start_who_is_waited_for()
        return {
            "calls": {name: json.loads((self._world / name / "calls").read_text()) for name in PARTIES},
            "starts": self._starts,
            "killed": self._killed,
            "records": {name: verify_audit_file(self._world / name / "audit.jsonl") for name in PARTIES},
        }

    def _start_who_is_waited_for(self):
        for name, other in (PARTIES, PARTIES[::-1]):
            said = (self._world / name / "said").read_text()
            waits = name in self._running.values() and "waiting for" in said and "connected" not in said
            if waits and other not in self._running.values():
                self._start(other)

    def _said(self):
        return {name: (self._world / name / "said").read_text() for name in PARTIES}

    def _start(self, name, plan=None):
        assert self._starts[name] < 9, self._said()
        self._starts[name] += 1
        (self._world / name / "said").write_text("")
        pid = os.fork()
        if pid:
            self._running[pid] = name
            return
        os.chdir(self._world / name)
        said = os.open("said", os.O_WRONLY | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        calls, code = Calls(plan), 1
        sys.argv[1:] = self._arguments[name]
        try:
            command()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            Path("calls").write_text(json.dumps(calls.seen))
            os._exit(code)


def main():
    world = Path(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(Run(world, json.loads(line)).outcome()), flush=True)


if __name__ == "__main__":
    main()
