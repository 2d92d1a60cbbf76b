"""Which files hold bytes of their own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# The kernel makes these files up as they are read; their sizes mean nothing.
_KERNEL_FOLDERS = ("proc", "sys")


def is_regular(path: Path, status: os.stat_result) -> bool:
    """Whether ``path``, with this status, is a file on a disk: no folder, pipe, device or kernel's file."""
    parts = path.resolve().parts
    return stat.S_ISREG(status.st_mode) and not (len(parts) > 1 and parts[1] in _KERNEL_FOLDERS)
