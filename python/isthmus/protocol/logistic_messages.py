"""Bulk messages of the logistic protocol: ciphertexts and ring words in checked chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isthmus.aggregate import weighted_sum
from isthmus.errors import DecodeError, ProtocolCount, ProtocolState
from isthmus.paillier import CiphertextArray, PrivateKey, PublicKey, concatenate
from isthmus.protocol.machine import Send, Steps, receive
from isthmus.protocol.sharing import BigIntegers, Integers, SlotPlan, Words, masked, unmasked
from isthmus.protocol.wire.logistic_pb2 import Ciphertexts, RingWords, Stage

# Ciphertexts per message: about half a second of encryption, and below one mebibyte.
CHUNK = 1024
# Masked answers per message: about half a second of decryption.
MASKED_CHUNK = 128
# Rows of a sum that are multiplied together: at 3072 bits 8 MiB of ciphertexts, and a third fewer products
# than a sum for each message.
SUM_ROWS = 8192


@dataclass(frozen=True)
class Side:
    """This party's place in one run: its role, the sizes that both know, and the keys."""

    active: bool
    rows: int
    passive_features: int
    active_features: int
    key: PrivateKey
    peer_key: PublicKey

    @property
    def key_bits(self) -> int:
        """Bits of both parties' moduli."""
        return self.peer_key.key_bits

    @property
    def own_features(self) -> int:
        """The number of this party's columns."""
        return self.active_features if self.active else self.passive_features

    @property
    def peer_features(self) -> int:
        """The number of the peer's columns."""
        return self.passive_features if self.active else self.active_features


def chunks(count: int, size: int = CHUNK) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) pairs that cover range(count)."""
    for start in range(0, count, size):
        yield start, min(start + size, count)


def send_ciphertexts(stage: Stage, ct: CiphertextArray, start: int = 0) -> Steps[None]:
    """Send ciphertexts ``start``.. of a stage in messages of at most ``CHUNK``."""
    for first, last in chunks(len(ct)):
        part = ct[first:last]
        yield Send(Ciphertexts(stage=stage, start=start + first, count=last - first, data=part.to_bytes()))


def receive_ciphertexts(
    stage: Stage, count: int, key: PublicKey | PrivateKey, start: int = 0
) -> Steps[CiphertextArray]:
    """Receive ciphertexts ``start``..``start + count`` of a stage; each one is checked on arrival.

    Raises
    ------
    ProtocolState       another stage's message
    ProtocolCount       another position or number
    CiphertextRange, CiphertextNotUnit, DecodeError    from the ciphertexts themselves
    """
    public = key.public_key if isinstance(key, PrivateKey) else key
    parts: list[CiphertextArray] = []
    for first, last in chunks(count):
        message = yield from receive(Ciphertexts)
        _expect_stage(message.stage, stage)
        if (message.start, message.count) != (start + first, last - first):
            raise ProtocolCount(
                f"expected {last - first} ciphertexts from {start + first}, "
                f"got {message.count} from {message.start}"
            )
        parts.append(public.ciphertexts_from_bytes(message.data, shape=(message.count,)))
    return parts[0] if len(parts) == 1 else concatenate(parts)


class RowSums:
    """Xᵀ·[[d]] of rows whose ciphertexts come message by message, formed ``SUM_ROWS`` at a time."""

    def __init__(self, features: Integers) -> None:
        self._features = features
        self._summed = 0
        self._waiting: list[CiphertextArray] = []
        self._total: CiphertextArray | None = None

    def add(self, ct: CiphertextArray) -> None:
        """Take the ciphertexts of the next rows."""
        self._waiting.append(ct)
        if sum(map(len, self._waiting)) >= SUM_ROWS:
            self._sum_waiting()

    def total(self) -> CiphertextArray:
        """Return the sums, one for each column, when all rows are in."""
        if self._waiting:
            self._sum_waiting()
        assert self._total is not None
        return self._total

    def _sum_waiting(self) -> None:
        ct = concatenate(self._waiting)
        self._waiting.clear()
        part = weighted_sum(self._features[self._summed : self._summed + len(ct)], ct)
        self._summed += len(ct)
        self._total = part if self._total is None else self._total + part


def send_masked(
    side: Side, stage: Stage, ct: CiphertextArray, plan: SlotPlan, counts: list[int], *, start: int = 0
) -> Steps[BigIntegers]:
    """Mask ciphertexts under the peer's key, send them, and return this party's integer shares."""
    kept = []
    for first, last in chunks(len(counts), MASKED_CHUNK):
        answer, own = masked(ct[first:last], plan, counts[first:last], side.peer_key)
        yield from send_ciphertexts(stage, answer, start + first)
        kept.append(own)
    return np.concatenate(kept)


def receive_masked(
    side: Side, stage: Stage, plan: SlotPlan, counts: list[int], *, start: int = 0
) -> Steps[BigIntegers]:
    """Receive what the peer's :func:`send_masked` sends, and return this party's integer shares."""
    shares = []
    for first, last in chunks(len(counts), MASKED_CHUNK):
        answer = yield from receive_ciphertexts(stage, last - first, side.key, start + first)
        shares.append(unmasked(answer, plan, counts[first:last], side.key))
    return np.concatenate(shares)


def exchange_words(stage: Stage, words: Words) -> Steps[Words]:
    """Send ring words and receive as many of the same stage and shape from the peer."""
    yield from send_words(stage, words)
    return (yield from receive_words(stage, words.size)).reshape(words.shape)


def send_words(stage: Stage, words: Words) -> Steps[None]:
    """Send ring words in one message."""
    yield Send(RingWords(stage=stage, count=words.size, data=words.astype("<u8").tobytes()))


def receive_words(stage: Stage, count: int) -> Steps[Words]:
    """Receive ``count`` ring words of a stage."""
    message = yield from receive(RingWords)
    _expect_stage(message.stage, stage)
    if message.count != count:
        raise ProtocolCount(f"expected {count} words, got {message.count}")
    if len(message.data) != 8 * count:
        raise DecodeError(f"{count} words take {8 * count} bytes, got {len(message.data)}")
    return np.frombuffer(message.data, dtype="<u8").astype(np.uint64)


def _expect_stage(found: Stage, expected: Stage) -> None:
    if found != expected:
        raise ProtocolState(f"expected stage {Stage.Name(expected)}, got number {int(found)}")
