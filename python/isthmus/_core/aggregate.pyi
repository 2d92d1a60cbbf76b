from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .paillier import CiphertextArray

class PackLayout:
    """Several non-negative values in one plaintext, with a proven bound."""

    def __init__(self, *, key_bits: int, value_bits: Sequence[int], max_addends: int) -> None: ...
    @staticmethod
    def uniform(key_bits: int, slot_bits: int) -> PackLayout: ...
    @property
    def key_bits(self) -> int: ...
    @property
    def slots(self) -> int: ...
    @property
    def slot_bits(self) -> int: ...
    @property
    def headroom_bits(self) -> int: ...
    @property
    def max_addends(self) -> int: ...
    @property
    def value_bits(self) -> tuple[int, ...]: ...
    def require_addends(self, addends: int) -> None: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

def bucket_sum(
    ct: CiphertextArray,
    planes: int,
    buckets: NDArray[Any],
    n_buckets: int,
    rows: NDArray[np.int64] | None = None,
    layout: PackLayout | None = None,
) -> CiphertextArray: ...
def bucket_sum_sparse(
    ct: CiphertextArray,
    planes: int,
    row_count: int,
    column_starts: NDArray[np.int64],
    row_numbers: NDArray[np.int64],
    values: NDArray[np.int64],
    n_buckets: int,
    rows: NDArray[np.int64] | None = None,
    layout: PackLayout | None = None,
) -> CiphertextArray: ...
def weighted_sum(
    ct: CiphertextArray, weights: NDArray[np.int64], rows: NDArray[np.int64] | None = None
) -> CiphertextArray: ...
def weighted_sum_sparse(
    ct: CiphertextArray,
    row_count: int,
    column_starts: NDArray[np.int64],
    row_numbers: NDArray[np.int64],
    values: NDArray[np.int64],
    rows: NDArray[np.int64] | None = None,
) -> CiphertextArray: ...
def packed_products(ct: CiphertextArray, weights: NDArray[np.int64], slot_bits: int) -> CiphertextArray: ...
def compress(ct: CiphertextArray, slot_bits: int) -> CiphertextArray: ...
def to_fixed_point(values: NDArray[np.float64], scale_bits: int) -> NDArray[np.int64]: ...
