"""The logistic protocol in the clear: the same steps and constants, in floating point, without shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.models.scaling import BlockScaler, quantised, whitening
from isthmus.protocol import logistic_moments as moments
from isthmus.protocol import logistic_refine as refine
from isthmus.protocol import logistic_solver as solver

SLOPE = moments.SLOPE / (1 << moments.COEFFICIENT_BITS)
LINEAR = refine.CUBIC_LINEAR / (1 << moments.COEFFICIENT_BITS)
CUBIC = refine.CUBIC / (1 << moments.COEFFICIENT_BITS)


@dataclass
class Twin:
    """All columns in one place: the passive block and the active block with its labels."""

    passive: np.ndarray
    active: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        self.x_passive = self.passive / (1 << moments.FEATURE_BITS)
        self.x_active = self.active / (1 << moments.FEATURE_BITS)
        signs = self.labels - 0.5
        rows = len(self.labels)
        self.cross = self.x_passive.T @ self.x_active / rows
        self.rhs = [b.T @ signs / rows / SLOPE for b in (self.x_passive, self.x_active)]
        self.bias = signs.mean() / SLOPE

    def solve(self, rhs, start):
        now, before = list(start), list(start)
        one = 1 << solver.FACTOR_BITS
        for omega, scaled in solver.chebyshev_factors():
            products = self.cross @ now[1], self.cross.T @ now[0]
            step = [
                omega / one * (v - w) + scaled / one * (r - v - k) + w
                for r, v, w, k in zip(rhs, now, before, products, strict=True)
            ]
            now, before = step, now
        return now

    def correction(self, rows, weights, bias):
        x_passive, x_active = self.x_passive[rows], self.x_active[rows]
        score = x_passive @ weights[0] + x_active @ weights[1] + bias
        residual = (LINEAR - SLOPE) * score + CUBIC * score**3
        centred = (residual - residual.mean()) / (len(rows) * SLOPE)
        return [x_passive.T @ centred, x_active.T @ centred], residual.mean() / SLOPE

    def fit(self, parameters):
        """Return (passive weights, active weights, bias)."""
        zero = [np.zeros_like(part) for part in self.rhs]
        both = self.active.shape[1] > 0
        weights, bias = self.solve(self.rhs, zero) if both else self.rhs, self.bias
        for index in range(parameters.passes):
            rows = refine.batch(len(self.labels), parameters.batch_rows, index, parameters.passes)
            change, bias_change = self.correction(rows, weights, bias)
            target = [r - c for r, c in zip(self.rhs, change, strict=True)]
            weights, bias = self.solve(target, weights) if both else target, self.bias - bias_change
        return *weights, bias


def prepared(values, l2=1.0, clip=3.0):
    """Return (scaler, transform, integer block) as the estimator makes them."""
    scaler = BlockScaler.fit(values, clip)
    scaled = scaler.transform(values)
    transform = whitening(scaled, l2)
    return scaler, transform, quantised(scaled @ transform)


def clear_scores(train, labels, parameters, held_out):
    """Train the twin on raw (passive, active) columns and score other raw rows."""
    parts, blocks = [], []
    for values in train:
        scaler, transform, block = prepared(values, parameters.l2)
        parts.append((scaler, transform))
        blocks.append(block)
    *weights, bias = Twin(*blocks, labels).fit(parameters)
    total = np.full(len(held_out[0]), bias)
    for (scaler, transform), weight, values in zip(parts, weights, held_out, strict=True):
        total += scaler.transform(values) @ (transform @ weight)
    return total
