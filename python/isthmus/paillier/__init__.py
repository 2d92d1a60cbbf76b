"""Paillier: encrypt, add and weigh numbers without seeing them.

Arrays of numbers become arrays of ciphertexts of the same shape. Whoever holds the public key can add
ciphertexts and multiply them by plain integers; only the private key's owner can read the result.

Integers are exact in the centred range (-n/2, n/2). Reals become fixed-point integers with one public scale
per array; nothing about single values shows. Anything that does not fit is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isthmus.paillier.array import CiphertextArray, concatenate
from isthmus.paillier.keys import PrivateKey, PublicKey, keygen
from isthmus.paillier.plaintexts import DEFAULT_SCALE_BITS
from isthmus.paillier.pool import RandomizerPool
from isthmus.paillier.tables import set_table_memory

if TYPE_CHECKING:
    from isthmus._core.aggregate import PackLayout

__all__ = [
    "DEFAULT_SCALE_BITS",
    "CiphertextArray",
    "PackLayout",
    "PrivateKey",
    "PublicKey",
    "RandomizerPool",
    "concatenate",
    "keygen",
    "set_table_memory",
]


def __getattr__(name: str) -> Any:
    """Re-export :class:`isthmus.aggregate.PackLayout`, which builds on this module."""
    if name == "PackLayout":
        from isthmus._core.aggregate import PackLayout

        return PackLayout
    raise AttributeError(f"module 'isthmus.paillier' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
