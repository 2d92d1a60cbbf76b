"""Writes a run down as it goes, and finds it again after the process was killed.

The folder holds the run's secrets and terms, sealed under a key that follows from this party's private key,
and what was received: tags and keys, which mean nothing without the secrets. This party's own items are not
written: they are read again from the input, which must be the same, and come out in the same order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from isthmus.errors import CheckpointError, ResumeMismatch
from isthmus.items import SecretSeed
from isthmus.party.session import Session
from isthmus.protocol.matching import Bytes2d, RunRecord
from isthmus.protocol.suites import KEY_BYTES
from isthmus.psi.ledger import Begun, RunLedger
from isthmus.psi.own_items import OwnItems
from isthmus.psi.state_files import Folder, Log, Seal

_STATE, _OWN, _PEER = "run.state", "own.log", "peer.log"
_FILES = (_STATE, f"{_STATE}.new", _OWN, _PEER)
_VERSION = 1
_SALT_BYTES = 32
_PURPOSE = b"isthmus psi state v1"

Terms = Mapping[str, Any]


@dataclass(frozen=True)
class _Stored:
    begun: Begun
    order: SecretSeed
    terms: Terms


class Checkpoint:
    """The state folder of one run, as a context manager; a :class:`~isthmus.psi.ledger.Journal`.

    ``order`` is the seed that this party's items are to be ordered by: that of the interrupted run, if there
    is one. :meth:`erase` ends the run's life on disk; without it the run can be resumed.
    """

    def __init__(self, path: Path, session: Session) -> None:
        self._session = session
        self._call_terms: Terms = {}
        self._logs: tuple[Log, Log] | None = None
        self._folder = Folder(path)
        try:
            self._stored = self._load()
        except BaseException:
            self._folder.release()
            raise
        self.order = SecretSeed() if self._stored is None else self._stored.order

    def restore(self, ledger: RunLedger, own: OwnItems, terms: Terms) -> None:
        """Bring the ledger to where the interrupted run was; ``terms`` are those of the call that resumes it.

        Raises ResumeMismatch when the input or what was asked for differs.
        """
        self._own, self._call_terms = own, terms
        if self._stored is None:
            return
        terms = self._terms()
        differing = sorted(key for key in terms if terms[key] != self._stored.terms.get(key))
        if differing:
            raise ResumeMismatch(f"the interrupted run had another: {', '.join(differing)}")
        begun = self._stored.begun
        tags, keys = self._open_logs(begun.record.run, new=False)
        ledger.restore(begun, _rows(tags, begun.tag_bytes), _rows(keys, KEY_BYTES))

    def begin(self, begun: Begun) -> None:
        """Replace whatever run was written down by this one.

        A state without the logs of what was answered under its secrets would let the peer ask again: the old
        state goes before its logs do, and the new one comes after its logs. The items take another order, or
        the peer could tell which ones matched in both runs.
        """
        self._close_logs()
        self._folder.remove(*_FILES)
        if self._stored is not None:
            self.order = SecretSeed()
            self._own.reorder(self.order)
        salt = os.urandom(_SALT_BYTES)
        self._seal = self._seal_of(salt)
        self._open_logs(begun.record.run, new=True)
        content = json.dumps(_as_json(_Stored(begun, self.order, self._terms()))).encode()
        self._folder.replace(_STATE, salt + self._seal.close(content, _PURPOSE))

    def append_own(self, tags: bytes) -> None:
        """Write the next batch of own tags."""
        assert self._logs is not None
        self._logs[0].append(tags)

    def append_peer(self, keys: bytes) -> None:
        """Write the next batch of the peer's keys."""
        assert self._logs is not None
        self._logs[1].append(keys)

    def erase(self) -> None:
        """Destroy the run's secrets and all that was kept of it."""
        self._close_logs()
        self._folder.remove(*_FILES)

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_logs()
        self._folder.release()

    def _load(self) -> _Stored | None:
        data = self._folder.read(_STATE)
        if data is None:
            return None
        self._seal = self._seal_of(data[:_SALT_BYTES])
        content = self._seal.open(data[_SALT_BYTES:], _PURPOSE)
        return _from_json(json.loads(content))

    def _terms(self) -> Terms:
        """Return all that must be the same when the run is resumed."""
        found = self._own.summary
        return {**self._call_terms, "input": [found.fingerprint, found.total_rows, found.count]}

    def _seal_of(self, salt: bytes) -> Seal:
        return Seal(self._session.derive_key(_PURPOSE, salt))

    def _open_logs(self, run: bytes, *, new: bool) -> tuple[Log, Log]:
        self._logs = (
            Log(self._folder.path, _OWN, self._seal, run, new=new),
            Log(self._folder.path, _PEER, self._seal, run, new=new),
        )
        return self._logs

    def _close_logs(self) -> None:
        logs, self._logs = self._logs, None
        for log in logs or ():
            log.close()


def erase_state(path: Path, *names: str) -> None:
    """Destroy what a folder keeps of a run, if it exists, and then the files ``names`` in it.

    Raises BusyError when another process works with it.
    """
    if not path.exists():
        return
    folder = Folder(path)
    try:
        folder.remove(*_FILES, *names)
    finally:
        folder.release()


def _rows(log: Log, width: int) -> Iterator[Bytes2d]:
    for record in log.read():
        if len(record) % width:
            raise CheckpointError("a batch in the state folder has another width than its run")
        yield np.frombuffer(record, dtype=np.uint8).reshape(-1, width)


def _as_json(stored: _Stored) -> dict[str, Any]:
    begun, record = stored.begun, stored.begun.record
    return {
        "version": _VERSION,
        "run": record.run.hex(),
        "seed": record.seed.reveal().hex(),
        "own_count": record.own_count,
        "peer_count": record.peer_count,
        "own_tags": begun.own_tags,
        "tag_bytes": begun.tag_bytes,
        "order": stored.order.reveal().hex(),
        "terms": dict(stored.terms),
    }


def _from_json(found: dict[str, Any]) -> _Stored:
    if found["version"] != _VERSION:
        raise CheckpointError(f"the state folder is of version {found['version']}, not {_VERSION}")
    record = RunRecord(
        run=bytes.fromhex(found["run"]),
        seed=SecretSeed(bytes.fromhex(found["seed"])),
        own_count=found["own_count"],
        peer_count=found["peer_count"],
    )
    begun = Begun(record, found["own_tags"], found["tag_bytes"])
    return _Stored(begun, SecretSeed(bytes.fromhex(found["order"])), found["terms"])
