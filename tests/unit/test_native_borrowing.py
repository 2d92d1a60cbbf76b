"""The native boundary: what is borrowed from Python, and what happens after a fork."""

import os
import signal
import threading
import time

import numpy as np
import pyarrow as pa
import pytest

from isthmus import _core
from isthmus.errors import InvalidArgument

paillier = _core.paillier


@pytest.fixture(scope="module")
def key():
    return paillier.PrivateKey.generate(2048)


@pytest.fixture(scope="module")
def ciphertexts(key):
    return paillier.encrypt(key, np.arange(8, dtype=np.int64))


def test_bytes_with_strides_are_refused(key, ciphertexts):
    """A reversed view would have been read beyond its end."""
    data = np.frombuffer(ciphertexts.to_bytes(), np.uint8)
    parse = key.public_key.ciphertexts_from_bytes
    for view in (data[::-1], np.repeat(data, 2)[::2]):
        with pytest.raises(InvalidArgument):
            parse(view, 8)
    assert parse(data, 8).to_bytes() == data.tobytes()
    assert parse(np.empty(0, np.uint8), 0).size == 0


def test_wide_integers_are_borrowed_as_they_are(ciphertexts):
    """Converted copies would be gone before the call without the GIL reads them."""
    magnitudes, negative = np.full((8, 20), 7, np.uint8), np.zeros(8, np.uint8)
    spread = np.repeat(magnitudes, 2, axis=1)[:, ::2]
    for values in (
        (spread, negative),
        (magnitudes, negative.astype(np.int64)),
        (magnitudes.tolist(), negative),
    ):
        with pytest.raises(InvalidArgument):
            paillier.add_plain(ciphertexts, values)
    assert paillier.add_plain(ciphertexts, (magnitudes, negative)).size == 8


def test_misaligned_arrays_are_refused(key, ciphertexts):
    values = np.zeros(8 * 8 + 1, np.uint8)[1:].view(np.int64)
    with pytest.raises(InvalidArgument, match="aligned"):
        paillier.encrypt(key, values)
    with pytest.raises(InvalidArgument, match="aligned"):
        _core.aggregate.weighted_sum(ciphertexts, values.reshape(8, 1))


def test_columns_outlive_the_lists_they_came_in():
    capsules = [[pa.array([f"customer {i}" for i in range(1000)]).__arrow_c_array__()]]
    columns = _core.items.Columns(capsules)
    item = columns.encode_row(999)
    capsules[0].clear()
    capsules.clear()
    churn = [pa.array([f"something else {i}" for i in range(1000)]) for _ in range(20)]
    assert columns.encode_row(999) == item
    assert len(churn) == 20


def test_rows_beyond_the_columns_are_refused():
    columns = _core.items.Columns([[pa.array([1, 2]).__arrow_c_array__()]])
    with pytest.raises(InvalidArgument):
        columns.encode_row(2)


def test_shapes_whose_size_wraps_are_refused(ciphertexts):
    nothing = paillier.gather(ciphertexts, np.zeros(0, np.int64))
    for outer, axis, inner in ((2**62, 4, 1), (2**40, 0, 2**40), (2**62, 0, 1)):
        with pytest.raises(InvalidArgument):
            paillier.sum(nothing, outer, axis, inner)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_still_computes(ciphertexts):
    """OpenMP's threads stay behind in a fork; waiting for them would take forever."""
    many = paillier.gather(ciphertexts, np.arange(128) % 8)
    paillier.add(many, many)
    child = os.fork()
    if child == 0:
        paillier.add(many, many)
        os._exit(0)
    for _ in range(300):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the forked child hangs")


def test_column_starts_that_change_during_the_call_address_nothing(key):
    """Another thread writes into the caller's array; the native core goes by what it checked."""
    rows = 3000
    ciphertexts = paillier.encrypt(key, np.arange(rows, dtype=np.int64))
    dense = np.random.default_rng(1).integers(0, 3, (rows, 6))
    numbers = [np.flatnonzero(column) for column in dense.T]
    starts = np.concatenate([[0], np.cumsum([len(n) for n in numbers])]).astype(np.int64)
    values = np.concatenate([dense[n, c] for c, n in enumerate(numbers)])
    good, done = starts.copy(), threading.Event()

    def disturb():
        while not done.is_set():
            starts[3] = 2**40
            starts[3] = good[3]

    expected = _core.aggregate.bucket_sum_sparse(
        ciphertexts, 1, rows, good, np.concatenate(numbers), values, 3
    ).to_bytes()
    thread, sums = threading.Thread(target=disturb), 0
    thread.start()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            result = _core.aggregate.bucket_sum_sparse(
                ciphertexts, 1, rows, starts, np.concatenate(numbers), values, 3
            )
        except InvalidArgument:
            continue
        sums += 1
        assert result.to_bytes() == expected
    done.set()
    thread.join()
    assert sums > 0


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1])
def test_a_child_forked_while_a_table_is_built_encrypts(delay):
    """The thread that builds the table does not exist in the child, which must not wait for it."""
    key = paillier.PrivateKey.generate(2048)
    many = threading.Thread(target=lambda: paillier.encrypt(key.public_key, np.arange(20000)), daemon=True)
    many.start()
    time.sleep(delay)
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        sizes = [paillier.encrypt(key.public_key, np.arange(n)).size for n in (1, 1, 8)]
        os._exit(0 if sizes == [1, 1, 8] else 1)
    assert os.waitpid(child, 0)[1] == 0
    many.join()


def test_none_is_no_ciphertext_array():
    with pytest.raises(InvalidArgument):
        paillier.concatenate([None])
