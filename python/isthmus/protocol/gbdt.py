"""Vertical gradient-boosted trees between a label holder and one other party, in the manner of SecureBoost.

The active party holds labels and the only Paillier key; it encrypts each sampled row's (g, h) pair. The passive party
adds ciphertexts into bins of its columns and returns left sums of shuffled split candidates, from which the active
party picks splits. Training::

    active                                            passive
      Setup(public key, rows)                   ->
      TreeStart, Gradients x chunks             ->      per tree
                                                <-  Sums x families        per level
      Decisions                                 ->
                                                <-  Partitions (if a passive split won)

Prediction is one message flow, passive to active: SplitBits. What each party learns is in docs/protocols/gbdt.md.

Ref: SecureBoost, arXiv:1901.08755; SecureBoost+, arXiv:2110.10927 (packing, compression, subtraction).
"""

from __future__ import annotations

import numpy as np

from isthmus.errors import AlignmentError, ProtocolCount
from isthmus.protocol.gbdt_active import ActiveForest, train_active
from isthmus.protocol.gbdt_passive import BinnedColumns, train_passive
from isthmus.protocol.gbdt_tree import (
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
    "Tree",
    "predict_active",
    "predict_passive",
    "train_active",
    "train_passive",
]

_BITMAP_BYTES = 1 << 20  # split bits per message


def predict_passive(records: list[OwnSplit], bins: Bins) -> Steps[None]:
    """Send the outcome of each of this party's splits for each row; learns nothing.

    Shapes: bins (n, F) of this party.
    """
    n_rows = len(bins)
    per_message = _records_per_message(n_rows)
    for first in range(0, max(1, len(records)), per_message):
        chunk = records[first : first + per_message]
        left = b"".join(pack_bits(goes_left(bins, split)) for split in chunk)
        yield Send(wire.SplitBits(first_record=first, records=len(chunk), rows=n_rows, left=left))
        yield Progress("gbdt scores", first + len(chunk), len(records))


def predict_active(forest: ActiveForest, bins: Bins) -> Steps[FloatArray]:
    """Margins (log odds) of the rows, shape (n,); ``bins`` (n, F) are this party's columns."""
    n_rows, n_records = len(bins), forest.n_records
    peer_left = np.empty((n_records, n_rows), dtype=np.bool_)
    per_message = _records_per_message(n_rows)
    width = (n_rows + 7) // 8
    for first in range(0, max(1, n_records), per_message):
        count = min(per_message, n_records - first)
        message = yield from receive(wire.SplitBits)
        if message.rows != n_rows:
            raise AlignmentError("the parties score different numbers of rows")
        expect_place("split bits", [message.first_record, message.records], [first, count])
        if len(message.left) != count * width:
            raise ProtocolCount(f"{count} bitmaps of {width} bytes expected, got {len(message.left)} bytes")
        for i in range(count):
            bitmap = message.left[i * width : (i + 1) * width]
            peer_left[first + i] = unpack_bits(bitmap, n_rows, "split bits")
        yield Progress("gbdt scores", first + count, n_records)
    margin = np.full(n_rows, forest.base)
    for tree in forest.trees:
        margin += tree_margin(tree, bins, peer_left)
    return margin


def _records_per_message(n_rows: int) -> int:
    """Bitmaps per message, the same on both sides."""
    return max(1, _BITMAP_BYTES // max(1, (n_rows + 7) // 8))
