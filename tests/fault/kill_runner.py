"""Runs two parties of an intersection in processes of their own, and kills them where a plan says.

A plan gives each party at most one way to die the first time it runs: ``["call", k, "before" | "after" |
"torn"]`` at the k-th call that changes files, or ``["time", seconds]``. Whoever was killed is started again;
if the other had finished by then, so is the other. This module is a program: it reads one JSON plan per line
and answers with one JSON outcome per line. Whoever could not reach the other, which had finished, is started
again with it: that is the end of a run where one party has its result and the other does not. It forks its
children, which makes them start at once.
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
    """Counts the calls that change files, and ends this process at one of them."""

    def __init__(self, plan):
        self.calls = []
        self._plan = plan
        for name in WATCHED:
            setattr(os, name, self._wrapped(name, CALLS[name]))
        if plan and plan[0] == "time":
            threading.Timer(plan[1], self.die).start()

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
    killer = Killer(plan)
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
    outcome = {}
    try:
        with Session(reopen(), proposal, reopen=reopen) as session:
            killer.calls.clear()
            result = intersect(session, name, folder, options)
            outcome = {"learned": result, "audit": [record["event"] for record in session.audit]}
    except IsthmusError as error:
        outcome = {"error": f"{error}"}
    outcome["calls"] = killer.calls
    (folder / f"{name}.json").write_text(json.dumps(outcome))
    return "learned" in outcome


def intersect(session, name, folder, options):
    role = options["roles"][name]
    state = folder / f"{name}.state"
    if options["reveal"] == "size":
        return psi.intersection_size(session, IDS[name], role=role, state_dir=state).size
    found = psi.intersect(session, IDS[name], role=role, state_dir=state)
    return None if found.indices is None else [IDS[name][i] for i in found.indices]


def start(name, folder, plan, options):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        code = 0 if party(name, folder, plan, options) else 1
    finally:
        os._exit(code)


def run(plan, folder, pins):
    """Run both parties until both have finished; return their outcomes and how often they were started."""
    options = {"pins": pins, "roles": plan["roles"], "reveal": plan["reveal"]}
    running = {start(name, folder, plan.get(name), options): name for name in NAMES}
    starts, finished = dict.fromkeys(NAMES, 1), set()
    deadline = time.monotonic() + 40
    signal.alarm(45)
    while running:
        pid, status = os.wait()
        name = running.pop(pid)
        assert time.monotonic() < deadline
        if status != 0:
            assert starts[name] < 9, (folder / f"{name}.json").read_text()
            again = {name} | finished
            finished.clear()
            for one in sorted(again):
                starts[one] += 1
                running[start(one, folder, None, options)] = one
        else:
            finished.add(name)
    signal.alarm(0)
    outcomes = {name: json.loads((folder / f"{name}.json").read_text()) for name in NAMES}
    left = sorted(path.name for name in NAMES for path in folder.glob(f"{name}.state/*"))
    return {"outcomes": outcomes, "starts": starts, "left": left}


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
            print(json.dumps(run(json.loads(line), folder, pins)), flush=True)


if __name__ == "__main__":
    main()
