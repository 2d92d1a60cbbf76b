"""ristretto255 and the RFC 9380 suites: vectors, an independent model, refusals, threads."""

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl import bindings as sodium

import isthmus as ist
from isthmus import _core
from isthmus.errors import HashToCurveError, InvalidArgument, PointEncoding, PointInvalid, RngError

VECTORS = Path(__file__).parents[1] / "vectors"
RFC9496 = json.loads((VECTORS / "rfc9496/ristretto255.json").read_text())
GROUP = ist.group("ristretto255")
ORDER = 2**252 + 27742317777372353535851937790883648493

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
I = pow(2, (P - 1) // 4, P)  # noqa: E741  (the name RFC 9496 uses)


# --- a slow model with Python integers and affine points --------------------------------------------------


def _even(x):
    return x % P if x % P % 2 == 0 else -x % P


def _sqrt_ratio(u, v):
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * I % P):
        r = r * I % P
    return check in (u % P, -u % P), _even(r)


def _add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + y1 * x2) * pow(1 + k, -1, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def _times(k, point):
    total = (0, 1)
    for bit in bin(k)[2:]:
        total = _add(total, total)
        if bit == "1":
            total = _add(total, point)
    return total


def _decode(data):
    s = int.from_bytes(data, "little")
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    _, root = _sqrt_ratio(1, v * u2 * u2)
    return _even(2 * s * root * u2), u1 * root * root * u2 * v % P


def _encode(point):
    x, y = point
    t = x * y % P
    u1, u2 = (1 + y) * (1 - y) % P, t
    _, root = _sqrt_ratio(1, u1 * u2 * u2)
    z_inverse = root * u1 * root * u2 * t % P
    den = root * u2 % P
    if t * z_inverse % P % 2:
        x, y = y * I % P, x * I % P
        den = root * u1 * _sqrt_ratio(1, -1 - D)[1] % P
    if x * z_inverse % P % 2:
        y = -y % P
    return _even(den * (1 - y)).to_bytes(32, "little")


def rows(*encodings):
    return np.frombuffer(b"".join(encodings), dtype=np.uint8).reshape(-1, 32)


def scalar_bytes(k):
    return k.to_bytes(32, "little")


GENERATOR = rows(bytes.fromhex(RFC9496["multiples_of_generator"][1]))
ELEMENTS = GROUP.hash_to_group([b"%d" % i for i in range(300)], dst=b"isthmus tests")


# --- vectors ----------------------------------------------------------------------------------------------


def test_rfc9496_multiples_of_the_generator():
    multiples = RFC9496["multiples_of_generator"]
    assert len(multiples) == 16
    for k in range(1, 16):
        assert GROUP.scalar_mult(scalar_bytes(k), GENERATOR).tobytes().hex() == multiples[k]
    with pytest.raises(PointInvalid):  # the zeroth is the identity
        GROUP.scalar_mult(scalar_bytes(1), rows(bytes.fromhex(multiples[0])))


def test_rfc9496_invalid_encodings():
    kinds = {
        "Non-canonical field encodings": PointEncoding,
        "Negative field elements": PointEncoding,
        "Non-square x^2": PointInvalid,
        "Negative xy value": PointInvalid,
        "s = -1, which causes y = 0": PointInvalid,
    }
    count = 0
    for case in RFC9496["invalid_encodings"]:
        bad = rows(ELEMENTS[:2].tobytes(), bytes.fromhex(case["encoding"]))
        with pytest.raises((PointEncoding, PointInvalid)) as caught:
            GROUP.scalar_mult(scalar_bytes(5), bad)
        assert caught.value.row == 2
        assert type(caught.value) is kinds[case["category"]]
        count += 1
    assert count == 29


def test_rfc9496_one_way_map():
    # The vectors give the map's 64-byte input, which only C++ can reach: test_curve.cpp runs them there, and
    # this test runs them through the model that it then compares hash_to_group with.
    uniform = _core.hash.expand_message_xmd_sha512(b"alice", b"dst", 64)
    (element,) = GROUP.hash_to_group([b"alice"], dst=b"dst")
    first, second = (_model_map(uniform[i : i + 32]) for i in (0, 32))
    assert element.tobytes() == _encode(_add(first, second))
    for case in RFC9496["one_way_map"]:
        data = bytes.fromhex(case["input"])
        total = _add(_model_map(data[:32]), _model_map(data[32:]))
        assert _encode(total).hex() == case["output"]
    assert len(RFC9496["one_way_map"]) == 11


def _model_map(data):
    t = int.from_bytes(data, "little") % 2**255 % P
    r = I * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = _sqrt_ratio(u, v)
    s, c = (s, -1) if square else (-_even(s * t), r)
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    root = 25063068953384623474111414158702152701244531502492656460079210482610430750235
    w0, w1, w2, w3 = 2 * s * v, n * root, 1 - s * s, 1 + s * s
    return w0 * pow(w1, -1, P) % P, w2 * pow(w3, -1, P) % P


@pytest.mark.parametrize("curve", ["edwards25519", "curve25519"])
@pytest.mark.parametrize("kind", ["RO", "NU"])
def test_rfc9380_suites(curve, kind):
    data = json.loads((VECTORS / f"rfc9380/{curve}_XMD_SHA-512_ELL2_{kind}_.json").read_text())
    messages = [case["msg"].encode() for case in data["vectors"]]
    points = _core.group.hash_to_curve(data["ciphersuite"], messages, data["dst"].encode())
    # The suite that maps into the group X25519 gives its elements: u-coordinates alone.
    assert points.shape == ((5, 32) if (curve, kind) == ("curve25519", "RO") else (5, 64))
    for point, case in zip(points, data["vectors"], strict=True):
        assert int.from_bytes(point[:32].tobytes(), "little") == int(case["P"]["x"], 16)
        if len(point) == 64:
            assert int.from_bytes(point[32:].tobytes(), "little") == int(case["P"]["y"], 16)


# --- the model --------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(k=st.integers(1, ORDER - 1), which=st.integers(0, len(ELEMENTS) - 1))
def test_multiplication_matches_the_model(k, which):
    element = ELEMENTS[which : which + 1]
    expected = _encode(_times(k, _decode(element.tobytes())))
    assert GROUP.scalar_mult(scalar_bytes(k), element).tobytes() == expected


@pytest.mark.parametrize("seed", range(8))
def test_multiplication_matches_libsodium(seed):
    # libsodium's Ed25519 points; encoded by the model, since its Python bindings leave ristretto255 out.
    def encoded(point):
        y = int.from_bytes(point, "little")
        sign, y = y >> 255, y % 2**255
        _, x = _sqrt_ratio(y * y - 1, D * y * y + 1)
        return _encode((x if x % 2 == sign else P - x, y))

    rng = np.random.default_rng(seed)
    scalars = [int.from_bytes(rng.bytes(32), "little") % ORDER for _ in range(129)]
    points = [sodium.crypto_scalarmult_ed25519_base_noclamp(scalar_bytes(k)) for k in scalars[1:]]
    products = [sodium.crypto_scalarmult_ed25519_noclamp(scalar_bytes(scalars[0]), p) for p in points]
    masked = GROUP.scalar_mult(scalar_bytes(scalars[0]), rows(*map(encoded, points)))
    assert np.array_equal(masked, rows(*map(encoded, products)))


@pytest.mark.parametrize(
    "k", [1, 2, 7, 8, 9, 15, 16, 2**252 - 1, 2**252, ORDER - 2, ORDER - 1, (ORDER - 1) // 2]
)
def test_multiplication_at_digit_boundaries(k):
    element = ELEMENTS[7:8]
    expected = _encode(_times(k, _decode(element.tobytes())))
    assert GROUP.scalar_mult(scalar_bytes(k), element).tobytes() == expected


def test_one_changes_nothing_and_inverse_undoes():
    one = GROUP.scalar(scalar_bytes(1))
    assert np.array_equal(GROUP.scalar_mult(one, ELEMENTS), ELEMENTS)
    secret = GROUP.random_scalar()
    masked = GROUP.scalar_mult(secret, ELEMENTS)
    assert not np.any(np.all(masked == ELEMENTS, axis=1))
    assert np.array_equal(GROUP.scalar_mult(secret.inverse(), masked), ELEMENTS)


def test_inverse_matches_the_model():
    for k in (1, 2, 3, 2**200 + 1, ORDER - 1):
        native = GROUP.scalar(scalar_bytes(k)).inverse()
        model = scalar_bytes(pow(k, -1, ORDER))
        assert np.array_equal(GROUP.scalar_mult(native, ELEMENTS[:2]), GROUP.scalar_mult(model, ELEMENTS[:2]))


def test_masks_commute():
    a, b = GROUP.random_scalar(), GROUP.random_scalar()
    ab = GROUP.scalar_mult(b, GROUP.scalar_mult(a, ELEMENTS))
    ba = GROUP.scalar_mult(a, GROUP.scalar_mult(b, ELEMENTS))
    assert np.array_equal(ab, ba)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 129, 300])
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


def test_arrow_binary_is_hashed_like_a_list():
    messages = [b"alice", b"", b"bob"]
    from_arrow = GROUP.hash_to_group(pa.array(messages), dst=b"dst")
    assert np.array_equal(from_arrow, GROUP.hash_to_group(messages, dst=b"dst"))
    with pytest.raises(TypeError):
        GROUP.hash_to_group(pa.array([b"alice", None]), dst=b"dst")


def test_views_are_read_as_they_look():
    strided = ELEMENTS[::3]
    assert np.array_equal(GROUP.scalar_mult(scalar_bytes(1), strided), strided)


# --- refusals (fault cases 11 to 14) ----------------------------------------------------------------------


def test_small_order_and_non_canonical_ed25519_encodings_are_refused():
    zip215 = json.loads((VECTORS / "edwards25519/zip215.json").read_text())
    speccheck = json.loads((VECTORS / "edwards25519/speccheck_cases.json").read_text())
    assert (len(zip215), len(speccheck)) == (196, 12)
    torsion = {case["vk_bytes"] for case in zip215} | {case["sig_bytes"][:64] for case in zip215}
    corner = {case["pub_key"] for case in speccheck} | {case["signature"][:64] for case in speccheck}
    assert (len(torsion), len(corner)) == (14, 12)
    for encoding in torsion | corner:
        with pytest.raises((PointEncoding, PointInvalid)) as caught:
            GROUP.scalar_mult(scalar_bytes(3), rows(ELEMENTS[0].tobytes(), bytes.fromhex(encoding)))
        assert caught.value.row == 1


def test_the_first_bad_row_is_named_for_any_thread_count():
    bad = ELEMENTS.copy()
    bad[100] = 0  # the identity
    bad[131, 0] |= 1  # negative
    bad[299] = 255  # not reduced
    try:
        for threads in (1, 2, 3):
            _core.system.set_thread_count(threads)
            with pytest.raises(PointInvalid) as caught:
                GROUP.scalar_mult(scalar_bytes(3), bad)
            assert (caught.value.row, caught.value.code) == (100, "ERR_POINT_INVALID")
            with pytest.raises(PointEncoding) as caught:
                GROUP.scalar_mult(scalar_bytes(3), bad[101:])
            assert (caught.value.row, caught.value.code) == (30, "ERR_POINT_ENCODING")
    finally:
        _core.system.set_thread_count(0)


@given(data=st.binary(min_size=32, max_size=32))
def test_any_bytes_are_refused_or_are_the_only_encoding_of_their_element(data):
    try:
        again = GROUP.scalar_mult(scalar_bytes(1), rows(data))
    except (PointEncoding, PointInvalid) as error:
        assert error.row == 0
    else:
        assert again.tobytes() == data


@pytest.mark.parametrize("shape", [(4, 31), (4, 33), (32,), (2, 2, 32), (0, 31)])
def test_wrong_widths_are_refused(shape):
    with pytest.raises(PointEncoding):
        GROUP.scalar_mult(scalar_bytes(3), np.zeros(shape, dtype=np.uint8))


def test_other_element_types_are_refused():
    with pytest.raises(InvalidArgument):
        GROUP.scalar_mult(scalar_bytes(3), ELEMENTS.astype(np.int64))


@pytest.mark.parametrize("data", [b"", bytes(31), bytes(33), bytes(32), scalar_bytes(ORDER), b"\xff" * 32])
def test_bad_scalars_are_refused(data):
    with pytest.raises(InvalidArgument):
        GROUP.scalar_mult(data, ELEMENTS)


def test_hash_to_group_refuses_an_empty_dst():
    with pytest.raises(HashToCurveError) as caught:
        GROUP.hash_to_group([b"alice"], dst=b"")
    assert caught.value.code == "ERR_H2C"


def test_unknown_names_list_what_exists():
    with pytest.raises(InvalidArgument, match="ristretto255"):
        ist.group("ristretto256")
    with pytest.raises(HashToCurveError, match="R255MAP"):
        _core.group.hash_to_curve("P999", [b""], b"dst")
    assert ist.groups.group_names() == ["ristretto255", "X25519", "P-256", "SM2"]
    assert GROUP.suite in _core.group.suite_names()


def test_failing_randomness_gives_no_scalar():
    _core.system._fail_entropy_for_testing(True)
    try:
        with pytest.raises(RngError):
            GROUP.random_scalar()
    finally:
        _core.system._fail_entropy_for_testing(False)


def test_scalars_hide_their_value_and_do_not_leave_the_process():
    secret = GROUP.scalar(scalar_bytes(0x1234567))
    assert repr(secret) == str(secret) == "<Scalar of ristretto255, secret>"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_random_scalars_differ():
    first, second = (GROUP.scalar_mult(GROUP.random_scalar(), GENERATOR).tobytes() for _ in range(2))
    assert first != second
