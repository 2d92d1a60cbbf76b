"""bucket_sum against sums of plaintexts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus._core.system import set_thread_count
from isthmus.aggregate import PackLayout, bucket_sum, compress
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


@settings(max_examples=20)
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


# --- several ciphertexts per row, sparse buckets, skewed and correlated columns -----------------------------


def forms(buckets: NDArray[Any], form: str) -> Any:
    """The buckets as users may hold them."""
    return buckets if form == "dense" else getattr(scipy.sparse, f"{form}_array")(buckets)


@pytest.mark.parametrize("form", ["dense", "csc", "csr", "coo"])
@pytest.mark.parametrize("rows", [None, [39, 3, 3, 0, 17]])
def test_several_ciphertexts_per_row(pool: Pool, form: str, rows: list[int] | None) -> None:
    ct = pool.draw(120)[1].reshape(40, 3)
    buckets = np.random.default_rng(6).integers(0, 4, (40, 5)).astype(np.uint8)
    sums = bucket_sum(ct, forms(buckets, form), 4, rows=rows)
    assert sums.shape == (3, 5, 4)
    for plane in range(3):
        alone = bucket_sum(ct[:, plane], buckets, 4, rows=rows)
        assert sums[plane].to_bytes() == alone.to_bytes()
    assert bucket_sum(ct, buckets[:, 0], 4).shape == (3, 4)


@settings(max_examples=25)
@given(
    n=st.integers(0, 60),
    features=st.integers(0, 6),
    n_buckets=st.integers(1, 5),
    density=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
def test_sparse_equals_dense(
    pool: Pool, *, n: int, features: int, n_buckets: int, density: float, seed: int
) -> None:
    _, ct = pool.draw(n, seed)
    rng = np.random.default_rng(seed)
    buckets = rng.integers(0, n_buckets, (n, features)) * (rng.random((n, features)) < density)
    want = bucket_sum(ct, buckets, n_buckets).to_bytes()
    sparse = scipy.sparse.csc_array(buckets)
    assert bucket_sum(ct, sparse, n_buckets).to_bytes() == want
    rows = rng.integers(0, n, n // 2) if n else None
    assert (
        bucket_sum(ct, sparse, n_buckets, rows=rows).to_bytes()
        == bucket_sum(ct, buckets, n_buckets, rows=rows).to_bytes()
    )


def test_sparse_matrices_may_repeat_entries_and_store_zeros(pool: Pool) -> None:
    _, ct = pool.draw(3)
    values, numbers, starts = [1, 1, 0, 3], [2, 2, 1, 0], [0, 3, 4]
    sparse = scipy.sparse.csc_array((values, numbers, starts), shape=(3, 2))
    before = sparse.indices.tolist()
    sums = bucket_sum(ct, sparse, 4)
    assert sums.to_bytes() == bucket_sum(ct, np.array([[0, 3], [0, 0], [2, 0]]), 4).to_bytes()
    assert sparse.indices.tolist() == before  # the caller's matrix is not put in order


@pytest.mark.parametrize("bad", [-1, 3, 10**12])
def test_sparse_bucket_out_of_range_names_its_row(pool: Pool, bad: int) -> None:
    _, ct = pool.draw(9)
    buckets = np.zeros((9, 2), np.int64)
    buckets[7, 1] = bad
    for rows, row in ((None, 7), (np.array([1, 7]), 7)):
        with pytest.raises(InvalidArgument) as caught:
            bucket_sum(ct, scipy.sparse.csc_array(buckets), 3, rows=rows)
        assert caught.value.row == row
    assert bucket_sum(ct, scipy.sparse.csc_array(buckets), 3, rows=np.arange(7)).shape == (2, 3)


def mixed_columns(n: int, seed: int) -> NDArray[np.uint8]:
    """Columns of every kind: uniform, skewed, binary, constant, one-hot and copies of one another."""
    rng = np.random.default_rng(seed)
    uniform = rng.integers(0, 8, (n, 3))
    skewed = rng.integers(0, 8, (n, 3)) * (rng.random((n, 3)) < 0.1)
    binary = rng.integers(0, 2, (n, 3))
    one_hot = rng.integers(0, 4, n)[:, None] == np.arange(4)
    copies = (uniform[:, :2] + 3) % 8
    constant = np.full((n, 1), 7)
    return np.hstack([uniform, skewed, binary, one_hot, copies, constant]).astype(np.uint8)


@pytest.mark.parametrize("n", [0, 1, 2, 30, 700, 6000])
def test_mixed_columns(pool: Pool, n: int) -> None:
    values, ct = pool.draw(n, n)
    buckets = mixed_columns(n, n)
    sums = bucket_sum(ct, buckets, 8)
    assert pool.private_key.decrypt(sums).tolist() == expected_sums(values, buckets, 8)
    # One column at a time, nothing is left to subtraction or joint tables: the words are the same.
    for f in range(0, buckets.shape[1], 4):
        assert bucket_sum(ct, buckets[:, f], 8).to_bytes() == sums[f].to_bytes()


@pytest.mark.parametrize("form", ["dense", "csc"])
def test_threads_do_not_change_a_bit_of_mixed_columns(pool: Pool, form: str) -> None:
    ct = pool.draw(4000)[1].reshape(2000, 2)
    buckets = forms(mixed_columns(2000, 9), form)
    results = []
    for threads in (1, 2, 3):
        set_thread_count(threads)
        results.append(bucket_sum(ct, buckets, 8).to_bytes())
    set_thread_count(0)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("fields", [(16, 14, 1), (17, 14) * 10])
@pytest.mark.parametrize("form", ["dense", "csc"])
def test_packed_gradients_at_the_bound(pool: Pool, fields: tuple[int, ...], form: str) -> None:
    """(g, h, count), and the pairs of ten classes: max_addends full values are exact, one more is refused."""
    layout = PackLayout(key_bits=2048, value_bits=fields, max_addends=32)
    full = np.array([[2**bits - 1 for bits in fields]], np.uint64)
    ct = pool.private_key.encrypt_packed(np.repeat(full, 33, axis=0), layout)
    buckets = np.array([[1, 0], [1, 1], [1, 0]] * 11, np.uint8)
    rows = np.arange(32)
    sums = bucket_sum(ct, forms(buckets, form), 2, rows=rows, layout=layout)
    words = pool.private_key.decrypt_packed(sums.reshape(-1), layout)
    counts = [0, 32, 21, 11]
    assert words.tolist() == [[count * int(value) for value in full[0]] for count in counts]
    with pytest.raises(PlaintextOverflow):
        bucket_sum(ct, forms(buckets, form), 2, layout=layout)


def test_folded_histograms_decrypt_in_one_batch(pool: Pool) -> None:
    """Sums of packed gradients, folded, at the bound of both: every slot full, and no carry."""
    layout = PackLayout(key_bits=2048, value_bits=(17, 14, 1), max_addends=32)
    full = np.array([[2**17 - 1, 2**14 - 1, 1]], np.uint64)
    ct = pool.private_key.encrypt_packed(np.repeat(full, 32, axis=0), layout)
    sums = bucket_sum(ct, np.zeros((32, 30), np.uint8), 1, layout=layout).reshape(-1)
    width = layout.slots * layout.slot_bits
    folded = compress(sums, width)
    assert len(folded) == -(-30 // (2046 // width))
    uniform = PackLayout.uniform(key_bits=2048, slot_bits=layout.slot_bits)
    used = 2046 // width * layout.slots
    words = pool.private_key.decrypt_packed(folded, uniform)[:, :used].reshape(-1, layout.slots)[:30]
    assert words.tolist() == [[32 * int(value) for value in full[0]]] * 30


def test_subtracting_the_smaller_child_gives_the_larger(pool: Pool) -> None:
    _, ct = pool.draw(300)
    buckets = mixed_columns(300, 4)
    small = np.random.default_rng(0).random(300) < 0.3
    parent = bucket_sum(ct, buckets, 8)
    child = bucket_sum(ct, buckets, 8, rows=np.flatnonzero(small))
    sibling = bucket_sum(ct, buckets, 8, rows=np.flatnonzero(~small))
    assert (parent - child).to_bytes() == sibling.to_bytes()


def test_wrong_sparse_arguments(pool: Pool) -> None:
    _, ct = pool.draw(4)
    sparse = scipy.sparse.csc_array(np.eye(4, dtype=np.int64))
    for call in (
        lambda: bucket_sum(ct, scipy.sparse.csc_array((5, 2), dtype=np.int64), 2),
        lambda: bucket_sum(ct, sparse.astype(float), 2),
        lambda: bucket_sum(ct, sparse, 0),
        lambda: bucket_sum(ct, sparse, 2, rows=[4]),
        lambda: bucket_sum(ct.reshape(2, 2, 1), sparse, 2),
        lambda: bucket_sum(ct[:0].reshape(4, 0), sparse, 2),
    ):
        with pytest.raises(InvalidArgument):
            call()


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
