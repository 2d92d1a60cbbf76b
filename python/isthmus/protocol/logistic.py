"""Two-party logistic regression on Paillier and secret shares, protocol ``logistic/1``.

The parties hold aligned rows: the passive party features, the active party labels and perhaps features.
Weights, scores, residuals and gradients are shares in Z_2^64 from the first to the last step; at the end
each party learns the weights of its own columns and nothing else. ``train`` runs these steps, each in its
own module:

1. ``alignment``: row counts and roles; then Paillier keys, each checked by the other party.
2. ``logistic_moments``: shares of the cross moments and of the normal equations' right-hand side, from all
   rows.
3. ``logistic_solver``: the optimum of the linear sigmoid, by iteration on shares.
4. ``logistic_refine``: for the cubic sigmoid, passes over a batch of rows that correct the right-hand side
   for the sigmoid's curvature; each is followed by step 3. This is a Newton iteration with a fixed Hessian
   (Böhning and Lindsay, 1988) whose gradient is split into a part known from the moments and a batch
   estimate of the rest.
5. Each party sends its shares of the other's weights.

``docs/protocols/logistic.md`` says who learns what. Ref  Chen et al., KDD 2021, arXiv:2008.08753.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from isthmus.errors import DecodeError, FeatureValue, InvalidArgument, KeyRejected, PeerValue, ProtocolCount
from isthmus.paillier import PrivateKey, PublicKey, keygen
from isthmus.paillier.pool import pooled
from isthmus.protocol.agreed_key import parse_agreed_key
from isthmus.protocol.alignment import Peer, align
from isthmus.protocol.logistic_messages import Side, chunks, receive_words, send_words
from isthmus.protocol.logistic_moments import (
    FEATURE_LIMIT,
    WEIGHT_BITS,
    Blocks,
    active_moments,
    passive_moments,
)
from isthmus.protocol.logistic_refine import batch, correction
from isthmus.protocol.logistic_solver import prepare_solver
from isthmus.protocol.machine import Progress, Send, Steps, receive
from isthmus.protocol.sharing import Integers, Shared, Words, decode, encode
from isthmus.protocol.wire.logistic_pb2 import REVEAL, Key, PartialScores

PROTOCOL = "logistic/1"
SCORE_PROTOCOL = "logistic_score/1"
ROWS_PER_WEIGHT = 4
SCORE_STAGE = "logistic: score"
SCORE_DECIMAL_BITS = 12  # fractional bits of the passive party's part of a score
SCORE_CHUNK = 1 << 16
_MAX_ROWS = 1 << 31


@dataclass(frozen=True)
class LogisticParameters:
    """What both parties must agree on before training."""

    sigmoid: Literal["cubic", "linear"] = "cubic"
    iterations: int = 2
    batch_rows: int = 2048
    l2: float = 1.0
    key_bits: int = 3072
    fast_keys: bool = False

    def __post_init__(self) -> None:
        if self.sigmoid not in ("cubic", "linear"):
            raise InvalidArgument("sigmoid is 'cubic' or 'linear'")
        if not 1 <= self.iterations <= 3:
            raise InvalidArgument("iterations lie in 1..3")
        if self.batch_rows < 256:
            raise InvalidArgument("batch_rows is at least 256")
        if not 1e-6 <= self.l2 <= 1e6:
            raise InvalidArgument("l2 lies in 1e-6..1e6")
        if self.key_bits < 2048:
            raise InvalidArgument("key_bits is at least 2048")

    @property
    def passes(self) -> int:
        """Batch passes: none for the linear sigmoid, whose gradient the moments give in full."""
        return self.iterations if self.sigmoid == "cubic" else 0

    def as_json(self) -> dict[str, Any]:
        """Return the parameters for the session's comparison."""
        return asdict(self)


@dataclass(frozen=True)
class Trained:
    """This party's weights of its own scaled features, the bias (active only), the shared identifier."""

    weights: np.ndarray[Any, np.dtype[np.float64]]
    bias: float
    shared_id: str


def train(
    parameters: LogisticParameters,
    features: Integers,
    labels: Integers | None,
    *,
    keys: tuple[PublicKey, PrivateKey] | None = None,
) -> Steps[Trained]:
    """Train on this party's scaled integer features, shape (rows, columns); labels make it the active party.

    ``keys`` takes the place of a pair made for this run.

    Requires  |features| <= FEATURE_LIMIT, with FEATURE_BITS fractional bits, scaled so that the block's
              second moments plus penalty are the identity (``models.scaling``).

    Raises
    ------
    AlignmentError, InvalidArgument    from the first exchange, or too few rows for the number of weights
    FeatureValue      a feature exceeds the bound
    KeyRejected       the peer's key breaks a rule or is not of the agreed size and kind
    PeerValue         the peer's answers exceed the protocol's bounds
    """
    if features.size and int(np.abs(features).max()) > FEATURE_LIMIT:
        raise FeatureValue(f"scaled features exceed {FEATURE_LIMIT}")
    features = np.ascontiguousarray(features, dtype=np.int64)
    peer = yield from align(features.shape[0], features.shape[1], active=labels is not None)
    side = yield from _exchange_keys(parameters, keys, peer, features, active=labels is not None)
    with pooled(side.key):
        if labels is not None:
            moments = yield from active_moments(side, features, labels)
        else:
            moments = yield from passive_moments(side, features)
        weights = yield from _fit(parameters, side, features, moments.cross, moments.rhs)
    own = yield from _reveal(side, weights)
    bias = decode(weights.bias.words + own[-1:], WEIGHT_BITS)[0] if side.active else 0.0
    block = weights.active.words + own[:-1] if side.active else weights.passive.words + own
    return Trained(decode(block, WEIGHT_BITS), float(bias), peer.shared_id)


def _exchange_keys(
    parameters: LogisticParameters,
    keys: tuple[PublicKey, PrivateKey] | None,
    peer: Peer,
    features: Integers,
    *,
    active: bool,
) -> Steps[Side]:
    rows, own = features.shape
    if rows > _MAX_ROWS or rows < ROWS_PER_WEIGHT * (own + peer.features + 1):
        raise InvalidArgument(
            f"{own + peer.features} features need between {ROWS_PER_WEIGHT} rows each and 2^31"
        )
    yield Progress("logistic: keys", 0, 1)
    key_bits, fast = parameters.key_bits, parameters.fast_keys
    public, private = keys or keygen(key_bits, fast=fast)
    yield Send(Key(public_key=public.to_bytes()))
    theirs = parse_agreed_key((yield from receive(Key)).public_key, key_bits, fast=fast)
    if theirs.fingerprint == public.fingerprint:
        raise KeyRejected("the peer sent this party's own key back")
    yield Progress("logistic: keys", 1, 1)
    passive_features, active_features = (peer.features, own) if active else (own, peer.features)
    return Side(active, rows, passive_features, active_features, private, theirs)


def _fit(
    parameters: LogisticParameters, side: Side, features: Integers, cross: Shared, rhs: Blocks
) -> Steps[Blocks]:
    """Solve for the linear sigmoid, then correct and solve again in each pass."""
    solver = None
    if side.active_features:
        solver = yield from prepare_solver(side, cross, parameters.passes + 1)
    weights = rhs if solver is None else (yield from solver.solve(rhs, _zero(rhs)))
    for index in range(parameters.passes):
        rows = batch(side.rows, parameters.batch_rows, index, parameters.passes)
        change = yield from correction(side, features[rows], weights, index=index, passes=parameters.passes)
        target = rhs - change
        weights = target if solver is None else (yield from solver.solve(target, weights))
    return weights


def _zero(like: Blocks) -> Blocks:
    return like - like


def _reveal(side: Side, weights: Blocks) -> Steps[Words]:
    """Send the shares of the peer's weights, receive those of the own (with the bias: the active party's)."""
    active = np.concatenate([weights.active.words, weights.bias.words])
    theirs, count = (
        (weights.passive.words, active.size) if side.active else (active, weights.passive.words.size)
    )
    yield from send_words(REVEAL, theirs)
    return (yield from receive_words(REVEAL, count))


def score(
    partial: np.ndarray[Any, np.dtype[np.float64]] | None, features: int, *, active: bool
) -> Steps[np.ndarray[Any, np.dtype[np.float64]] | None]:
    """Add both parties' parts of each row's score; the active party gets the sums, the passive party None.

    ``partial`` is this party's part per row; None for an active party without columns, which takes the
    peer's rows. The passive party's part is rounded to SCORE_DECIMAL_BITS fractional bits before it is
    sent.
    """
    rows = None if partial is None else int(partial.size)
    peer = yield from align(rows, features, active=active)
    if not active:
        assert partial is not None
        yield from _send_scores(partial)
        return None
    total = np.zeros(peer.rows) if partial is None else partial.copy()
    yield Progress(SCORE_STAGE, 0, peer.rows)
    for start, stop in chunks(peer.rows, SCORE_CHUNK):
        message = yield from receive(PartialScores)
        if (message.start, message.count) != (start, stop - start):
            raise ProtocolCount(f"expected {stop - start} scores from {start}")
        if len(message.data) != 8 * message.count:
            raise DecodeError(f"{message.count} scores do not take {len(message.data)} bytes")
        values = np.frombuffer(message.data, dtype="<i8")
        if not bool((np.abs(values) < 1 << 50).all()):
            raise PeerValue("a partial score exceeds the bound")
        total[start:stop] += np.ldexp(values.astype(np.float64), -SCORE_DECIMAL_BITS)
        yield Progress(SCORE_STAGE, stop, peer.rows)
    return total


def _send_scores(partial: np.ndarray[Any, np.dtype[np.float64]]) -> Steps[None]:
    words = encode(partial, SCORE_DECIMAL_BITS).astype("<u8")
    yield Progress(SCORE_STAGE, 0, words.size)
    for start, stop in chunks(words.size, SCORE_CHUNK):
        yield Send(PartialScores(start=start, count=stop - start, data=words[start:stop].tobytes()))
        yield Progress(SCORE_STAGE, stop, words.size)
