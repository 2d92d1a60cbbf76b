"""The audit trail: what was run with whom, and what each party learned, as a hash chain.

Each record carries the hash of the one before it, so a removed or changed record shows. With a file, every
record is on disk before the call returns: no audit, no release. Sessions may share a file: a lock orders
their records, and of what is there only the last record is read.

A record that was not written whole counts for nothing: whoever was writing it was told that it failed, or
was killed. The next one to use the file cuts it off, and adds a record that says so. Only what can be nothing
else is cut: a file that may be none of ours is refused and left as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from isthmus.errors import InvalidArgument, PathError, StorageError
from isthmus.regular import flush_folder, has_gap, is_regular

log = logging.getLogger(__name__)

Record = dict[str, Any]
_START = "0" * 64
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_FIRST_BYTES = b'{"time": "0000-00-00T00:00:00.000+00:00", "event": "'  # of any record, but for the digits
_TIME_BYTES = _FIRST_BYTES.index(b",")
_MAX_LINE_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 12
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT
_NOT_REGULAR = "the audit file is not a regular file"


class AuditTrail:
    """Records of one session, in memory and, where configured, appended to a JSON-lines file."""

    def __init__(self, path: Path | None, **context: str) -> None:
        self.records: list[Record] = []
        self.context = context
        self._path = path
        self._last = _START
        if path is not None:  # a file that cannot be used is refused before anything runs
            with _locked(path, _APPEND, fcntl.LOCK_EX) as handle:
                self._mend(handle, path)
                _last_hash(handle)

    def add(self, event: str, **facts: str) -> None:
        """Append one record. Raises StorageError if it could not be kept."""
        record = self._record(event, facts)
        if self._path is None:
            _line(record, self._last)
        else:
            with _locked(self._path, _APPEND, fcntl.LOCK_EX) as handle:
                self._mend(handle, self._path)
                _append(handle, record)
        self._last = record["hash"]
        self.records.append(record)

    def _record(self, event: str, facts: dict[str, str]) -> Record:
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        return {"time": time, "event": event, **self.context, **facts}

    def _mend(self, handle: int, path: Path) -> None:
        """End a last record that lacks its newline; cut off one that was not written whole, and say so."""
        size = os.fstat(handle).st_size
        if size == 0:
            flush_folder(path.parent)  # it may have been made just now
        elif _lacks_newline(handle, size):
            log.warning("the last record of the audit file lacked its newline, which is added")
            _write(handle, b"\n")
        elif (whole := _whole(handle, size)) < size:
            log.warning("the last record of the audit file was not written whole, and is cut off")
            os.ftruncate(handle, whole)
            try:
                _append(handle, self._record("cut off", {"bytes": str(size - whole)}))
            except (OSError, StorageError) as error:
                raise StorageError(
                    f"the last {size - whole} bytes of the audit file, a record not written whole, were cut "
                    "off, and the record that says so could not be written"
                ) from error


def record_hash(record: Record) -> str:
    """Return the hash that ``record`` must carry: SHA-256 of its canonical JSON without the hash itself."""
    content = {key: value for key, value in record.items() if key != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verify_audit_file(path: str | Path) -> int:
    """Check the chain of an audit file; return the number of records.

    Raises StorageError naming the first line that is damaged or does not follow from the one before it.
    """
    last, count = _START, 0
    with _locked(Path(path), os.O_RDONLY, fcntl.LOCK_SH) as handle, open(handle, "rb", closefd=False) as file:
        size = os.fstat(handle).st_size
        whole, unended = _whole(handle, size), _lacks_newline(handle, size)
        while line := file.readline(_MAX_LINE_BYTES):
            count += 1
            if file.tell() > whole:
                raise StorageError(f"line {count} was not written whole; the next session cuts it off")
            if unended and file.tell() == size:
                raise StorageError(f"line {count} lacks its newline; the next session adds it")
            record = _parse(line)
            if record is None:
                raise _damaged(count)
            if record.get("previous") != last:
                raise StorageError(f"the audit file's chain is broken at line {count}")
            last = record["hash"]
    return count


@contextmanager
def _locked(path: Path, flags: int, lock: int) -> Iterator[int]:
    """Open the file and hold its lock; what the system refuses meanwhile is a StorageError."""
    try:
        handle = _open(path, flags, lock)
        try:
            yield handle
        finally:
            os.close(handle)
    except IsADirectoryError:
        raise PathError(_NOT_REGULAR) from None
    except OSError as error:
        raise StorageError(f"the audit file cannot be used: {error.strerror}") from error


def _open(path: Path, flags: int, lock: int) -> int:
    """Open and lock what is at ``path`` once it is locked: a file that we waited for may have been moved."""
    while True:
        handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)  # a FIFO would keep us waiting
        try:
            if not is_regular(path, os.fstat(handle)):
                raise PathError(_NOT_REGULAR)
            fcntl.flock(handle, lock)  # released with the handle
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _append(handle: int, record: Record) -> None:
    """Chain ``record`` to the last one in the file, whoever wrote that, and add it: all of it, or nothing."""
    _write(handle, _line(record, _last_hash(handle)))


def _write(handle: int, line: bytes) -> None:
    """Add ``line`` to the file and bring it to disk: all of it, or nothing."""
    size = os.fstat(handle).st_size
    try:
        if os.write(handle, line) != len(line):
            raise StorageError("the audit record could be written only in part")
        os.fsync(handle)
    except BaseException:
        with suppress(OSError):  # then the next one to use the file cuts it off
            os.ftruncate(handle, size)
        raise


def _line(record: Record, previous: str) -> bytes:
    """Chain ``record`` to the one with the hash ``previous``; return its line."""
    record["previous"] = previous
    record["hash"] = record_hash(record)
    line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    if len(line) > _MAX_LINE_BYTES:
        raise InvalidArgument(f"an audit record is longer than {_MAX_LINE_BYTES} bytes")
    return line


def _parse(line: bytes) -> Record | None:
    """Return the record of a line; None if it is not one, or not as it was written."""
    try:
        record = json.loads(line)
        whole = line.endswith(b"\n") and isinstance(record, dict) and record["hash"] == record_hash(record)
    except (ValueError, KeyError, RecursionError):
        return None
    return record if whole else None


def _tail(handle: int, size: int) -> bytes:
    """Return the end of the file from some place before the last three ends of lines, or its last 3 MiB."""
    length, tail = 0, b""
    while length < min(size, 3 * _MAX_LINE_BYTES) and tail.count(b"\n") < 3:
        length = min(size, max(2 * length, _BLOCK_BYTES))
        tail = os.pread(handle, length, size - length)
    return tail


def _last_two(handle: int, size: int) -> tuple[bytes, bytes]:
    """Return the last two lines, of which the last may lack its newline."""
    tail = _tail(handle, size)
    begin = tail.rfind(b"\n", 0, max(len(tail) - 1, 0)) + 1
    return tail[tail.rfind(b"\n", 0, max(begin - 1, 0)) + 1 : begin], tail[begin:]


def _lacks_newline(handle: int, size: int) -> bool:
    """Whether the file's last record is whole and follows from the one before, but for its newline."""
    before, last = _last_two(handle, size)
    record = None if last.endswith(b"\n") else _parse(last + b"\n")
    if record is None:
        return False
    previous = _parse(before) if before else {"hash": _START}
    return previous is not None and record.get("previous") == previous["hash"]


def _whole(handle: int, size: int) -> int:
    """Return where a record begins at the end that was not written whole; the size if none surely does."""
    before, last = _last_two(handle, size)
    if len(last) > _MAX_LINE_BYTES or _is_json(last):
        return size
    if not before:  # nothing else says that this is an audit file
        torn = len(last) > _TIME_BYTES and b"\n" not in last and _begins(last)
    elif _parse(before) is None:
        return size
    else:
        torn = has_gap(last, size - len(last)) or (b"\n" not in last and _begins(last.rstrip(b"\0")))
    return size - len(last) if torn else size


def _begins(text: bytes) -> bool:
    """Whether a record begins like this."""
    return _FIRST_BYTES.startswith(text[: len(_FIRST_BYTES)].translate(_DIGITS)) and b"\0" not in text


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _last_hash(handle: int) -> str:
    """Return the hash of the last record; StorageError if the last line holds none."""
    size = os.fstat(handle).st_size
    if size == 0:
        return _START
    tail = _tail(handle, size)
    record = _parse(tail[tail.rfind(b"\n", 0, len(tail) - 1) + 1 :])
    if record is None:
        with open(handle, "rb", closefd=False) as file:
            file.seek(0)
            ends = sum(block.count(b"\n") for block in iter(lambda: file.read(_MAX_LINE_BYTES), b""))
        raise _damaged(ends + (not tail.endswith(b"\n")))
    return str(record["hash"])


def _damaged(line: int) -> StorageError:
    return StorageError(
        f"line {line} of the audit file is damaged or no audit record; find out what changed it, and move "
        "the file aside: the next session begins a new one"
    )
