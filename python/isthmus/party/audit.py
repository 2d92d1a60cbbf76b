"""The audit trail: what was run with whom, and what each party learned, as a hash chain.

Each record carries the hash of the one before it, so a removed or changed record shows. With a file, every
record is on disk before the call returns: no audit, no release. Sessions may share a file: a lock orders
their records.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from isthmus.errors import StorageError

Record = dict[str, Any]
_START = "0" * 64


class AuditTrail:
    """Records of one session, in memory and, where configured, appended to a JSON-lines file."""

    def __init__(self, path: Path | None, **context: str) -> None:
        self.records: list[Record] = []
        self.context = context
        self._path = path
        self._last = _START
        if path is not None:
            _last_hash(path)  # an unreadable file is refused before anything runs

    def add(self, event: str, **facts: str) -> None:
        """Append one record. Raises StorageError if it could not be kept."""
        record: Record = {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "event": event,
            **self.context,
            **facts,
        }
        if self._path is None:
            _chain(record, self._last)
        else:
            _append(self._path, record)
        self._last = record["hash"]
        self.records.append(record)


def _chain(record: Record, previous: str) -> None:
    record["previous"] = previous
    record["hash"] = record_hash(record)


def record_hash(record: Record) -> str:
    """Return the hash that ``record`` must carry: SHA-256 of its canonical JSON without the hash itself."""
    content = {key: value for key, value in record.items() if key != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verify_audit_file(path: str | Path) -> int:
    """Check the chain of an audit file; return the number of records.

    Raises StorageError naming the first line that does not follow from the one before it.
    """
    last, count = _START, 0
    for count, record in enumerate(_read(Path(path)), start=1):
        if record.get("previous") != last or record.get("hash") != record_hash(record):
            raise StorageError(f"the audit file's chain is broken at line {count}")
        last = record["hash"]
    return count


def _read(path: Path) -> list[Record]:
    try:
        records = [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise StorageError(f"the audit file cannot be read: {type(error).__name__}") from error
    if not all(isinstance(record, dict) for record in records):
        raise StorageError("the audit file holds something else than records")
    return records


def _last_hash(path: Path) -> str:
    records = _read(path) if path.exists() else []
    return str(records[-1].get("hash", "")) if records else _START


def _append(path: Path, record: Record) -> None:
    """Chain ``record`` to the last one in the file, whoever wrote that, and append it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)  # released with the handle
            _chain(record, _last_hash(path))
            line = (json.dumps(record, ensure_ascii=False) + "\n").encode()
            if os.write(handle, line) != len(line):
                raise StorageError("the audit record could be written only in part")
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageError(f"the audit record could not be written: {error.strerror}") from error
