"""weighted_sum, packed_products and compress against plaintext arithmetic."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus._core.system import set_thread_count
from isthmus.aggregate import compress, packed_products, weighted_sum
from isthmus.errors import FeatureValue, InvalidArgument, PlaintextOverflow
from isthmus.paillier import CiphertextArray, PrivateKey, PublicKey, keygen

INT64 = np.iinfo(np.int64)
EDGES = np.array([0, 1, -1, INT64.max, INT64.min, 2**20 - 1, -(2**20)])
Keys = tuple[PublicKey, PrivateKey]
Pool = tuple[NDArray[np.int64], CiphertextArray]  # plaintexts and their ciphertexts


@pytest.fixture(scope="module")
def keys() -> Keys:
    return keygen(2048)


@pytest.fixture(scope="module")
def pool(keys: Keys) -> Pool:
    """A few ciphertexts to draw vectors from: encryption is slower than what is tested."""
    values = np.concatenate([EDGES, np.random.default_rng(1).integers(-(2**40), 2**40, 25)])
    return values, keys[1].encrypt(values)


def exact(array: NDArray[Any]) -> NDArray[np.object_]:
    return array.astype(object)


def weights(n: int, features: int, bits: int, seed: int) -> NDArray[np.int64]:
    """Signed weights of up to `bits` bits, a third of them zero, with the extremes among them."""
    rng = np.random.default_rng(seed)
    largest = 2**bits - 1
    X = rng.integers(-largest, largest, (n, features), endpoint=True)
    X[rng.random((n, features)) < 1 / 3] = 0
    extremes = rng.random((n, features))
    X[extremes < 0.1] = largest
    X[extremes > 0.9] = -largest
    return X


def draw(pool: Pool, n: int, seed: int) -> Pool:
    index = np.random.default_rng(seed).integers(0, len(pool[0]), n)
    return pool[0][index], pool[1][index]


def check_weighted(keys: Keys, X: NDArray[np.int64], m: NDArray[Any], result: CiphertextArray) -> None:
    assert result.shape == (X.shape[1],)
    assert keys[1].decrypt(result).tolist() == (exact(X).T @ exact(m)).tolist()


@settings(max_examples=25)
@given(
    n=st.integers(1, 40), features=st.integers(1, 5), bits=st.integers(1, 62), seed=st.integers(0, 2**32 - 1)
)
def test_weighted_sum(keys: Keys, pool: Pool, *, n: int, features: int, bits: int, seed: int) -> None:
    m, ct = draw(pool, n, seed)
    X = weights(n, features, bits, seed)
    result = weighted_sum(X, ct)
    check_weighted(keys, X, m, result)
    assert weighted_sum(scipy.sparse.csc_array(X), ct).to_bytes() == result.to_bytes()


@pytest.mark.parametrize("bits", [1, 5, 20])
def test_weighted_sum_of_many_rows(keys: Keys, pool: Pool, bits: int) -> None:
    m, ct = draw(pool, 2000, bits)
    X = weights(2000, 4, bits, bits)
    check_weighted(keys, X, m, weighted_sum(X, ct))


def few_values(n: int, seed: int) -> NDArray[np.int64]:
    """Columns with few distinct values beside one with many: binned, one-hot, constant, wide, extreme."""
    rng = np.random.default_rng(seed)
    bins = rng.normal(0, 2**45, 20).astype(np.int64)[rng.integers(0, 20, (n, 3))]
    one_hot = (rng.integers(0, 3, n)[:, None] == np.arange(3)).astype(np.int64)
    extreme = np.array([INT64.min, 0, INT64.max, -1])[rng.integers(0, 4, n)][:, None]
    many = rng.integers(-(2**20), 2**20, (n, 2))
    rare = (rng.random((n, 1)) < 0.01) * 5
    return np.hstack([bins, one_hot, extreme, many, rare, np.full((n, 1), -3), np.zeros((n, 1), np.int64)])


@pytest.mark.parametrize("n", [1, 40, 500, 3000])
@pytest.mark.parametrize("form", ["dense", "csr", "csc"])
def test_weighted_sum_of_columns_with_few_values(keys: Keys, pool: Pool, n: int, form: str) -> None:
    m, ct = draw(pool, n, n)
    X = few_values(n, n)
    matrix = X if form == "dense" else getattr(scipy.sparse, f"{form}_array")(X)
    check_weighted(keys, X, m, weighted_sum(matrix, ct))
    rows = np.random.default_rng(n).integers(0, n, n // 2)
    check_weighted(keys, X[rows], m[rows], weighted_sum(matrix, ct, rows=rows))


def test_threads_do_not_change_a_bit_of_columns_with_few_values(pool: Pool) -> None:
    _, ct = draw(pool, 2000, 7)
    X = few_values(2000, 7)
    results = []
    for threads in (1, 2):
        set_thread_count(threads)
        results.append(weighted_sum(X, ct).to_bytes())
    set_thread_count(0)
    assert results[0] == results[1]


def test_sparse_weights_may_repeat_entries(keys: Keys, pool: Pool) -> None:
    m, ct = draw(pool, 3, 8)
    sparse = scipy.sparse.csc_array(([1, 4, -2], [2, 2, 0], [0, 3]), shape=(3, 1))
    check_weighted(keys, sparse.toarray(), m, weighted_sum(sparse, ct))


def test_weighted_sum_of_extreme_weights(keys: Keys, pool: Pool) -> None:
    m, ct = draw(pool, len(EDGES), 2)
    X = np.stack([EDGES, EDGES[::-1], np.full(len(EDGES), INT64.min), np.zeros(len(EDGES), np.int64)], axis=1)
    check_weighted(keys, X, m, weighted_sum(X, ct))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int16, np.uint64, ">i8"])
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_weight_dtypes_and_memory_orders(pool: Pool, dtype: Any, order: str) -> None:
    _, ct = draw(pool, 12, 3)
    X = np.random.default_rng(3).integers(0, 2, (12, 3))
    stored = X.astype(dtype)
    if order == "strided":
        wide = np.zeros((24, 9), stored.dtype)
        wide[::2, ::3] = stored
        stored = wide[::2, ::3]
    elif order == "F":
        stored = np.asfortranarray(stored)
    assert weighted_sum(stored, ct).to_bytes() == weighted_sum(X, ct).to_bytes()


@pytest.mark.parametrize("form", ["dense", "csr", "csc", "coo"])
def test_weighted_sum_of_row_subsets(keys: Keys, pool: Pool, form: str) -> None:
    m, ct = draw(pool, 30, 4)
    X = weights(30, 3, 12, 4)
    rows = np.array([29, 5, 5, 0])
    matrix = X if form == "dense" else getattr(scipy.sparse, f"{form}_array")(X)
    check_weighted(keys, X[rows], m[rows], weighted_sum(matrix, ct, rows=rows))
    assert not np.any(keys[1].decrypt(weighted_sum(matrix, ct, rows=[])))


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_weighted_sum_of_reals(keys: Keys, form: str) -> None:
    rng = np.random.default_rng(5)
    X, d = rng.normal(size=(20, 3)), rng.normal(size=20)
    ct = keys[1].encrypt(d)
    result = weighted_sum(X if form == "dense" else scipy.sparse.csr_array(X), ct, scale_bits=30)
    assert result.scale_bits == ct.scale_bits + 30
    np.testing.assert_allclose(keys[1].decrypt(result), X.T @ d, rtol=0, atol=1e-7)


def test_weighted_sum_without_columns(pool: Pool) -> None:
    _, ct = draw(pool, 4, 0)
    assert weighted_sum(np.zeros((4, 0), np.int64), ct).shape == (0,)
    assert weighted_sum(scipy.sparse.csc_array((4, 0), dtype=np.int64), ct).shape == (0,)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.nan, FeatureValue),
        (np.inf, FeatureValue),
        (1e30, PlaintextOverflow),
        (-(2.0**23), PlaintextOverflow),
    ],
)
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
def test_unrepresentable_weights_name_their_row(
    pool: Pool, value: float, error: type[Exception], form: Callable[[Any], Any]
) -> None:
    _, ct = draw(pool, 4, 0)
    before = ct.to_bytes()
    X = np.ones((4, 2))
    X[2, 1] = value
    with pytest.raises(error) as caught:
        weighted_sum(form(X), ct)
    assert caught.value.row == 2  # type: ignore[attr-defined]
    assert ct.to_bytes() == before


def test_scale_overflow_is_refused(keys: Keys) -> None:
    ct = keys[1].encrypt(np.array([0.0]), scale_bits=1000)
    X = np.array([[0.0]])
    assert weighted_sum(X, ct, scale_bits=1022).scale_bits == 2022
    with pytest.raises(PlaintextOverflow):
        weighted_sum(X, weighted_sum(X, ct, scale_bits=1022), scale_bits=25)


def packed_oracle(X: NDArray[np.int64], m: NDArray[Any], slot_bits: int) -> list[int]:
    slots = 2046 // slot_bits
    products = (exact(X) @ exact(m)).tolist()
    groups = [products[t : t + slots] for t in range(0, len(products), slots)]
    return [sum(p << (s * slot_bits) for s, p in enumerate(group)) for group in groups]


@settings(max_examples=20)
@given(
    n=st.integers(1, 30),
    d=st.integers(1, 4),
    bits=st.integers(1, 60),
    slot_bits=st.integers(130, 2046),
    seed=st.integers(0, 2**32 - 1),
)
def test_packed_products(
    keys: Keys, pool: Pool, *, n: int, d: int, bits: int, slot_bits: int, seed: int
) -> None:
    m, ct = draw(pool, d, seed)
    X = weights(n, d, bits, seed)
    result = packed_products(X, ct, slot_bits)
    assert result.scale_bits == 0
    assert [int(p) for p in keys[1].decrypt(result)] == packed_oracle(X, m, slot_bits)


def test_packed_products_of_many_rows_with_offset_slots(keys: Keys, pool: Pool) -> None:
    slot_bits, n, d = 128, 900, 5
    m, ct = draw(pool, d, 6)
    X = np.asfortranarray(weights(n, d, 20, 6))
    slots = 2046 // slot_bits
    half = sum(1 << (s * slot_bits + slot_bits - 1) for s in range(slots))
    offsets = keys[0].encrypt(np.full(-(-n // slots), half, dtype=object))
    words = keys[1].decrypt_words(packed_products(X, ct, slot_bits) + offsets, slot_bits, slots)
    want = (exact(X) @ exact(m)) % 2**64
    assert words.reshape(-1)[:n].tolist() == want.tolist()


def test_packed_products_edges(keys: Keys, pool: Pool) -> None:
    m, ct = draw(pool, 3, 7)
    assert packed_products(np.zeros((0, 3), np.int64), ct, 100).shape == (0,)
    assert keys[1].decrypt(packed_products(np.zeros((5, 3), np.int64), ct, 100)).tolist() == [0]
    assert keys[1].decrypt(packed_products(np.zeros((5, 0), np.int64), ct[:0], 100)).tolist() == [0]
    X = np.array([[INT64.min, INT64.max, 0]] * 2)
    assert [int(p) for p in keys[1].decrypt(packed_products(X, ct, 200))] == packed_oracle(X, m, 200)


def test_packed_products_at_the_slot_bound(keys: Keys) -> None:
    ct = keys[1].encrypt(np.array([1, -1]))
    fits = np.array([[0, 0], [1, 2]])
    assert keys[1].decrypt(packed_products(fits, ct, 3)).tolist() == [-8]
    with pytest.raises(PlaintextOverflow) as caught:
        packed_products(np.array([[0, 0], [2, 2]]), ct, 3)
    assert caught.value.row == 1


def test_compress(keys: Keys) -> None:
    values = np.random.default_rng(8).integers(0, 2**60, 40)
    ct = keys[1].encrypt(values)
    for slot_bits in (61, 1000, 2046):
        slots = 2046 // slot_bits
        want = [
            sum(v << (k * slot_bits) for k, v in enumerate(values[g : g + slots].tolist()))
            for g in range(0, 40, slots)
        ]
        folded = compress(ct.reshape(8, 5), slot_bits)
        assert folded.shape == (len(want),)
        assert [int(p) for p in keys[1].decrypt(folded)] == want
    assert compress(ct[:0], 61).shape == (0,)


def test_threads_do_not_change_a_bit(pool: Pool) -> None:
    _, ct = draw(pool, 600, 9)
    X = weights(600, 3, 20, 9)
    results = []
    for threads in (1, 2):
        set_thread_count(threads)
        results.append(
            [
                weighted_sum(X, ct).to_bytes(),
                packed_products(X, ct[:3], 128).to_bytes(),
                compress(ct[:40], 100).to_bytes(),
            ]
        )
    set_thread_count(0)
    assert results[0] == results[1]


def test_wrong_arguments(pool: Pool) -> None:
    _, ct = draw(pool, 4, 0)
    X = np.ones((4, 2), np.int64)
    for call in (
        lambda: weighted_sum(np.ones((5, 2), np.int64), ct),
        lambda: weighted_sum(scipy.sparse.csc_array(np.ones((5, 2))), ct),
        lambda: weighted_sum(np.ones(4, np.int64), ct),
        lambda: weighted_sum(X.astype(str), ct),
        lambda: weighted_sum(X, ct.reshape(2, 2)),
        lambda: weighted_sum(X, ct, rows=[4]),
        lambda: weighted_sum(scipy.sparse.csc_array(X), ct, rows=[-1]),
        lambda: weighted_sum(X.astype(float), ct, scale_bits=2000),
        lambda: packed_products(X, ct, 100),
        lambda: packed_products(X.T.astype(float), ct, 100),
        lambda: packed_products(X.T, ct, 0),
        lambda: compress(ct, 0),
    ):
        with pytest.raises(InvalidArgument):
            call()
    for overflowing in (
        lambda: packed_products(X.T, ct, 2047),
        lambda: compress(ct, 2047),
        lambda: weighted_sum(np.full((4, 1), 2**63, np.uint64), ct),
    ):
        with pytest.raises(PlaintextOverflow):
            overflowing()


def test_sparse_matrix_with_bad_row_numbers_is_refused(pool: Pool) -> None:
    _, ct = draw(pool, 4, 0)
    X = scipy.sparse.csc_array(np.eye(4, dtype=np.int64))
    X.indices[2] = 7
    with pytest.raises(InvalidArgument):
        weighted_sum(X, ct)
