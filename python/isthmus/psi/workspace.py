"""Where a run's records lie: in memory up to a budget, and beyond it in files that have no name.

A file is unlinked as it is made, so nothing is left when the process ends, however it ends. What goes into it
is encrypted under a key that exists in this process only: digests of identifiers could be reversed by trying
all telephone numbers.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from isthmus import errors

Array = NDArray[Any]

DEFAULT_MEMORY_BYTES = 1 << 30
_MAPPED_BYTES = 1 << 20
_AES_BLOCK = 16


class Shelf(Protocol):
    """Keeps arrays of rows under the numbers 0, 1, 2..."""

    @property
    def memory_bytes(self) -> int:
        """Bytes that were put into memory."""

    def put(self, rows: Array) -> int:
        """Keep an array and return its number."""

    def get(self, number: int, start: int, stop: int) -> Array:
        """Return these rows of an array; they may be shared and must not be written to."""

    def drop(self, number: int, start: int, stop: int) -> None:
        """Give back what these rows occupy, where that can be done for a part."""


class MemoryShelf:
    """In anonymous memory, which can be given back page by page."""

    def __init__(self) -> None:
        self.memory_bytes = 0
        self._kept: list[tuple[Array, mmap.mmap | None]] = []

    def put(self, rows: Array) -> int:
        """Copy the array into memory of its own."""
        self.memory_bytes += rows.nbytes
        if rows.nbytes < _MAPPED_BYTES:
            self._kept.append((rows.copy(), None))
        else:
            memory = mmap.mmap(-1, rows.nbytes)
            copy = np.frombuffer(memory, dtype=rows.dtype).reshape(rows.shape)
            copy[:] = rows
            self._kept.append((copy, memory))
        return len(self._kept) - 1

    def get(self, number: int, start: int, stop: int) -> Array:
        """Return a view."""
        return self._kept[number][0][start:stop]

    def drop(self, number: int, start: int, stop: int) -> None:
        """Give back the pages that lie wholly within the rows; they read as zeros from now on."""
        rows, memory = self._kept[number]
        if memory is None or not len(rows):
            return
        width = rows.nbytes // len(rows)
        first = -(-start * width // mmap.PAGESIZE) * mmap.PAGESIZE
        last = stop * width // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            memory.madvise(mmap.MADV_DONTNEED, first, last - first)


class FileShelf:
    """In a file without a name, encrypted with AES-256 in counter mode under a key of its own."""

    memory_bytes = 0

    def __init__(self, folder: Path) -> None:
        self._key = os.urandom(32)
        self._arrays: list[tuple[int, np.dtype[Any], tuple[int, ...]]] = []
        self._end = 0
        try:
            self._file: BinaryIO = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _storage_error(error) from None

    def put(self, rows: Array) -> int:
        """Append the array to the file."""
        number = len(self._arrays)
        data = self._cipher(number, 0).update(np.ascontiguousarray(rows).reshape(-1).view(np.uint8))
        try:
            _write_all(self._file.fileno(), data, self._end)
        except OSError as error:
            raise _storage_error(error) from None
        self._arrays.append((self._end, rows.dtype, rows.shape))
        self._end += len(data)
        return number

    def get(self, number: int, start: int, stop: int) -> Array:
        """Read the rows back."""
        offset, dtype, shape = self._arrays[number]
        width = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        try:
            data = _read_all(self._file.fileno(), (stop - start) * width, offset + start * width)
        except OSError as error:
            raise _storage_error(error) from None
        plain = self._cipher(number, start * width).update(data)
        return np.frombuffer(plain, dtype=dtype).reshape(stop - start, *shape[1:])

    def drop(self, number: int, start: int, stop: int) -> None:
        """Keep the space until the file goes: it is no memory."""

    def _cipher(self, number: int, position: int) -> Any:
        """Return the key stream of an array from this byte on: the array's number and a block count."""
        counter = number.to_bytes(8, "big") + (position // _AES_BLOCK).to_bytes(8, "big")
        stream = Cipher(algorithms.AES256(self._key), modes.CTR(counter)).encryptor()
        stream.update(bytes(position % _AES_BLOCK))
        return stream


class Workspace:
    """Hands out shelves, such that a run keeps to ``memory_bytes`` of records; ``folder`` takes files."""

    def __init__(self, memory_bytes: int = DEFAULT_MEMORY_BYTES, folder: Path | None = None) -> None:
        self.memory_bytes = memory_bytes
        self._folder = Path(tempfile.gettempdir()) if folder is None else folder

    def memory(self) -> MemoryShelf:
        """Return a shelf in memory."""
        return MemoryShelf()

    def disk(self) -> FileShelf:
        """Return a shelf on disk."""
        return FileShelf(self._folder)

    def shelf(self, nbytes: int, taken: int) -> Shelf:
        """Return a shelf for ``nbytes`` where ``taken`` bytes of the budget are in use already."""
        return self.memory() if taken + nbytes <= self.memory_bytes else self.disk()


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _read_all(descriptor: int, size: int, offset: int) -> bytes:
    parts = []
    while size:
        part = os.pread(descriptor, size, offset)
        if not part:
            raise OSError(5, "a temporary file is shorter than what was written to it")
        parts.append(part)
        size, offset = size - len(part), offset + len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _storage_error(error: OSError) -> errors.StorageError:
    return errors.StorageError(f"a temporary file could not be written or read: {error.strerror}")
