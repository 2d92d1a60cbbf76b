"""A result whose rows are not written yet: kept in the state folder, so that a crash costs no second run.

It lies there as the run did, sealed under a key that follows from this party's private key. The input may be
repaired before its rows are written: what must stay are the identifiers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import CheckpointError, ResumeMismatch
from isthmus.items import SecretSeed
from isthmus.party.identity import Identity
from isthmus.psi import PsiResult
from isthmus.psi.checkpoint import erase_state
from isthmus.psi.ingest import IdMark, IdSource
from isthmus.psi.state_files import Folder, Log, Seal

_FILE = "rows.log"
_PURPOSE = b"isthmus psi result v1"
_ROW = np.dtype("<i8")
_RECORD_ROWS = 1 << 20
_NAME_BYTES = 16  # of a result; its records hold it too, so that none is taken for another's


class Pending:
    """The result of one command; ``terms`` are what must be the same when it is given again."""

    def __init__(self, folder: Path, identity: Identity, terms: Mapping[str, Any]) -> None:
        self._path = folder
        self._seal = Seal(identity.derive_key(_PURPOSE, b""))
        self._terms = {
            **terms,
            "party": identity.name,
            "peer": [identity.peer_name, identity.peer_fingerprint],
        }

    def load(self, source: IdSource) -> NDArray[np.int64] | None:
        """Return the rows that are kept, or None; ResumeMismatch if they are another command's or input's.

        Raises what opening the folder for a run would, PathError if others can use it and BusyError, and what
        reading the source does.
        """
        if not os.path.lexists(self._path):
            return None
        folder, rows = Folder(self._path), None
        try:
            rows = self._read(source)
            if rows is None:
                folder.remove(_FILE)
        finally:
            folder.release()
        return rows

    def save(self, result: PsiResult) -> None:
        """Keep a result's rows, in a folder that the run holds; they are on disk when this returns."""
        assert result.indices is not None and result.input is not None, "a sender has no rows to keep"
        mark, name = result.input, os.urandom(_NAME_BYTES)
        rows = result.indices.astype(_ROW, copy=False)
        with closing(Log(self._path, _FILE, self._seal, _PURPOSE, new=True)) as log:
            input = [mark.seed.reveal().hex(), mark.rows, mark.fingerprint]
            head = {"name": name.hex(), "count": len(rows), "input": input, "terms": self._terms}
            log.append(json.dumps(head).encode())
            for start in range(0, len(rows), _RECORD_ROWS):
                log.append(name + rows[start : start + _RECORD_ROWS].tobytes())

    def discard(self) -> None:
        """Forget the result once its rows are written, and what else is left of the run."""
        erase_state(self._path, _FILE)

    def _read(self, source: IdSource) -> NDArray[np.int64] | None:
        """Return the rows; None if there are none, or not all: then the run itself is still kept."""
        if not os.path.lexists(self._path / _FILE):
            return None
        with closing(Log(self._path, _FILE, self._seal, _PURPOSE)) as log:
            records = log.read()
            head = next(records, None)
            if head is None:
                return None
            kept = json.loads(head)
            self._check(kept, source)
            rows, done = np.empty(kept["count"], dtype=np.int64), 0
            for record in records:
                if record[:_NAME_BYTES].hex() != kept["name"]:
                    raise CheckpointError("a result in the state folder holds rows of another")
                part = np.frombuffer(record, dtype=_ROW, offset=_NAME_BYTES)
                rows[done : done + len(part)] = part
                done += len(part)
        return rows if done == len(rows) else None

    def _check(self, kept: Mapping[str, Any], source: IdSource) -> None:
        differing = sorted(key for key, value in self._terms.items() if kept["terms"].get(key) != value)
        seed, rows, fingerprint = kept["input"]
        if not differing and not IdMark(SecretSeed(bytes.fromhex(seed)), rows, fingerprint).fits(source):
            differing = ["input"]
        if differing:
            raise ResumeMismatch(f"the interrupted run had another: {', '.join(differing)}")
