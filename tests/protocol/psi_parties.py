"""One party of a private set intersection without a session: its items, its ledger and its machine."""

from __future__ import annotations

from isthmus.items import SecretSeed
from isthmus.protocol.psi_ecdh import ecdh_psi
from isthmus.protocol.suites import psi_suite
from isthmus.psi.ingest import IdSource, read_items
from isthmus.psi.ledger import RunLedger
from isthmus.psi.workspace import Workspace

COUNTERPART = {"receiver": "sender", "sender": "receiver", "both": "both"}


class Done:
    """A batch that was computed when it was submitted."""

    def __init__(self, work, batch):
        try:
            self._found, self._error = work(batch), None
        except Exception as error:
            self._found, self._error = None, error

    def result(self):
        if self._error is not None:
            raise self._error
        return self._found


class InlineEngine:
    """Computes each batch at once, in this thread."""

    depth = 2

    def submit(self, work, batch):
        return Done(work, batch)


class PsiParty:
    """A party whose order of items is the same in every process that builds it with the same seed."""

    def __init__(self, ids, *, seed=None, memory_bytes=1 << 20):
        workspace = Workspace(memory_bytes)
        order = SecretSeed() if seed is None else SecretSeed(bytes([seed]) * 32)
        self.items = read_items(IdSource(ids), order, workspace, lambda rows: None)
        self.ledger = RunLedger(workspace, self.items.memory_bytes)

    def steps(
        self, role, *, reveal="rows", min_result=0, batch_items=5, suite="ristretto255", protocol=ecdh_psi
    ):
        return protocol(
            self.items,
            self.ledger,
            InlineEngine(),
            role=role,
            reveal=reveal,
            min_result=min_result,
            suite=psi_suite(suite),
            batch_items=batch_items,
        )

    def rows(self, match):
        """The rows of this party's input that a match is about, in the order of the tags."""
        return self.items.rows(match.positions).tolist()
