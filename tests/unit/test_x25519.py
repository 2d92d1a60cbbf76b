"""The group X25519: vectors, an independent implementation, what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import bindings as sodium

import isthmus as ist
from isthmus import _core
from isthmus.errors import InvalidArgument, PointEncoding, PointInvalid

VECTORS = Path(__file__).parents[1] / "vectors"
GROUP = ist.group("X25519")
ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
J = 486662
ELEMENTS = GROUP.hash_to_group([b"%d" % i for i in range(300)], dst=b"isthmus tests")


def rows(*encodings):
    return np.frombuffer(b"".join(encodings), dtype=np.uint8).reshape(-1, 32)


def little(k):
    return k.to_bytes(32, "little")


def clamped(data):
    return int.from_bytes(data, "little") & ~7 & ~(1 << 255) | 1 << 254


def times(k, points):
    """``k`` times the points, for any integer ``k``."""
    return GROUP.scalar_mult(little(k % ORDER), points)


def on_curve(u):
    return pow(u**3 + J * u * u + u, (P - 1) // 2, P) != P - 1


# --- vectors ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_rfc7748_iterations():
    # Every u here is a multiple of the base point, so that the group's product is X25519's.
    k = u = little(9)
    iterated = json.loads((VECTORS / "rfc7748/x25519_iterated.json").read_text())
    wanted = {case["times"]: case["key"] for case in iterated}
    assert list(wanted) == [1, 1000, 1000000]
    for count in range(1, 1000001):
        k, u = times(clamped(k), rows(u)).tobytes(), k
        if count in wanted:
            assert k.hex() == wanted.pop(count)
    assert not wanted


def test_wycheproof():
    """What X25519 accepts for want of a check is refused here; all else agrees."""
    data = json.loads((VECTORS / "wycheproof/x25519_test.json").read_text())
    cases = [case for group in data["testGroups"] for case in group["tests"]]
    counts = {"ok": 0, PointEncoding: 0, PointInvalid: 0}
    for case in cases:
        public, scalar = bytes.fromhex(case["public"]), clamped(bytes.fromhex(case["private"]))
        bad = rows(ELEMENTS[0].tobytes(), public)
        if case["result"] == "valid":
            assert times(scalar, bad)[1].tobytes().hex() == case["shared"]
            counts["ok"] += 1
            continue
        with pytest.raises((PointEncoding, PointInvalid)) as caught:
            times(scalar, bad)
        assert caught.value.row == 1
        assert (type(caught.value) is PointEncoding) == (int.from_bytes(public, "little") >= P)
        counts[type(caught.value)] += 1
    assert counts == {"ok": 264, PointEncoding: 29, PointInvalid: 225}


# --- an independent implementation ------------------------------------------------------------------------


@settings(max_examples=40)
@given(secret=st.binary(min_size=32, max_size=32), which=st.integers(0, len(ELEMENTS) - 1))
def test_multiplication_matches_openssl(secret, which):
    element = ELEMENTS[which : which + 1]
    peer = X25519PublicKey.from_public_bytes(element.tobytes())
    expected = X25519PrivateKey.from_private_bytes(secret).exchange(peer)
    assert times(clamped(secret), element).tobytes() == expected


@pytest.mark.parametrize("secret", [bytes(range(k, k + 32)) for k in range(8)])
def test_multiplication_matches_libsodium(secret):
    expected = [sodium.crypto_scalarmult(secret, element.tobytes()) for element in ELEMENTS]
    assert np.array_equal(times(clamped(secret), ELEMENTS), rows(*expected))


@settings(max_examples=60)
@given(u=st.integers(0, 2**256 - 1))
def test_any_point_on_the_curve_is_taken_and_no_other(u):
    point, secret = rows(little(u)), little(3 << 200)
    if u >= P:
        with pytest.raises(PointEncoding):
            times(3, point)
        return
    try:
        peer = X25519PublicKey.from_public_bytes(little(u))
        expected = X25519PrivateKey.from_private_bytes(secret).exchange(peer)
    except ValueError:  # small order
        expected = None
    if expected is None or not on_curve(u):
        with pytest.raises(PointInvalid):
            times(3, point)
    else:
        assert times(clamped(secret), point).tobytes() == expected


# --- what makes it a group --------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 7, 8, 2**251, ORDER - 2, ORDER - 1, (ORDER - 1) // 2])
def test_edge_scalars(k):
    secret = GROUP.scalar(little(k))
    masked = GROUP.scalar_mult(secret, ELEMENTS)
    assert np.array_equal(masked, ELEMENTS) == (k in (1, ORDER - 1))  # P and -P share their u
    assert np.array_equal(GROUP.scalar_mult(secret.inverse(), masked), ELEMENTS)


def test_masks_commute():
    a, b = GROUP.random_scalar(), GROUP.random_scalar()
    ab = GROUP.scalar_mult(b, GROUP.scalar_mult(a, ELEMENTS))
    assert np.array_equal(ab, GROUP.scalar_mult(a, GROUP.scalar_mult(b, ELEMENTS)))
    assert len(np.unique(ab, axis=0)) == len(ELEMENTS)


def test_components_of_small_order_are_dropped():
    # u and 1/u belong to P and P + (0, 0): two encodings, one element.
    for element in ELEMENTS[:8]:
        other = rows(little(pow(int.from_bytes(element.tobytes(), "little"), -1, P)))
        assert np.array_equal(times(1, other)[0], element)
        assert np.array_equal(times(12345, other), times(12345, element.reshape(1, 32)))


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 300])
def test_any_thread_count_gives_the_same_bytes(n):
    messages, secret = [b"%d" % i for i in range(n)], GROUP.random_scalar()
    results = []
    try:
        for threads in (1, 2, 3):
            _core.system.set_thread_count(threads)
            points = GROUP.hash_to_group(messages, dst=b"threads")
            results.append((points.tobytes(), GROUP.scalar_mult(secret, points).tobytes()))
    finally:
        _core.system.set_thread_count(0)
    assert len(results[0][0]) == 32 * n
    assert results[0] == results[1] == results[2]


def test_the_first_bad_row_is_named():
    bad = ELEMENTS.copy()
    bad[100] = 0  # (0, 0), of order 2
    bad[280, 31] |= 128  # not below p
    with pytest.raises(PointInvalid) as caught:
        times(3, bad)
    assert (caught.value.row, caught.value.code) == (100, "ERR_POINT_INVALID")
    with pytest.raises(PointEncoding) as caught:
        times(3, bad[101:])
    assert (caught.value.row, caught.value.code) == (179, "ERR_POINT_ENCODING")


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytes(32), little(ORDER), b"\xff" * 32])
def test_bad_scalars_are_refused(data):
    with pytest.raises(InvalidArgument):
        GROUP.scalar_mult(data, ELEMENTS)


def test_scalars_of_another_group_are_refused():
    with pytest.raises(InvalidArgument):
        GROUP.scalar_mult(ist.group("ristretto255").random_scalar(), ELEMENTS)
