"""The files of an interrupted run: sealed, private to their owner, whole or torn only at the end.

``run.state`` is written once per run, to a temporary file that is flushed and then renamed. A log is a row of
records, each sealed on its own and on disk before :meth:`Log.append` returns; so a crash can tear only the
last one, which is then as if it had not been written: it is short, or sectors of it are zeros. Anything else
that does not open is damage.

    record = length (4 bytes, big-endian) | CRC-32 of position and length (4) | sealed content
    sealed = nonce (12) | AES-256-GCM, bound to run, log and position
"""

from __future__ import annotations

import fcntl
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from isthmus.errors import BusyError, CheckpointError, PathError, StorageError
from isthmus.regular import flush_folder, has_gap

_NONCE_BYTES = 12
_HEADER_BYTES = 8
_WIPED_BYTES = 1 << 20  # of a file that goes: all of a state, and of a log what lies first
_GONE = ".gone"
_MAX_RECORD_BYTES = 64 << 20
_DAMAGED = "the state folder is damaged, or was sealed by another party; delete it to start again"


class Seal:
    """Encrypts and authenticates under one key, each content bound to a context."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, content: bytes, context: bytes) -> bytes:
        """Return the sealed content."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the content; raises CheckpointError when anything was changed."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise CheckpointError(_DAMAGED) from None


@contextmanager
def storage(what: str) -> Iterator[None]:
    """Turn the operating system's errors into StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror}") from None


class Folder:
    """A state folder, held by this process alone until :meth:`release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage("the state folder cannot be used"):
            if not path.exists():
                path.mkdir(mode=0o700)
                flush_folder(path.parent)
            self._check()
            self._lock = self._take_lock()

    def _check(self) -> None:
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise PathError("the state folder is not a folder")
        if found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise PathError("others can use the state folder; chmod 700 it")

    def _take_lock(self) -> int:
        """Lock the folder; the lock of a process that died is gone with it."""
        path = self.path / "lock"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise BusyError("another process works with the state folder") from None
            # Whoever held the lock before may have removed the file since it was opened here.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
            os.close(descriptor)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None when it does not exist."""
        with storage("the state folder cannot be read"):
            try:
                descriptor = os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                return file.read()

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, all or nothing; it is on disk when this returns."""
        temporary = self.path / f"{name}.new"
        with storage("the state folder cannot be written"):
            descriptor = os.open(temporary, _WRITE | os.O_TRUNC, 0o600)
            try:
                write_all(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, self.path / name)
            flush_folder(self.path)

    def remove(self, *names: str) -> None:
        """Unlink files and overwrite them with zeros; those that do not exist are fine.

        A file loses its name first: nobody may find one that is zeros in part. The names go one after the
        other, also on disk, so that a crash never leaves an earlier file without a later one.
        """
        with storage("the state folder cannot be written"):
            for name in names:
                with suppress(FileNotFoundError):
                    os.replace(self.path / name, self.path / f"{name}{_GONE}")
                    flush_folder(self.path)
            for name in names:
                self._destroy(self.path / f"{name}{_GONE}")
            flush_folder(self.path)

    def _destroy(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                write_all(descriptor, bytes(min(os.fstat(descriptor).st_size, _WIPED_BYTES)))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.unlink(path)

    def release(self) -> None:
        """Give up the lock; leave no lock file, and no folder if it is empty then."""
        with suppress(OSError):
            os.unlink(self.path / "lock")
            self.path.rmdir()
        os.close(self._lock)


_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_CREAT | os.O_EXCL


class Log:
    """An append-only file of sealed records in a folder that is held; ``new`` makes it, else it is there."""

    def __init__(self, folder: Path, name: str, seal: Seal, context: bytes, *, new: bool = False) -> None:
        self._name = name
        self._seal = seal
        self._context = context + name.encode()
        self._count = 0
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        with storage("the state folder cannot be written"):
            try:
                self._descriptor = os.open(folder / name, flags | (_NEW if new else 0), 0o600)
            except FileNotFoundError:
                if new:
                    raise
                raise CheckpointError(_DAMAGED) from None
            flush_folder(folder)

    def read(self) -> Iterator[bytes]:
        """Return the records that are whole; a torn one at the end is cut off.

        Raises CheckpointError for a record that does not open although others follow.
        """
        with storage("the state folder cannot be read"):
            size = os.fstat(self._descriptor).st_size
            end = 0
            while (record := self._next(end, size)) is not None:
                self._count += 1
                end += _HEADER_BYTES + len(record)
                yield self._seal.open(record, self._position(self._count - 1))
            os.ftruncate(self._descriptor, end)
            os.lseek(self._descriptor, end, os.SEEK_SET)

    def append(self, content: bytes) -> None:
        """Add a record; it is on disk when this returns."""
        sealed = self._seal.close(content, self._position(self._count))
        with storage("the state folder cannot be written"):
            write_all(self._descriptor, self._header(len(sealed)) + sealed)
            os.fdatasync(self._descriptor)
        self._count += 1

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _next(self, offset: int, size: int) -> bytes | None:
        """Return the sealed record at ``offset``, or None when what is left is nothing or a torn record."""
        left = size - offset - _HEADER_BYTES
        if left < 0:
            return None
        header = os.pread(self._descriptor, _HEADER_BYTES, offset)
        length = int.from_bytes(header[:4], "big")
        if header != self._header(length):
            # What was being written when the machine lost power may be there in length only, but for a few
            # bytes.
            if left <= _MAX_RECORD_BYTES and not any(os.pread(self._descriptor, left, size - left)):
                return None
            raise CheckpointError(_DAMAGED)
        record = os.pread(self._descriptor, length, offset + _HEADER_BYTES)
        # A last record that has its length and does not open, though all of it was written, was changed.
        cut = length == left and not self._opens(record) and has_gap(record, offset + _HEADER_BYTES)
        return None if length > left or cut else record

    def _opens(self, record: bytes) -> bool:
        try:
            self._seal.open(record, self._position(self._count))
        except CheckpointError:
            return False
        return True

    def _header(self, length: int) -> bytes:
        size = length.to_bytes(4, "big")
        return size + zlib.crc32(self._count.to_bytes(8, "big") + size).to_bytes(4, "big")

    def _position(self, index: int) -> bytes:
        return self._context + index.to_bytes(8, "big")


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, whatever the system takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
