"""Vertical gradient-boosted trees between a label holder and one other party, in the manner of SecureBoost.

The active party holds labels and the only Paillier key; it encrypts each sampled row's (g, h) pair. The
passive party adds ciphertexts into bins of its columns and returns left sums of shuffled split candidates,
from which the active party picks splits. Training::

    active                                            passive
      TableShape                               <->  TableShape
      Setup(public key)                         ->
      TreeStart, Gradients x chunks             ->      per tree
                                                <-  Sums x families        per level
      Decisions                                 ->
                                                <-  Partitions (if a passive split won)

Prediction is one message flow, passive to active: SplitBits. What each party learns is in
docs/protocols/gbdt.md.

Ref: SecureBoost, arXiv:1901.08755; SecureBoost+, arXiv:2110.10927 (packing, compression, subtraction).
"""

from __future__ import annotations

import numpy as np

from isthmus.errors import PeerValue, ProtocolCount
from isthmus.protocol.alignment import align
from isthmus.protocol.gbdt_active import ActiveForest, train_active
from isthmus.protocol.gbdt_passive import PassiveSplits, train_passive
from isthmus.protocol.gbdt_tree import (
    BinnedColumns,
    Bins,
    BoolArray,
    FloatArray,
    GBDTParameters,
    OwnSplit,
    Tree,
    goes_left,
    tree_margin,
)
from isthmus.protocol.gbdt_wire import expect_place, pack_bits, unpack_bits
from isthmus.protocol.machine import Progress, Send, Steps, receive
from isthmus.protocol.wire import gbdt_pb2 as wire

__all__ = [
    "ActiveForest",
    "BinnedColumns",
    "GBDTParameters",
    "OwnSplit",
    "PassiveSplits",
    "Tree",
    "predict_active",
    "predict_passive",
    "train_active",
    "train_passive",
]

_BITMAP_BYTES = 1 << 20  # split bits per message
_MAX_ROWS = 1 << 26  # scored at once: bounds what a peer's row count makes this party allocate


def predict_passive(half: PassiveSplits, bins: Bins) -> Steps[None]:
    """Send the outcome of each of this party's splits for each row; learns nothing but the number of rows.

    Shapes: bins (n, F) of this party.
    """
    n_rows, n_features = bins.shape
    yield from align(n_rows, n_features, active=False)
    per_message = _records_per_message(n_rows)
    for first in range(0, len(half.records), per_message):
        chunk = half.records[first : first + per_message]
        left = b"".join(pack_bits(goes_left(bins, split)) for split in chunk)
        yield Send(wire.SplitBits(first_record=first, records=len(chunk), left=left))
        yield Progress("gbdt scores", first + len(chunk), len(half.records))


def predict_active(forest: ActiveForest, bins: Bins | None) -> Steps[FloatArray]:
    """Margins (log odds) of the rows, shape (n,).

    Shapes: bins (n, F) of this party, None for a party without columns: it scores the peer's rows.
    """
    rows, n_features = (None, 0) if bins is None else bins.shape
    n_rows = (yield from align(rows, n_features, active=True)).rows
    if n_rows > _MAX_ROWS:
        raise PeerValue(f"the peer announces {n_rows} rows; at most {_MAX_ROWS} are scored at once")
    own = np.empty((n_rows, 0), dtype=np.uint8) if bins is None else bins
    peer_left = np.empty((forest.n_records, n_rows), dtype=np.bool_)
    per_message = _records_per_message(n_rows)
    for first in range(0, forest.n_records, per_message):
        count = min(per_message, forest.n_records - first)
        message = yield from receive(wire.SplitBits)
        expect_place("split bits", [message.first_record, message.records], [first, count])
        peer_left[first : first + count] = _unpack_rows(message.left, count, n_rows)
        yield Progress("gbdt scores", first + count, forest.n_records)
    margin = np.full(n_rows, forest.base)
    for tree in forest.trees:
        margin += tree_margin(tree, own, peer_left)
    return margin


def _unpack_rows(data: bytes, count: int, n_rows: int) -> BoolArray:
    width = (n_rows + 7) // 8
    if len(data) != count * width:
        raise ProtocolCount(f"{count} bitmaps of {width} bytes expected, got {len(data)} bytes")
    rows = (data[i * width : (i + 1) * width] for i in range(count))
    return np.stack([unpack_bits(row, n_rows, "split bits") for row in rows])


def _records_per_message(n_rows: int) -> int:
    """Bitmaps per message, the same on both sides."""
    return max(1, _BITMAP_BYTES // ((n_rows + 7) // 8))
