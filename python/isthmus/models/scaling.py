"""Scaling of one party's block of columns for the logistic protocol; local, nothing of it leaves the party.

Each column is standardised and clipped at ``clip`` standard deviations; then the block is rotated and
scaled by T, so that its second moments plus the L2 penalty are the identity:
    Tᵀ (ZᵀZ/n + (λ/s) I) T = I
with Z the clipped columns, λ = l2/n and s the slope of the linear sigmoid. Gradient steps on such a block
are Newton steps as far as the block alone is concerned, and the penalty l2/2·|w|² on the weights w of Z is
kept exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.models.base import FloatArray, finite_floats
from isthmus.protocol.logistic_moments import COEFFICIENT_BITS, FEATURE_BITS, FEATURE_LIMIT, SLOPE


@dataclass(frozen=True)
class BlockScaler:
    """Standardises and clips own columns: z = clip((x - mean) / deviation) - offset."""

    mean: FloatArray
    deviation: FloatArray
    offset: FloatArray
    clip: float

    @classmethod
    def fit(cls, values: FloatArray, clip: float) -> BlockScaler:
        """Learn means and deviations; a constant column gets deviation 1, so that it becomes 0."""
        mean, deviation = values.mean(axis=0), values.std(axis=0)
        # Rounding leaves a constant column a deviation of a few ulps of its mean.
        constant = deviation <= 1e-12 * np.abs(mean)
        deviation = np.where(constant | (deviation == 0), 1.0, deviation)
        clipped = np.clip((values - mean) / deviation, -clip, clip)
        return cls(mean, deviation, clipped.mean(axis=0), clip)

    def transform(self, values: FloatArray) -> FloatArray:
        """Return the standardised, clipped and centred columns."""
        return np.clip((values - self.mean) / self.deviation, -self.clip, self.clip) - self.offset

    def as_json(self) -> dict[str, Any]:
        """Return the scaler as JSON values."""
        return {
            "mean": self.mean.tolist(),
            "deviation": self.deviation.tolist(),
            "offset": self.offset.tolist(),
            "clip": self.clip,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any], columns: int) -> BlockScaler:
        """Read what :meth:`as_json` wrote; ValueError or KeyError if it does not fit."""
        mean, deviation, offset = (
            finite_floats(body[name], columns) for name in ("mean", "deviation", "offset")
        )
        if not bool((deviation > 0).all()):
            raise ValueError("a deviation is not positive")
        return cls(mean, deviation, offset, checked_clip(body["clip"]))


def checked_clip(clip: Any) -> float:
    """Return ``clip`` as a float in [1, 8]; ValueError otherwise."""
    if not 1.0 <= float(clip) <= 8.0:
        raise ValueError("clip lies between 1 and 8 standard deviations")
    return float(clip)


def whitening(scaled: FloatArray, l2: float) -> FloatArray:
    """Return T, shape (d, d): scaled @ T has second moments that, with the penalty, are the identity."""
    rows, columns = scaled.shape
    if columns == 0:
        return np.empty((0, 0))
    values, vectors = np.linalg.eigh(scaled.T @ scaled / rows)
    penalty = l2 / rows / (SLOPE / (1 << COEFFICIENT_BITS))
    return np.asarray(vectors / np.sqrt(np.maximum(values, 0.0) + penalty))


def quantised(block: FloatArray) -> npt.NDArray[np.int64]:
    """Round a whitened block to the protocol's fixed point; rare values beyond 16 deviations are clipped."""
    integers = np.rint(np.ldexp(block, FEATURE_BITS))
    return np.clip(integers, -FEATURE_LIMIT, FEATURE_LIMIT).astype(np.int64)
