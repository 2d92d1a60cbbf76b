"""A peer's Paillier key, held against what the job's parameters agreed on."""

from __future__ import annotations

from isthmus.errors import KeyRejected
from isthmus.paillier import PublicKey


def parse_agreed_key(data: bytes, key_bits: int, *, fast: bool) -> PublicKey:
    """Parse the key that a peer sent.

    Raises
    ------
    DecodeError
        The bytes are not a key.
    KeyRejected
        The key breaks a rule, has another size, or is a fast key where none was agreed, or the reverse.
    """
    key = PublicKey.from_bytes(data)
    if key.key_bits != key_bits:
        raise KeyRejected(f"the peer's key has {key.key_bits} bits, {key_bits} were agreed")
    if (key.kind == "fast") != fast:
        agreed = "a fast key" if fast else "no fast key"
        raise KeyRejected(f"the peer's key is of the kind {key.kind!r}, {agreed} was agreed")
    return key
