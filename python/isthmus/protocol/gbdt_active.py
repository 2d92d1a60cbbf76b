"""The active party's half of the gbdt protocol: it holds the labels and the only secret key."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from isthmus.errors import PeerValue, ProtocolCount
from isthmus.paillier import PrivateKey
from isthmus.paillier.pool import pooled
from isthmus.protocol.alignment import align
from isthmus.protocol.gbdt_packing import PairPacking, expect_ciphertexts
from isthmus.protocol.gbdt_splits import (
    G_BITS,
    H_BITS,
    CandidateGrid,
    LeftSums,
    base_margin,
    best_candidate,
    draw_sample,
    leaf_weight,
    logistic_gradients,
    quantise,
    totals,
)
from isthmus.protocol.gbdt_tree import (
    ROOT,
    BinnedColumns,
    BoolArray,
    Family,
    FloatArray,
    GBDTParameters,
    IntArray,
    OwnSplit,
    PeerSplit,
    RowPartition,
    Split,
    Tree,
    goes_left,
)
from isthmus.protocol.gbdt_wire import (
    expect_place,
    pack_bits,
    parse_candidates,
    parse_row_counts,
    unpack_bits,
)
from isthmus.protocol.machine import Progress, Send, Steps, receive
from isthmus.protocol.wire import gbdt_pb2 as wire

_ENCRYPTIONS_PER_CALL = 1024
_DECRYPTIONS_PER_CALL = 64


@dataclass(frozen=True)
class ActiveForest:
    """The active party's half of a model: margin = base + sum of the trees.

    ``shared_id`` is the same in both halves of one training run.
    """

    shared_id: str
    base: float
    trees: list[Tree]

    @property
    def n_records(self) -> int:
        """Split records that the passive party holds."""
        return sum(len(tree.records()) for tree in self.trees)


def train_active(
    columns: BinnedColumns,
    labels: FloatArray,
    parameters: GBDTParameters,
    private_key: PrivateKey,
    rng: np.random.Generator,
) -> Steps[ActiveForest]:
    """Train as the label holder; ``rng`` draws the samples of rows, which are no secret."""
    n_rows = len(labels)
    n_sampled = parameters.sample_size(n_rows)
    peer = yield from align(n_rows, columns.bins.shape[1], active=True)
    yield Send(wire.Setup(public_key=private_key.public_key.to_bytes()))
    packing = PairPacking.for_sample(parameters.key_bits, n_sampled)
    forest = ActiveForest(peer.shared_id, base_margin(labels), [])
    margin = np.full(n_rows, forest.base)
    with pooled(private_key):
        for number in range(parameters.n_trees):
            g, h = logistic_gradients(labels, margin)
            sample = draw_sample(rng, n_rows, parameters)
            tree = _ActiveTree(
                number, columns, parameters, packing, private_key, sample, g, h, forest.n_records
            )
            forest.trees.append((yield from tree.grow()))
            margin += tree.margin()
    yield Progress("gbdt", parameters.n_trees, parameters.n_trees)
    return forest


@dataclass
class _ActiveTree:
    """One tree as the active party sees it."""

    number: int
    columns: BinnedColumns
    parameters: GBDTParameters
    packing: PairPacking
    private_key: PrivateKey
    sample: BoolArray
    g: FloatArray
    h: FloatArray
    next_record: int
    tree: Tree = field(init=False, default_factory=lambda: Tree({}, {}))
    n_candidates: int = field(init=False, default=0)
    offered: dict[int, IntArray] = field(init=False, default_factory=dict)
    sums: dict[int, LeftSums] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.partition = RowPartition(self.sample)
        self.grid = CandidateGrid(self.columns, self.parameters)
        self.quantised = quantise(self.g, self.h)

    def grow(self) -> Steps[Tree]:
        yield Send(wire.TreeStart(tree=self.number, sample=pack_bits(self.sample)))
        yield from self._send_gradients()
        families = self.partition.root_family(self.parameters)
        level = 0
        while families:
            for family in families:
                self.grid.open(self.partition, family)
                yield from self._receive_sums(family)
            parents = yield from self._decide(level, self.partition.splittable(families, self.parameters))
            families = self.partition.families(parents, self.parameters)
            level += 1
        for node in self.tree.leaves():
            rows = self.partition.rows(node)
            self.tree.weights[node] = leaf_weight(self.g[rows], self.h[rows], self.parameters)
        return self.tree

    def margin(self) -> FloatArray:
        """The finished tree's contribution to each training row."""
        out = np.zeros(len(self.g))
        for node, weight in self.tree.weights.items():
            out[self.partition.rows(node)] = weight
        return out

    # --- gradients and sums --------------------------------------------------------------------------------

    def _send_gradients(self) -> Steps[None]:
        pairs = self.quantised[self.sample]
        for start in range(0, len(pairs), _ENCRYPTIONS_PER_CALL):
            chunk = pairs[start : start + _ENCRYPTIONS_PER_CALL]
            data = self.private_key.encrypt_packed(chunk, self.packing.row).to_bytes()
            yield Send(wire.Gradients(tree=self.number, start=start, count=len(chunk), ciphertexts=data))
            yield self._progress("encrypting")

    def _receive_sums(self, family: Family) -> Steps[None]:
        """Take the smaller sibling's sums; the larger one's are its parent's minus those."""
        message = yield from receive(wire.Sums)
        expect_place("a node's sums", [message.tree, message.node], [self.number, family.small])
        parent = family.small // 2
        left_rows = parse_row_counts(message)  # first: it bounds the announced count by the bytes that came
        ids = parse_candidates(message, self.offered.get(parent), self.n_candidates)
        values = np.empty((3, len(ids)), dtype=np.int64)
        values[0] = left_rows
        values[1:] = yield from self._decrypt(message.ciphertexts, len(ids))
        if family.small == ROOT:
            self.n_candidates = len(ids)
        else:
            place = np.searchsorted(self.offered[parent], ids)
            self._keep(family.large, ids, self.sums[parent].values[:, place] - values)
        self._keep(family.small, ids, values)
        self._expect_useful(family)

    def _decrypt(self, data: bytes, pairs: int) -> Steps[IntArray]:
        expect_ciphertexts(data, self.packing.folded(pairs), self.packing.key_bits)
        out = np.empty((2, pairs), dtype=np.int64)
        if pairs:
            ciphertexts = self.private_key.public_key.ciphertexts_from_bytes(data)
            for start in range(0, len(ciphertexts), _DECRYPTIONS_PER_CALL):
                chunk = ciphertexts[start : start + _DECRYPTIONS_PER_CALL]
                first = start * self.packing.pairs_per_ciphertext
                count = min(pairs - first, len(chunk) * self.packing.pairs_per_ciphertext)
                out[:, first : first + count] = self.packing.unfold(self.private_key, chunk, count)
                yield self._progress("decrypting")
        return out

    def _keep(self, node: int, ids: IntArray, values: IntArray) -> None:
        """Store a node's sums after checking that some split of its rows can have them."""
        left = LeftSums(values, totals(self.quantised[self.partition.sampled(node)]))
        right = left.total[:, None] - values
        widest = np.array([[1], [(1 << H_BITS) - 1], [(1 << G_BITS) - 1]], dtype=np.int64)
        for side in (values, right):
            if (side < 0).any() or (side > side[0] * widest).any():
                raise PeerValue("a decrypted sum lies outside what the node's rows allow")
        self.offered[node], self.sums[node] = ids, left

    def _expect_useful(self, family: Family) -> None:
        """Refuse candidates that could split neither sibling: an honest peer does not offer them."""
        sides = [
            np.minimum(left.values[0], left.total[0] - left.values[0])
            for left in (self.sums[node] for node in (family.small, family.large) if node)
        ]
        if (np.max(sides, axis=0) < self.parameters.min_leaf).any():
            raise PeerValue("a split candidate was offered that min_leaf forbids")

    # --- decisions -----------------------------------------------------------------------------------------

    def _decide(self, level: int, nodes: list[int]) -> Steps[list[int]]:
        """Choose and announce every node's fate; returns the nodes that were split."""
        message = wire.Decisions(tree=self.number, level=level)
        peer_nodes: dict[int, int] = {}
        for node in nodes:
            own, candidate = self._best_split(node)
            decision = message.decisions.add(node=node)
            if own is not None:
                decision.own_split = self._apply_own(node, own)
            elif candidate >= 0:
                decision.peer_split = int(self.offered[node][candidate])
                peer_nodes[node] = candidate
            else:
                decision.leaf = True
        yield Send(message)
        if peer_nodes:
            partitions = yield from receive(wire.Partitions)
            self._apply_peer(level, peer_nodes, partitions)
        yield self._progress(f"level {level + 1}")
        return [node for node in nodes if node in self.tree.splits]

    def _best_split(self, node: int) -> tuple[OwnSplit | None, int]:
        """The better of the own and the peer's best candidate; own wins a tie, since it discloses less."""
        own, own_gain = self.grid.best(self.quantised, self.partition, node)
        peer, peer_gain = best_candidate(self.sums[node], self.parameters)
        return (own, -1) if own is not None and own_gain >= peer_gain else (None, peer)

    def _apply_own(self, node: int, split: OwnSplit) -> bytes:
        """Split by an own column; the peer gets the rows only if it must sum a child's."""
        left = goes_left(self.columns.bins, split, self.partition.rows(node))
        self._split(node, split, left)
        return pack_bits(left) if self.partition.families([node], self.parameters) else b""

    def _apply_peer(self, level: int, chosen: dict[int, int], message: wire.Partitions) -> None:
        expect_place("a level's partitions", [message.tree, message.level], [self.number, level])
        if [p.node for p in message.partitions] != list(chosen):
            raise ProtocolCount("the partitions are not those of the nodes that the peer's columns split")
        for part in message.partitions:
            left = unpack_bits(part.left, len(self.partition.rows(part.node)), "the peer's split")
            expected = self.sums[part.node].values[0, chosen[part.node]]
            if self.partition.sampled_left(part.node, left) != expected:
                raise PeerValue("a partition differs from the row count of its split candidate")
            self._split(part.node, PeerSplit(self.next_record), left)
            self.next_record += 1

    def _split(self, node: int, split: Split, left: BoolArray) -> None:
        self.tree.splits[node] = split
        self.partition.split(node, left)

    def _progress(self, what: str) -> Progress:
        return Progress("gbdt", self.number, self.parameters.n_trees, what)
