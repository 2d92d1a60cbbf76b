"""Lets secretflow's PSI choose its curve library as on a CPU without AVX-512 IFMA, on a CPU that has it.

libpsi asks one function, ``yacl::hasAVX512ifma()``, when it makes a cryptor, and takes Intel's ippcp where
that says yes and libsodium where it says no. No option and no variable overrides it, so its code is
overwritten, in this process's memory only, by one that says no. Nothing else changes.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from pathlib import Path

SYMBOL = b"_ZN4yacl13hasAVX512ifmaEv"
RETURN_FALSE = bytes.fromhex("31c0c3")  # xor eax, eax; ret
SYMBOL_TABLE = 2
SECTION = struct.Struct("<IIQQQQIIQQ")
ENTRY = struct.Struct("<IBBHQQ")


def symbol_address(library: Path) -> int:
    """Return where the library's file says that the function is, from its symbol table."""
    image = library.read_bytes()
    (table,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    sections = [SECTION.unpack_from(image, table + i * size) for i in range(count)]
    for section in sections:
        if section[1] != SYMBOL_TABLE:
            continue
        names = sections[section[6]][4]
        for name, _, _, _, value, _ in ENTRY.iter_unpack(image[section[4] : section[4] + section[5]]):
            if image.startswith(SYMBOL + b"\0", names + name):
                return value
    raise SystemExit("this build of libpsi has no function to overwrite")


def loaded_at(library: Path) -> int:
    """Return the address of the library's first byte in this process."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(str(library.resolve())):
            return int(line.split("-")[0], 16)
    raise SystemExit("libpsi is not loaded")


def hide_ifma(library: str) -> None:
    """Make the loaded library say that the CPU has no AVX-512 IFMA."""
    address = loaded_at(Path(library)) + symbol_address(Path(library))
    libc = ctypes.CDLL(None, use_errno=True)
    page = address & -mmap.PAGESIZE
    length = address + len(RETURN_FALSE) - page
    read_execute = mmap.PROT_READ | mmap.PROT_EXEC
    for protection in (read_execute | mmap.PROT_WRITE, read_execute):
        if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(length), protection) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
        if protection & mmap.PROT_WRITE:
            ctypes.memmove(address, RETURN_FALSE, len(RETURN_FALSE))
