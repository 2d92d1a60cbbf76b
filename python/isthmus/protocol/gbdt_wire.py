"""Encoding and validation of the gbdt protocol's messages; what a peer sent is checked before it is used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isthmus.errors import DecodeError, PeerValue, ProtocolCount, ProtocolState
from isthmus.protocol.gbdt_tree import (
    BoolArray,
    IntArray,
)
from isthmus.protocol.wire import gbdt_pb2 as wire


def pack_bits(bits: BoolArray) -> bytes:
    """Row bitmap: least significant bit of the first byte first, zero padding."""
    return np.packbits(bits, bitorder="little").tobytes()


def unpack_bits(data: bytes, count: int, what: str) -> BoolArray:
    """Inverse of :func:`pack_bits`; the length and the padding must be exact."""
    if len(data) != (count + 7) // 8:
        raise ProtocolCount(f"{what}: a bitmap of {count} bits expected, got {len(data)} bytes")
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little").astype(np.bool_)
    if bits[count:].any():
        raise DecodeError(f"{what}: padding bits of the bitmap are set")
    return bits[:count]


def expect_place(what: str, got: Sequence[int], expected: Sequence[int]) -> None:
    """Refuse a message that belongs to another tree, level, node or row."""
    if list(got) != list(expected):
        raise ProtocolState(f"{what} is for {list(got)}, expected {list(expected)}")


def parse_candidates(message: wire.Sums, offered_to_parent: IntArray | None, n_candidates: int) -> IntArray:
    """Candidate numbers of a :class:`Sums` message, increasing; all of them for the root.

    ``offered_to_parent`` holds the numbers whose sums the parent's message gave, None for the root.
    """
    if offered_to_parent is None:
        if message.candidates:
            raise ProtocolCount("the root's sums name no candidates")
        return np.arange(message.count, dtype=np.int64)
    chosen = unpack_bits(message.candidates, n_candidates, "split candidates")
    ids = np.flatnonzero(chosen)
    if len(ids) != message.count:
        raise ProtocolCount(f"{message.count} split candidates announced, {len(ids)} marked")
    if not np.isin(ids, offered_to_parent, assume_unique=True).all():
        raise PeerValue("a node offers a split candidate that its parent did not")
    return ids


def parse_row_counts(message: wire.Sums) -> IntArray:
    """Left row counts, one per candidate."""
    if len(message.row_counts) != 4 * message.count:
        raise ProtocolCount(f"{message.count} row counts expected, got {len(message.row_counts)} bytes")
    return np.frombuffer(message.row_counts, dtype="<u4").astype(np.int64)
