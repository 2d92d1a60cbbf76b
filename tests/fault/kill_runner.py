"""Runs two parties of an intersection in processes of their own, and kills them where a plan says.

A plan gives each party at most one way to die the first time it runs: ``["call", k, "before" | "after" |
"torn"]`` at the k-th call that changes files once the parties have met, those of the audit file among them,
or ``["time", seconds]`` after that. Whoever was killed is started again; if the other had finished by then,
or does before both have met, so is the other: that is the end of a run where one party has its result and
the other does not. This module is a program: it reads one JSON plan per line and answers with one JSON
outcome per line. It forks its children, which makes them start at once.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from isthmus import psi
from isthmus.errors import IsthmusError
from isthmus.party.audit import verify_audit_file
from isthmus.party.certificates import Authority
from isthmus.party.handshake import Proposal
from isthmus.party.identity import Identity
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import FROM_DIALLER, FROM_LISTENER
from isthmus.protocol.psi_ecdh import ecdh_psi
from tests.protocol.socket_channel import Listener, dial

NAMES = ("alpha", "beta")
IDS = {"alpha": [f"id-{i}" for i in range(22)], "beta": [f"id-{i}" for i in range(40, 12, -1)]}
SHARED = sorted(set(IDS["alpha"]) & set(IDS["beta"]))
LIMITS = Limits(deadline_seconds=4.0, connect_seconds=2.0)
BATCH_ITEMS = 8
WATCHED = ("write", "fsync", "fdatasync", "replace", "unlink", "ftruncate")
CALLS = {name: getattr(os, name) for name in WATCHED}


class Killer:
    """Counts the calls that change files, and ends this process at one of them or after a time."""

    def __init__(self, plan):
        self.calls = []
        self._plan = plan
        for name in WATCHED:
            setattr(os, name, self._wrapped(name, CALLS[name]))
        if plan and plan[0] == "time":
            timer = threading.Timer(plan[1], self.die)
            timer.daemon = True
            timer.start()

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _wrapped(self, name, call):
        def counted(*arguments, **options):
            self.calls.append(name)
            due = self._plan and self._plan[0] == "call" and self._plan[1] == len(self.calls)
            how = self._plan[2] if due else ""
            if how == "before":
                self.die()
            if how == "torn" and name == "write":
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                self.die()
            try:
                return call(*arguments, **options)
            finally:
                if how == "after":
                    self.die()

        return counted


def party(name, folder, plan, options):
    """One party, in this process until it has finished or is killed."""
    identity = Identity(
        name=name,
        certificate_path=folder / f"{name}.crt",
        private_key_path=folder / f"{name}.key",
        authority_path=folder / "ca.crt",
        peer_name=NAMES[1 - NAMES.index(name)],
        peer_fingerprint=options["pins"][NAMES[1 - NAMES.index(name)]],
    )
    address = str(folder / "socket")
    if name == "beta":
        if os.path.exists(address):
            os.unlink(address)
        listener = Listener(address)
        reopen = lambda: listener.accept(LIMITS.connect_seconds)  # noqa: E731
    else:
        reopen = lambda: dial(address, LIMITS.connect_seconds)  # noqa: E731
    direction = FROM_LISTENER if name == "beta" else FROM_DIALLER
    proposal = Proposal(name, identity.peer_name, "kill", LIMITS, direction, identity)
    audit = folder / f"{name}.jsonl"
    try:
        with Session(reopen(), proposal, audit_file=audit, reopen=reopen) as session:
            (folder / f"{name}.met").touch()
            began, killer = time.monotonic(), Killer(plan)
            learned = intersect(session, name, folder, options)
            seconds = time.monotonic() - began
            outcome = {"learned": learned, "calls": list(killer.calls), "seconds": seconds}
    except IsthmusError as error:
        outcome = {"error": f"{error}"}
    (folder / f"{name}.json").write_text(json.dumps(outcome))
    return "learned" in outcome


def intersect(session, name, folder, options):
    role = options["roles"][name]
    state = folder / f"{name}.state"
    if options["reveal"] == "size":
        return psi.intersection_size(session, IDS[name], role=role, state_dir=state).size
    found = psi.intersect(session, IDS[name], role=role, state_dir=state)
    return None if found.indices is None else [IDS[name][i] for i in found.indices]


class Run:
    """Both parties, until both have finished."""

    def __init__(self, plan, folder, pins):
        self._folder = folder
        self._options = {"pins": pins, "roles": plan["roles"], "reveal": plan["reveal"]}
        self._running, self._finished, self._killed = {}, set(), []
        self._starts = dict.fromkeys(NAMES, 0)
        for name in NAMES:
            (folder / f"{name}.jsonl").unlink(missing_ok=True)
            self._start(name, plan.get(name))

    def outcome(self):
        """Wait for the end; return what came of it, how often each was started, and who was killed."""
        deadline = time.monotonic() + 40
        signal.alarm(45)
        while self._running:
            pid, status = os.wait()
            name = self._running.pop(pid)
            assert time.monotonic() < deadline
            if os.WIFSIGNALED(status):
                self._killed.append(name)
            if status == 0:
                self._finish(name)
            else:
                again, self._finished = {name} | self._finished, set()
                for one in sorted(again):
                    self._start(one)
        signal.alarm(0)
        folder = self._folder
        return {
            "outcomes": {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES},
            "starts": self._starts,
            "killed": self._killed,
            "records": {name: verify_audit_file(folder / f"{name}.jsonl") for name in NAMES},
            "left": sorted(path.name for name in NAMES for path in folder.glob(f"{name}.state/*")),
        }

    def _finish(self, name):
        other = NAMES[1 - NAMES.index(name)]
        meets_nobody = other in self._running.values() and not (self._folder / f"{other}.met").exists()
        if meets_nobody:
            self._start(name)
        else:
            self._finished.add(name)

    def _start(self, name, plan=None):
        assert self._starts[name] < 9, (self._folder / f"{name}.json").read_text()
        self._starts[name] += 1
        (self._folder / f"{name}.met").unlink(missing_ok=True)
        pid = os.fork()
        if pid:
            self._running[pid] = name
            return
        code = 1
        try:
            code = 0 if party(name, self._folder, plan, self._options) else 1
        finally:
            os._exit(code)


def warm_up(folder, pins):
    """Import here, once, what every child would import anew."""
    options = {"pins": pins, "roles": dict.fromkeys(NAMES, "both"), "reveal": "rows"}
    threads = [threading.Thread(target=party, args=(name, folder, None, options)) for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    logging.disable()
    ecdh_psi.__kwdefaults__["batch_items"] = BATCH_ITEMS
    with tempfile.TemporaryDirectory(prefix="isthmus-kill-") as name:
        folder = Path(name)
        authority = Authority()
        authority.write_certificate(folder / "ca.crt")
        pins = {name: authority.issue(folder, name) for name in NAMES}
        warm_up(folder, pins)
        for line in sys.stdin:
            print(json.dumps(Run(json.loads(line), folder, pins).outcome()), flush=True)


if __name__ == "__main__":
    main()
