"""Memory of the tables that encryption multiplies from."""

from __future__ import annotations

from isthmus._core import paillier as _native
from isthmus.errors import InvalidArgument


def set_table_memory(max_bytes: int) -> None:
    """Set the memory that the tables of one key may take, in this process and from now on.

    Encryption multiplies precomputed powers. Key objects of the same key share one table; it grows with the
    number of encryptions, up to 32 MiB by default. Larger tables need fewer products. All keys of the process
    together take eight times as much, and 64 KiB for each table beyond; a key that is gone leaves its share.

    Parameters
    ----------
    max_bytes : int
        At least 65536.

    Raises
    ------
    InvalidArgument
        If it is less.
    """
    if max_bytes < 0:
        raise InvalidArgument("memory cannot be negative")
    _native.set_table_bytes(max_bytes)
