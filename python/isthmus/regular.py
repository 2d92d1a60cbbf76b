"""What a disk holds: which files have bytes of their own, and what reached it before power was lost."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# The kernel makes these files up as they are read; their sizes mean nothing.
_KERNEL_FOLDERS = ("proc", "sys")
_SECTOR_BYTES = 512


def is_regular(path: Path, status: os.stat_result) -> bool:
    """Whether ``path``, with this status, is a file on a disk: no folder, pipe, device or kernel's file."""
    parts = path.resolve().parts
    return stat.S_ISREG(status.st_mode) and not (len(parts) > 1 and parts[1] in _KERNEL_FOLDERS)


def flush_folder(folder: Path) -> None:
    """Bring a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def has_gap(record: bytes, offset: int) -> bool:
    """Whether some sector of a record at this offset of its file is zeros: it was never written."""
    starts = range(-(offset % _SECTOR_BYTES), len(record), _SECTOR_BYTES)
    return any(not any(record[max(start, 0) : start + _SECTOR_BYTES]) for start in starts)
