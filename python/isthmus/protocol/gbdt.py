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

from isthmus.errors import ProtocolCount
from isthmus.protocol.alignment import align
from isthmus.protocol.gbdt_active import ActiveForest, train_active
from isthmus.protocol.gbdt_passive import PassiveSplits, train_passive
from isthmus.protocol.gbdt_tree import (
    BinnedColumns,
    Bins,
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


def predict_passive(half: PassiveSplits, bins: Bins) -> Steps[None]:
    """Send the outcome of each of this party's splits for each row; learns nothing but the number of rows.

    Shapes: bins (n, F) of this party.
    """
    n_rows, n_features = bins.shape
    yield from align(n_rows, n_features, active=False)
    rows, per_message = np.arange(n_rows, dtype=np.int64), _records_per_message(n_rows)
    for first in range(0, len(half.records), per_message):
        chunk = half.records[first : first + per_message]
        left = b"".join(pack_bits(goes_left(bins, split, rows)) for split in chunk)
        yield Send(wire.SplitBits(first_record=first, records=len(chunk), left=left))
        yield Progress("gbdt scores", first + len(chunk), len(half.records))


def predict_active(forest: ActiveForest, bins: Bins | None) -> Steps[FloatArray]:
    """Margins (log odds) of the rows, shape (n,).

    Shapes: bins (n, F) of this party, None for a party without columns: it scores the peer's rows.
    """
    rows, n_features = (None, 0) if bins is None else bins.shape
    n_rows = (yield from align(rows, n_features, active=True)).rows
    own = np.empty((n_rows, 0), dtype=np.uint8) if bins is None else bins
    bitmaps = yield from _receive_bitmaps(forest.n_records, n_rows)
    margin = np.full(n_rows, forest.base)
    for done, tree in enumerate(forest.trees, start=1):
        peer_left = {record: unpack_bits(bitmaps[record], n_rows, "split bits") for record in tree.records()}
        margin += tree_margin(tree, own, peer_left)
        yield Progress("gbdt scores", done, len(forest.trees))
    return margin


def _receive_bitmaps(n_records: int, n_rows: int) -> Steps[list[bytes]]:
    """One row bitmap per split record, still packed."""
    bitmaps: list[bytes] = []
    width, per_message = (n_rows + 7) // 8, _records_per_message(n_rows)
    while len(bitmaps) < n_records:
        count = min(per_message, n_records - len(bitmaps))
        message = yield from receive(wire.SplitBits)
        expect_place("split bits", [message.first_record, message.records], [len(bitmaps), count])
        if len(message.left) != count * width:
            raise ProtocolCount(f"{count} bitmaps of {width} bytes expected, got {len(message.left)} bytes")
        bitmaps += [message.left[i * width : (i + 1) * width] for i in range(count)]
    return bitmaps


def _records_per_message(n_rows: int) -> int:
    """Bitmaps per message, the same on both sides."""
    return max(1, _BITMAP_BYTES // ((n_rows + 7) // 8))
