"""The audit trail: what was run with whom, and what each party learned, as a hash chain.

Each record carries the hash of the one before it, so a removed or changed record shows. With a file, every
record is on disk before the call returns: no audit, no release.
"""

from __future__ import annotations

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
        self._last = _START if path is None else _last_hash(path)

    def add(self, event: str, **facts: str) -> None:
        """Append one record. Raises StorageError if it could not be kept."""
        record: Record = {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "event": event,
            **self.context,
            **facts,
            "previous": self._last,
        }
        record["hash"] = record_hash(record)
        if self._path is not None:
            _append(self._path, record)
        self._last = record["hash"]
        self.records.append(record)


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
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise StorageError(f"the audit file cannot be read: {type(error).__name__}") from error
    if not all(isinstance(record, dict) for record in records):
        raise StorageError("the audit file holds something else than records")
    return records


def _last_hash(path: Path) -> str:
    records = _read(path) if path.exists() else []
    return str(records[-1].get("hash", "")) if records else _START


def _append(path: Path, record: Record) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, (json.dumps(record, ensure_ascii=False) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StorageError(f"the audit record could not be written: {error.strerror}") from error
