"""The passive party's half of the gbdt protocol: it holds columns, no labels and no secret key."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import numpy as np

from isthmus.aggregate import bucket_sum
from isthmus.errors import PeerValue, ProtocolCount
from isthmus.paillier import CiphertextArray, PublicKey, concatenate
from isthmus.protocol.agreed_key import parse_agreed_key
from isthmus.protocol.alignment import align
from isthmus.protocol.gbdt_packing import PairPacking, expect_ciphertexts
from isthmus.protocol.gbdt_splits import (
    CandidateGrid,
)
from isthmus.protocol.gbdt_tree import (
    ROOT,
    BinnedColumns,
    BoolArray,
    Family,
    GBDTParameters,
    IntArray,
    OwnSplit,
    RowPartition,
    goes_left,
)
from isthmus.protocol.gbdt_wire import expect_place, pack_bits, unpack_bits
from isthmus.protocol.machine import Progress, Send, Steps, receive
from isthmus.protocol.wire import gbdt_pb2 as wire

_PRODUCTS_PER_CALL = 100_000  # ciphertext products between two progress steps: well under a second
_FOLDS_PER_CALL = 1024


@dataclass(frozen=True)
class PassiveSplits:
    """The passive party's half of a model: its splits, which the active party knows by number only."""

    shared_id: str
    records: list[OwnSplit]


def train_passive(columns: BinnedColumns, parameters: GBDTParameters) -> Steps[PassiveSplits]:
    """Take part in training as the party without labels."""
    n_rows, n_features = columns.bins.shape
    n_sampled = parameters.sample_size(n_rows)
    peer = yield from align(n_rows, n_features, active=False)
    setup = yield from receive(wire.Setup)
    public_key = parse_agreed_key(setup.public_key, parameters.key_bits, fast=parameters.fast_keys)
    packing = PairPacking.for_sample(parameters.key_bits, n_sampled)
    records: list[OwnSplit] = []
    for number in range(parameters.n_trees):
        yield Progress("gbdt", number, parameters.n_trees, "receiving gradients")
        start = yield from receive(wire.TreeStart)
        expect_place("a tree's start", [start.tree], [number])
        sample = unpack_bits(start.sample, n_rows, "the tree's sample")
        if np.count_nonzero(sample) != n_sampled:
            raise ProtocolCount(f"the tree's sample does not hold {n_sampled} rows")
        gradients = yield from _receive_gradients(number, n_sampled, public_key)
        tree = _PassiveTree(number, columns, parameters, packing, sample, gradients, records)
        yield from tree.grow()
    yield Progress("gbdt", parameters.n_trees, parameters.n_trees)
    return PassiveSplits(peer.shared_id, records)


def _receive_gradients(tree: int, n_sampled: int, public_key: PublicKey) -> Steps[CiphertextArray]:
    parts: list[CiphertextArray] = []
    have = 0
    while have < n_sampled:
        message = yield from receive(wire.Gradients)
        expect_place("gradients", [message.tree, message.start], [tree, have])
        if not 1 <= message.count <= n_sampled - have:
            raise ProtocolCount(f"{message.count} gradients where {n_sampled - have} are outstanding")
        expect_ciphertexts(message.ciphertexts, message.count, public_key.key_bits)
        parts.append(public_key.ciphertexts_from_bytes(message.ciphertexts))
        have += message.count
    return concatenate(parts)


@dataclass
class _PassiveTree:
    """One tree as the passive party sees it."""

    number: int
    columns: BinnedColumns
    parameters: GBDTParameters
    packing: PairPacking
    sample: BoolArray
    gradients: CiphertextArray
    records: list[OwnSplit]
    # Candidate c is (features[c], boundaries[c]); the numbering is shuffled afresh for every tree.
    features: IntArray = field(init=False)
    boundaries: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self.partition = RowPartition(self.sample)
        self.grid = CandidateGrid(self.columns, self.parameters)
        self.sampled_bins = np.asfortranarray(self.columns.bins[self.sample])
        self.rank = np.cumsum(self.sample, dtype=np.int64) - 1  # row -> position among the sampled rows

    def grow(self) -> Steps[None]:
        families = self.partition.root_family(self.parameters)
        level = 0
        while families:
            for family in families:
                yield from self._send_sums(family)
            decisions = yield from receive(wire.Decisions)
            expect_place("a level's decisions", [decisions.tree, decisions.level], [self.number, level])
            nodes = self.partition.splittable(families, self.parameters)
            expect_place("the list of nodes", [d.node for d in decisions.decisions], nodes)
            parents = [d.node for d in decisions.decisions if self._apply(d)]
            yield from self._send_partitions(level, decisions)
            families = self.partition.families(parents, self.parameters)
            level += 1

    # --- sums ----------------------------------------------------------------------------------------------

    def _send_sums(self, family: Family) -> Steps[None]:
        chosen, left_rows = self.grid.open(self.partition, family)
        if family.small == ROOT:
            self._number_candidates(chosen)
        ids = np.flatnonzero(chosen[self.features, self.boundaries])
        message = wire.Sums(tree=self.number, node=family.small, count=len(ids))
        if family.small != ROOT:
            message.candidates = pack_bits(chosen[self.features, self.boundaries])
        if len(ids):
            message.row_counts = left_rows[self.features[ids], self.boundaries[ids]].astype("<u4").tobytes()
            message.ciphertexts = yield from self._folded_sums(family.small, ids)
        yield Send(message)

    def _number_candidates(self, chosen: BoolArray) -> None:
        """Number the root's candidates in random order, so that a number says nothing of its column."""
        pairs = np.argwhere(chosen)
        order = secrets.SystemRandom().sample(range(len(pairs)), len(pairs))
        self.features, self.boundaries = np.ascontiguousarray(pairs[order].T)

    def _folded_sums(self, node: int, ids: IntArray) -> Steps[bytes]:
        """Left sums of the candidates, folded and rerandomised."""
        rows = self.rank[self.partition.sampled(node)]
        features = self.features[ids]
        needed = np.unique(features)
        per_call = max(1, _PRODUCTS_PER_CALL // max(1, len(rows)))
        parts, places = [], []
        for start in range(0, len(needed), per_call):
            block = needed[start : start + per_call]
            here = np.flatnonzero(np.isin(features, block))
            index = self.boundaries[ids[here]] * len(block) + np.searchsorted(block, features[here])
            parts.append(self._running_sums(rows, block)[index])
            places.append(here)
            yield self._progress("summing")
        left = concatenate(parts)[np.argsort(np.concatenate(places))]
        step = _FOLDS_PER_CALL - _FOLDS_PER_CALL % self.packing.pairs_per_ciphertext
        out = bytearray()
        for start in range(0, len(ids), step):
            out += self.packing.fold(left[start : start + step]).to_bytes()
            yield self._progress("folding")
        return bytes(out)

    def _running_sums(self, rows: IntArray, block: IntArray) -> CiphertextArray:
        """Sums over bins 0..b for each boundary b and each feature of the block, boundary by boundary."""
        bins = np.asfortranarray(self.sampled_bins[:, block])
        per_bin = bucket_sum(self.gradients, bins, self.columns.n_bins, rows=rows, layout=self.packing.row)
        running = [per_bin[:, 0]]
        for b in range(1, self.columns.n_bins - 1):
            running.append(running[-1] + per_bin[:, b])
        return concatenate(running)

    # --- splits --------------------------------------------------------------------------------------------

    def _apply(self, decision: wire.Decision) -> bool:
        """Apply a decision to the partition; False when the node's children stay unknown to this party."""
        node = decision.node
        fate = decision.WhichOneof("fate")
        if fate == "peer_split":
            left = self._own_split(node, decision.peer_split)
        elif fate == "own_split" and decision.own_split:
            left = unpack_bits(decision.own_split, len(self.partition.rows(node)), "the active party's split")
        elif fate in ("own_split", "leaf"):
            return False
        else:
            raise PeerValue("a decision holds no fate")
        sides = self.partition.sampled_left(node, left), self.partition.sampled_left(node, ~left)
        if min(sides) < self.parameters.min_leaf:
            raise PeerValue("a split leaves fewer rows on one side than min_leaf allows")
        self.partition.split(node, left)
        return True

    def _own_split(self, node: int, candidate: int) -> BoolArray:
        if candidate >= len(self.features):
            raise PeerValue("the chosen split does not exist")
        split = OwnSplit(int(self.features[candidate]), int(self.boundaries[candidate]))
        if not self.grid.allows(node, split):
            raise PeerValue("the chosen split was not offered for this node")
        self.records.append(split)
        return goes_left(self.columns.bins, split, self.partition.rows(node))

    def _send_partitions(self, level: int, decisions: wire.Decisions) -> Steps[None]:
        """Tell the active party which rows go left in the nodes that this party's columns split."""
        nodes = [d.node for d in decisions.decisions if d.WhichOneof("fate") == "peer_split"]
        if nodes:
            message = wire.Partitions(tree=self.number, level=level)
            for node in nodes:
                message.partitions.add(node=node, left=pack_bits(self.partition.left(node)))
            yield Send(message)

    def _progress(self, what: str) -> Progress:
        return Progress("gbdt", self.number, self.parameters.n_trees, what)
