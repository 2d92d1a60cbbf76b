"""What every protocol for private set intersection returns, and how tags are compared.

A tag stands for an item: a pseudorandom string of up to 16 bytes that the parties can compute only for the
items that the protocol lets them compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import PeerDuplicate

Role = Literal["receiver", "sender", "both"]

MAX_TAG_BYTES = 16

Tags = NDArray[np.uint64]
"""Tags as rows of two words."""


@dataclass(frozen=True)
class Match:
    """What a run tells its party.

    ``rows`` are the rows of this party's columns whose items the peer has too: in ascending order for a
    receiver, in an order that is the same on both sides when both learn, None for a sender. ``peer_count`` is
    the number of the peer's distinct items. Without ``released`` the intersection was smaller than the agreed
    minimum, and nobody gets rows.
    """

    rows: NDArray[np.int64] | None
    peer_count: int
    released: bool


def as_tags(data: NDArray[np.uint8]) -> Tags:
    """Return the rows of ``data``, shape (n, at most 16), as tags."""
    padded = np.zeros((len(data), MAX_TAG_BYTES), dtype=np.uint8)
    padded[:, : data.shape[1]] = data
    return padded.view("<u8")


def join_tags(parts: list[Tags]) -> Tags:
    """Return the tags of all parts, in order."""
    return np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.uint64)


def match_tags(own: Tags, peer: Tags) -> NDArray[np.int64]:
    """Return the positions in ``own`` of the tags that ``peer`` has too, in the order of the tags.

    Sorts both together: equal tags become neighbours, and two neighbours from one side are a duplicate.

    Raises
    ------
    PeerDuplicate
        A tag occurs twice on one side; this party's items are distinct, so it was sent or returned twice.
    """
    tags = np.concatenate((own, peer))
    order = np.lexsort((tags[:, 1], tags[:, 0]))
    low = tags[order, 0]
    equal = np.flatnonzero(low[1:] == low[:-1])
    equal = equal[tags[order[equal], 1] == tags[order[equal + 1], 1]]
    first: NDArray[np.int64] = order[equal].astype(np.int64)
    second = order[equal + 1]
    # The sort is stable, so of a pair from both sides the first is this party's.
    if np.any((first >= len(own)) | (second < len(own))):
        raise PeerDuplicate("the peer sent the same masked item more than once")
    return first
