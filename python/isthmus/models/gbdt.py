"""Gradient-boosted trees over two parties' columns, and the same model over one table in the clear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from isthmus.errors import AlignmentError, InvalidArgument
from isthmus.models.base import FloatArray, VerticalModel, disclose_fast_keys, finite_floats
from isthmus.paillier import keygen
from isthmus.party.session import Session
from isthmus.prep import Binner
from isthmus.protocol.gbdt import (
    ActiveForest,
    BinnedColumns,
    GBDTParameters,
    OwnSplit,
    PassiveSplits,
    Tree,
    predict_active,
    predict_passive,
    train_active,
    train_passive,
)
from isthmus.protocol.gbdt_clear import clear_margin, train_clear
from isthmus.tables import binary_labels

TRAIN = "gbdt/1"
PREDICT = "gbdt-predict/1"


class VerticalGBDT(VerticalModel):
    """Boosted trees for 0/1 labels, trained by two parties in the manner of SecureBoost.

    Both parties construct it with equal parameters; they are compared before training. What each party learns
    is in ``docs/protocols/gbdt.md``; in short, the active party learns sums over at least ``min_bucket`` rows
    of the other's unnamed columns and which rows each split sends left, the passive party learns the trees'
    row partitions.

    Parameters
    ----------
    n_trees, max_depth, learning_rate, reg_lambda
        As in XGBoost.
    max_bins
        Most quantile bins per column (each party's own affair); missing values are a bin of their own, below
        the others.
    min_leaf
        Fewest sampled rows on either side of a split.
    min_bucket
        Fewest sampled rows between two split candidates of a column, and so in any sum that leaves the
        passive party.
    sample_rows
        Each tree's splits are chosen on a fresh random sample of at most this many rows; only these rows'
        gradients are encrypted, so this and ``n_trees`` set the running time. Leaf values use every row.
    key_bits
        Paillier modulus, 2048 to 4096.
    fast_keys
        Use a fast key (:func:`isthmus.paillier.keygen`), under its own assumption; both parties choose so.
    seed
        Fixes the samples, for the active party; the result is then reproducible.

    Attributes
    ----------
    role, feature_names
        "active" or "passive" once fitted, and this party's columns.
    """

    kind = "gbdt"

    def __init__(
        self,
        *,
        n_trees: int = 30,
        max_depth: int = 4,
        learning_rate: float = 0.2,
        max_bins: int = 32,
        reg_lambda: float = 1.0,
        min_leaf: int = 20,
        min_bucket: int = 5,
        sample_rows: int = 5000,
        key_bits: int = 3072,
        fast_keys: bool = False,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.parameters = GBDTParameters(
            n_trees,
            max_depth,
            learning_rate,
            reg_lambda,
            min_leaf,
            min_bucket,
            sample_rows,
            key_bits,
            fast_keys,
        )
        self.seed = seed
        self._binner = Binner(max_bins)
        self._half: ActiveForest | PassiveSplits | None = None

    def fit(self, session: Session, X: Any, y: Any = None) -> VerticalGBDT:
        """Train with the peer; the party that passes ``y`` is active and holds the finished trees.

        Rows of both parties are aligned. ``X`` may be None for an active party without columns.

        Raises
        ------
        SchemaError, FeatureValue, LabelError, EmptyInput, InvalidArgument
            This party's input is not usable; nothing was sent.
        AlignmentError
            The parties' row counts differ.
        ParameterMismatch
            The parties' parameters differ.
        PeerValue
            The peer sent sums, splits or partitions that no honest party can send.
        """
        features, labels = self._read_training(X, y, allow_missing=True)
        self.parameters.sample_size(features.rows)
        binner = Binner(self._binner.max_bins).fit(features.values, features.names)
        columns = BinnedColumns(binner.transform(features.values), binner.n_bins)
        agreed = asdict(self.parameters)
        half: ActiveForest | PassiveSplits
        if labels is None:
            half = session.run(TRAIN, train_passive(columns, self.parameters), agreed)
            _disclose_training(session, active=session.peer, passive=session.party)
        else:
            _, private_key = keygen(self.parameters.key_bits, fast=self.parameters.fast_keys)
            rng = np.random.default_rng(self.seed)
            steps = train_active(columns, labels.astype(np.float64), self.parameters, private_key, rng)
            half = session.run(TRAIN, steps, agreed)
            _disclose_training(session, active=session.party, passive=session.peer)
        disclose_fast_keys(session, self.parameters.fast_keys)
        self._binner, self._half = binner, half
        self.role = "passive" if labels is None else "active"
        self.party, self.model_id, self.feature_names = session.party, half.shared_id, features.names
        return self

    def predict_proba(self, session: Session, X: Any) -> FloatArray | None:
        """Score aligned rows with the peer: the active party gets probabilities, shape (n,), the passive
        None.

        Raises
        ------
        SchemaError, FeatureValue, EmptyInput
            The columns are not those of training, or hold infinities; nothing was sent.
        ModelFileError
            This half belongs to another party.
        ParameterMismatch, AlignmentError
            The halves are of different models, or the row counts differ.
        """
        features = self._read_scoring(X, allow_missing=True)
        self._check_party(session.party)
        agreed = {"model": self.model_id}
        if isinstance(self._half, PassiveSplits):
            steps = predict_passive(self._half, self._binner.transform(features.values))
            session.run(PREDICT, steps, agreed)
            _disclose_scoring(session, active=session.peer, passive=session.party)
            return None
        assert self._half is not None
        bins = None if X is None else self._binner.transform(features.values)
        margin = session.run(PREDICT, predict_active(self._half, bins), agreed)
        _disclose_scoring(session, active=session.party, passive=session.peer)
        return _probability(margin)

    def _body(self) -> dict[str, Any]:
        body = {"parameters": asdict(self.parameters), "binner": self._binner.to_json()}
        if isinstance(self._half, PassiveSplits):
            return body | {"records": [[split.feature, split.bin] for split in self._half.records]}
        assert self._half is not None
        return body | {"base": self._half.base, "trees": [tree.to_json() for tree in self._half.trees]}

    def _restore(self, body: Mapping[str, Any]) -> None:
        try:
            self.parameters = GBDTParameters(**body["parameters"])
        except InvalidArgument:
            raise ValueError("parameters outside their range") from None
        self._binner = Binner.from_json(body["binner"])
        if tuple(self._binner.names) != self.feature_names:
            raise ValueError("bins of other columns")
        if self.role == "passive":
            splits = [OwnSplit(int(feature), int(last)) for feature, last in body["records"]]
            _check_splits(splits, self._binner)
            self._half = PassiveSplits(self.model_id, splits)
        else:
            trees = [Tree.from_json(tree) for tree in body["trees"]]
            own = (s for tree in trees for s in tree.splits.values() if isinstance(s, OwnSplit))
            _check_splits(own, self._binner)
            records = [record for tree in trees for record in tree.records()]
            if sorted(records) != list(range(len(records))):
                raise ValueError("the peer's splits are not numbered from 0")
            self._half = ActiveForest(self.model_id, float(finite_floats([body["base"]])[0]), trees)


class ClearGBDT:
    """The model of :class:`VerticalGBDT` over one table in the clear, split for split the same.

    It is the baseline of the same family: one party alone, or all columns pooled (the active party's first).
    The parameters mean the same; equal ``seed`` gives equal samples.
    """

    def __init__(
        self,
        *,
        n_trees: int = 30,
        max_depth: int = 4,
        learning_rate: float = 0.2,
        max_bins: int = 32,
        reg_lambda: float = 1.0,
        min_leaf: int = 20,
        min_bucket: int = 5,
        sample_rows: int = 5000,
        seed: int | None = None,
    ) -> None:
        self.parameters = GBDTParameters(
            n_trees, max_depth, learning_rate, reg_lambda, min_leaf, min_bucket, sample_rows
        )
        self.seed = seed
        self._binner = Binner(max_bins)
        self._base = 0.0
        self._trees: list[Tree] = []

    def fit(self, X: Any, y: Any) -> ClearGBDT:
        """Train on one table; missing values are allowed."""
        bins, labels = self._binner.fit_transform(X), binary_labels(y)
        if len(labels) != len(bins):
            raise AlignmentError(f"features have {len(bins)} rows, labels have {len(labels)}")
        columns = BinnedColumns(bins, self._binner.n_bins)
        rng = np.random.default_rng(self.seed)
        self._base, self._trees = train_clear(columns, labels.astype(np.float64), self.parameters, rng)
        return self

    def predict_proba(self, X: Any) -> FloatArray:
        """Probability of class 1 for each row, shape (n,)."""
        return _probability(self._base + clear_margin(self._trees, self._binner.transform(X)))


def _disclose_training(session: Session, *, active: str, passive: str) -> None:
    session.disclose(
        f"{active} learned gradient sums over bins of {passive}'s unnamed columns, and which training rows "
        f"each chosen split of {passive} sends left"
    )
    session.disclose(f"{passive} learned which training rows fall in which node of the trees")


def _disclose_scoring(session: Session, *, active: str, passive: str) -> None:
    session.disclose(f"{active} learned each scored row's side of every split of {passive}, and the scores")


def _check_splits(splits: Iterable[OwnSplit], binner: Binner) -> None:
    if not all(0 <= s.feature < len(binner.names) and 0 <= s.bin < binner.n_bins for s in splits):
        raise ValueError("a split of a column that is not there")


def _probability(margin: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-margin)), dtype=np.float64)
