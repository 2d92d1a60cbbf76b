"""bucket_sum against sums of plaintexts."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus._core.system import set_thread_count
from isthmus.aggregate import PackLayout, bucket_sum
from isthmus.errors import InvalidArgument, PlaintextOverflow
from isthmus.paillier import CiphertextArray, PrivateKey, PublicKey, keygen

INT64 = np.iinfo(np.int64)


@dataclass(frozen=True)
class Pool:
    """A few ciphertexts to draw rows from: encryption is slower than what is tested."""

    public_key: PublicKey
    private_key: PrivateKey
    values: NDArray[np.int64]
    ct: CiphertextArray

    def draw(self, n: int, seed: int = 0) -> tuple[NDArray[np.int64], CiphertextArray]:
        index = np.random.default_rng(seed).integers(0, len(self.values), n)
        return self.values[index], self.ct[index]


@pytest.fixture(scope="module")
def pool() -> Pool:
    public_key, private_key = keygen(2048)
    edges = [0, 1, -1, INT64.max, INT64.min]
    values = np.concatenate([edges, np.random.default_rng(1).integers(-(2**40), 2**40, 27)])
    return Pool(public_key, private_key, values, private_key.encrypt(values))


def expected_sums(values: NDArray[np.int64], buckets: NDArray[np.integer], n_buckets: int) -> list[list[int]]:
    sums = [[0] * n_buckets for _ in range(buckets.shape[1])]
    for value, row in zip(values.tolist(), buckets.tolist(), strict=True):
        for f, b in enumerate(row):
            sums[f][b] += value
    return sums


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(0, 40),
    features=st.integers(0, 5),
    n_buckets=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_plaintext_sums(pool: Pool, n: int, features: int, n_buckets: int, seed: int) -> None:
    values, ct = pool.draw(n, seed)
    buckets = np.random.default_rng(seed).integers(0, n_buckets, (n, features)).astype(np.uint8)
    sums = bucket_sum(ct, buckets, n_buckets)
    assert sums.shape == (features, n_buckets)
    assert pool.private_key.decrypt(sums).tolist() == expected_sums(values, buckets, n_buckets)


@pytest.mark.parametrize(("n_buckets", "features"), [(2, 12), (4, 7), (8, 5), (3, 1)])
def test_many_rows_in_joint_groups(pool: Pool, n_buckets: int, features: int) -> None:
    values, ct = pool.draw(3000)
    rng = np.random.default_rng(2)
    buckets = np.minimum(
        rng.integers(0, n_buckets, (3000, features)), rng.integers(0, n_buckets, (3000, features))
    )
    decrypted = pool.private_key.decrypt(bucket_sum(ct, buckets.astype(np.uint16), n_buckets))
    assert decrypted.tolist() == expected_sums(values, buckets, n_buckets)


def test_one_column_keeps_one_dimension_and_scale(pool: Pool) -> None:
    ct = pool.private_key.encrypt(np.array([1.5, 2.25, -0.5]))
    sums = bucket_sum(ct, np.array([2, 0, 2]), 3)
    assert sums.shape == (3,) and sums.scale_bits == ct.scale_bits
    assert pool.private_key.decrypt(sums).tolist() == [2.25, 0.0, 1.0]


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.int32, np.int64, np.int8, np.uint32, np.uint64, ">i4"]
)
@pytest.mark.parametrize("order", ["C", "F", "strided", "reversed"])
def test_bucket_dtypes_and_memory_orders(pool: Pool, dtype: str, order: str) -> None:
    _, ct = pool.draw(20)
    plain = np.random.default_rng(3).integers(0, 5, (20, 3))
    want = bucket_sum(ct, plain, 5).to_bytes()
    buckets = plain.astype(dtype)
    if order == "F":
        buckets = np.asfortranarray(buckets)
    elif order == "strided":
        wide = np.zeros((40, 9), dtype)
        wide[::2, ::3] = buckets
        buckets = wide[::2, ::3]
    elif order == "reversed":
        buckets = buckets[::-1].copy()[::-1]
    assert bucket_sum(ct, buckets, 5).to_bytes() == want


def test_row_subsets(pool: Pool) -> None:
    values, ct = pool.draw(50)
    buckets = np.random.default_rng(4).integers(0, 4, (50, 3)).astype(np.int32)
    rows = np.array([49, 3, 3, 0, 17])
    sums = pool.private_key.decrypt(bucket_sum(ct, buckets, 4, rows=rows))
    assert sums.tolist() == expected_sums(values[rows], buckets[rows], 4)
    assert not np.any(pool.private_key.decrypt(bucket_sum(ct, buckets, 4, rows=[])))


def test_threads_do_not_change_a_bit(pool: Pool) -> None:
    _, ct = pool.draw(2000)
    buckets = np.random.default_rng(5).integers(0, 6, (2000, 4)).astype(np.uint8)
    results = []
    for threads in (1, 2):
        set_thread_count(threads)
        results.append(bucket_sum(ct, buckets, 6).to_bytes())
    set_thread_count(0)
    assert results[0] == results[1]


@pytest.mark.parametrize("bad", [4, -1, 255])
def test_bucket_out_of_range_names_its_row_and_changes_nothing(pool: Pool, bad: int) -> None:
    _, ct = pool.draw(10)
    before = ct.to_bytes()
    buckets = np.zeros((10, 2), np.int32)
    buckets[[7, 9], 1] = bad
    with pytest.raises(InvalidArgument) as caught:
        bucket_sum(ct, buckets, 4)
    assert caught.value.row == 7
    assert ct.to_bytes() == before
    assert bucket_sum(ct, buckets, 4, rows=np.arange(7)).shape == (2, 4)  # rows left out are not read


def test_layout_bounds_the_rows(pool: Pool) -> None:
    layout = PackLayout(key_bits=2048, value_bits=(8, 3), max_addends=16)
    columns = np.tile(np.array([[255, 7]], np.uint64), (17, 1))
    ct = pool.private_key.encrypt_packed(columns, layout)
    buckets = np.zeros(17, np.uint8)
    sums = bucket_sum(ct, buckets, 1, rows=np.arange(16), layout=layout)
    assert pool.private_key.decrypt_packed(sums, layout).tolist() == [[16 * 255, 16 * 7]]
    before = ct.to_bytes()
    with pytest.raises(PlaintextOverflow):
        bucket_sum(ct, buckets, 1, layout=layout)
    assert ct.to_bytes() == before


def test_values_must_leave_the_headroom_free(pool: Pool) -> None:
    """Four times 1023 would carry into the next field, though 1023 itself fits the slot of 10 bits."""
    layout = PackLayout(key_bits=2048, value_bits=(8, 64), max_addends=4)
    columns = np.array([[255, 2**64 - 1], [256, 0]], np.uint64)
    for key in (pool.private_key, pool.private_key.public_key):
        with pytest.raises(PlaintextOverflow) as caught:
            key.encrypt_packed(columns, layout)
        assert caught.value.row == 1
    ct = pool.private_key.encrypt_packed(columns[[0, 0, 0, 0]], layout)
    sums = bucket_sum(ct, np.zeros(4, np.uint8), 1, layout=layout)
    assert pool.private_key.decrypt_packed(sums, layout).tolist() == [[4 * 255, 4 * (2**64 - 1)]]


def test_wrong_arguments(pool: Pool) -> None:
    _, ct = pool.draw(4)
    zeros = np.zeros(4, np.uint8)
    wrong_key = PackLayout(key_bits=3072, value_bits=(8,), max_addends=16)
    for call in (
        lambda: bucket_sum(ct, np.zeros(5, np.uint8), 2),
        lambda: bucket_sum(ct, np.zeros((4, 1, 1), np.uint8), 2),
        lambda: bucket_sum(ct, np.zeros(4), 2),
        lambda: bucket_sum(ct, zeros, 0),
        lambda: bucket_sum(ct, zeros, -1),
        lambda: bucket_sum(ct, zeros, 1.5),  # type: ignore[arg-type]
        lambda: bucket_sum(ct, zeros, 2**40),
        lambda: bucket_sum(ct.reshape(2, 2), zeros, 2),
        lambda: bucket_sum(ct, zeros, 2, rows=np.array([0.0])),
        lambda: bucket_sum(ct, zeros, 2, rows=np.array([[0]])),
        lambda: bucket_sum(ct, zeros, 2, layout=wrong_key),
    ):
        with pytest.raises(InvalidArgument):
            call()


@pytest.mark.parametrize("bad", [-1, 4, 2**40])
def test_row_number_out_of_range_names_its_position(pool: Pool, bad: int) -> None:
    _, ct = pool.draw(4)
    with pytest.raises(InvalidArgument) as caught:
        bucket_sum(ct, np.zeros(4, np.uint8), 2, rows=np.array([0, bad]))
    assert caught.value.row == 1
