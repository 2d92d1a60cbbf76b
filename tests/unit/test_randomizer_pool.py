"""Randomness made ahead of time: used once, also among forks; bounded; and never needed."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

import isthmus as ist
from isthmus import errors
from isthmus._core import system
from isthmus.paillier import keygen
from isthmus.paillier.pool import pooled

KEYS = {"djn": keygen(2048), "fast": keygen(2048, fast=True)}
PUBLIC, PRIVATE = KEYS["fast"]


@pytest.fixture(params=["djn public", "djn owner", "fast public", "fast owner"])
def key(request):
    kind, who = request.param.split()
    return KEYS[kind][who == "owner"]


@pytest.fixture
def no_entropy():
    @contextmanager
    def fail():
        system._fail_entropy_for_testing(True)
        try:
            yield
        finally:
            system._fail_entropy_for_testing(False)

    return fail


def owner_of(key):
    return next(private for pair in KEYS.values() for private in pair[1:] if key in pair)


def wait_until_ready(pool, count):
    deadline = time.monotonic() + 60
    while pool.ready < count and time.monotonic() < deadline:
        time.sleep(0.005)
    assert pool.ready >= count


def randomizers(key, count):
    """The randomness itself: the ciphertexts of zeros."""
    data, width = key.encrypt([0] * count).to_bytes(), owner_of(key).public_key.ciphertext_bytes
    return [data[i : i + width] for i in range(0, len(data), width)]


def test_every_randomizer_is_used_once(key):
    with key.start_pool(capacity=48) as pool:
        wait_until_ready(pool, 48)
        seen = randomizers(key, 30) + randomizers(key, 100) + randomizers(key, 1)
        assert pool.ready <= pool.capacity == 48
        wait_until_ready(pool, 16)
        seen += randomizers(key, 20)
    assert pool.ready == 0
    seen += randomizers(key, 20)
    assert len(set(seen)) == len(seen)


def test_results_are_right(key):
    owner = owner_of(key)
    with key.start_pool(capacity=20) as pool:
        wait_until_ready(pool, 16)
        values = list(range(-20, 20))
        ct = key.encrypt(values)
        assert owner.decrypt(ct).tolist() == values
        again = ct.rerandomize(key if key is owner else None)
        assert owner.decrypt(again).tolist() == values
        assert again.to_bytes() != ct.to_bytes()


def test_what_is_stored_needs_no_entropy_and_what_is_not_fails(no_entropy):
    ct = PUBLIC.encrypt([5] * 16)
    with PUBLIC.start_pool(capacity=48) as pool:
        wait_until_ready(pool, 48)
        with no_entropy():
            fresh, again = PUBLIC.encrypt([7] * 16), ct.rerandomize()
            with pytest.raises(errors.RngError):
                PUBLIC.encrypt([1] * 64)
    assert PRIVATE.decrypt(fresh).tolist() == [7] * 16
    assert PRIVATE.decrypt(again).tolist() == [5] * 16
    assert PRIVATE.decrypt(PUBLIC.encrypt([1])).tolist() == [1]


def test_a_child_takes_nothing_from_its_parents_store():
    with PUBLIC.start_pool(capacity=64) as pool:
        wait_until_ready(pool, 64)
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(write_end, b"".join(randomizers(PUBLIC, 8)))
                pool.stop()
                del pool
            finally:
                os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as pipe:
            data = pipe.read()
        assert os.waitpid(child, 0)[1] == 0
        width = PUBLIC.ciphertext_bytes
        theirs = {data[i : i + width] for i in range(0, len(data), width)}
        assert len(theirs) == 8
        assert not theirs & set(randomizers(PUBLIC, 64))


def test_pools_are_off_until_started_and_one_at_a_time():
    public_key = ist.paillier.PublicKey.from_bytes(PUBLIC.to_bytes())
    pool = public_key.start_pool(capacity=3)
    assert repr(pool).endswith("of 3 ready)")
    with pytest.raises(errors.InvalidArgument, match="running"):
        public_key.start_pool()
    other = PUBLIC.start_pool(capacity=3)  # another object of the same key
    other.stop()
    pool.stop()
    pool.stop()
    assert repr(pool) == "RandomizerPool(stopped)"
    with public_key.start_pool() as again:
        assert again.capacity == 4096
    for capacity in (0, 2**20 + 1):
        with pytest.raises(errors.InvalidArgument):
            public_key.start_pool(capacity)


def test_a_pool_runs_for_the_length_of_a_block():
    with pytest.raises(KeyError), pooled(PRIVATE):
        pool = PRIVATE._pool
        wait_until_ready(pool, 16)
        raise KeyError
    assert not pool._running
    assert pool.ready == 0


def test_a_pool_that_runs_already_outlives_the_block():
    with PRIVATE.start_pool(capacity=16) as pool:
        with pooled(PRIVATE):
            assert PRIVATE._pool is pool
        assert pool._running


def test_a_process_ends_while_its_pool_runs():
    program = "import isthmus as ist; pool = ist.paillier.keygen(2048)[1].start_pool(); print(pool.capacity)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "4096\n", "")
