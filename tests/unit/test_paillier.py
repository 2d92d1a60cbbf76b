"""Paillier keys and ciphertext arrays: round trips, homomorphisms, NumPy's manner, packing, determinism."""

import pickle
from fractions import Fraction

import gmpy2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isthmus as ist
from isthmus import errors
from isthmus._core import paillier as native
from isthmus._core import system
from isthmus.paillier import PrivateKey, PublicKey, concatenate, keygen

PUBLIC, PRIVATE = keygen(2048)
N = PUBLIC.n
HALF = N // 2
few = settings(max_examples=20)
any_ints = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-HALF, HALF), st.integers(-3, 3))


def primes_of(private_key):
    secret, width = private_key._native.serialize(), private_key.public_key.key_bits // 8
    return tuple(int.from_bytes(secret[7 + i * width : 7 + (i + 1) * width], "big") for i in (0, 1))


def integers(ct):
    """The ciphertexts as Python integers."""
    data, width = ct.to_bytes(), ct.public_key.ciphertext_bytes
    return [int.from_bytes(data[i : i + width], "big") for i in range(0, len(data), width)]


def decrypt_by_definition(private_key, ct):
    """Textbook decryption with Python integers: L(c^lambda mod n^2) / lambda mod n."""
    p, q = primes_of(private_key)
    n, order = p * q, (p - 1) * (q - 1)
    found = [(int(gmpy2.powmod(c, order, n * n)) - 1) // n * pow(order, -1, n) % n for c in integers(ct)]
    return [m if m <= n // 2 else m - n for m in found]


@pytest.mark.parametrize("bits", [2048, 3072])
def test_keygen_follows_djn(bits):
    public_key, private_key = keygen(bits)
    p, q = primes_of(private_key)
    n, hs = public_key.n, public_key._native.hs
    assert n == p * q
    assert n.bit_length() == public_key.key_bits == bits
    assert gmpy2.is_prime(p)
    assert gmpy2.is_prime(q)
    assert p % 4 == q % 4 == 3
    assert gmpy2.gcd(p - 1, q - 1) == 2
    assert abs(p - q).bit_length() > bits // 2 - 100
    # hs = (-x^2)^n: an n-th residue, and h = -x^2 is a non-residue modulo p and q with Jacobi symbol 1.
    assert pow(hs, (p - 1) * (q - 1) // 2, n * n) == 1
    assert gmpy2.jacobi(hs, p) == gmpy2.jacobi(hs, q) == -1


def test_both_owners_encrypt_what_the_definition_decrypts():
    values = [0, 1, -1, 12345, -(2**63), 2**63 - 1]
    for key in (PUBLIC, PRIVATE):
        ct = key.encrypt(values)
        assert decrypt_by_definition(PRIVATE, ct) == values
        assert PRIVATE.decrypt(ct).tolist() == values
        assert len(set(integers(key.encrypt([7] * 40)))) == 40, "every ciphertext has its own randomness"


@pytest.mark.parametrize("bits", [3072, 4096])
def test_larger_keys(bits):
    public_key, private_key = keygen(bits)
    values = [-(2 ** (bits - 2)) + 1, 5, 2 ** (bits - 2) - 1]
    assert public_key.max_plaintext_bits == bits - 2
    total = private_key.encrypt(values) + private_key.encrypt([1, -5, -1])
    assert private_key.decrypt(total).tolist() == [values[0] + 1, 0, values[2] - 1]


@few
@given(st.lists(any_ints, min_size=1, max_size=5))
def test_integers_come_back_exactly(values):
    wide = np.array(values, dtype=object)
    assert PRIVATE.decrypt(PUBLIC.encrypt(wide)).tolist() == values
    assert PRIVATE.decrypt(PRIVATE.encrypt(wide)).tolist() == values


def test_the_centred_range_is_exact():
    edge = np.array([HALF, -HALF, HALF - 1], dtype=object)
    assert PRIVATE.decrypt(PRIVATE.encrypt(edge)).tolist() == edge.tolist()
    for beyond in (HALF + 1, -HALF - 1, 2**4000):
        with pytest.raises(errors.PlaintextOverflow) as caught:
            PUBLIC.encrypt(np.array([1, beyond], dtype=object))
        assert caught.value.row == 1


def test_dtypes_and_shapes():
    cases = [
        (np.array([[1, -2], [3, 4]], dtype=np.int8), np.int64),
        (np.array([255], dtype=np.uint8), np.int64),
        (np.array([2**64 - 1], dtype=np.uint64), np.object_),
        (np.array([True, False]), np.int64),
        (np.array([[1.5, -2.25]], dtype=np.float32), np.float64),
        (np.zeros((0, 3), dtype=np.int64), np.int64),
        (np.int64(-9), np.int64),
        (np.arange(6).reshape(2, 3).T, np.int64),
    ]
    for values, dtype in cases:
        ct = PRIVATE.encrypt(values)
        back = PRIVATE.decrypt(ct)
        assert ct.shape == back.shape == values.shape
        assert back.dtype == dtype
        assert (back == values).all()
    for wrong in (["a"], np.array([1j]), np.array(["2024-01-01"], dtype="M8[D]"), [object()]):
        with pytest.raises(errors.InvalidArgument):
            PUBLIC.encrypt(wrong)


@few
@given(any_ints, any_ints, st.integers(-(2**70), 2**70), st.integers(-(2**62), 2**62))
def test_homomorphisms(a, b, k, c):
    def centred(x):
        return (x + HALF) % N - HALF

    x, y = PRIVATE.encrypt(np.array([a, c], dtype=object)), PUBLIC.encrypt(np.array([b, c], dtype=object))
    assert PRIVATE.decrypt(x + y).tolist() == [centred(a + b), 2 * c]
    assert PRIVATE.decrypt(x - y).tolist() == [centred(a - b), 0]
    assert PRIVATE.decrypt(-x).tolist() == [-a, -c]
    assert PRIVATE.decrypt(x * k).tolist() == [centred(a * k), c * k]
    assert PRIVATE.decrypt(x + np.array([b, k], dtype=object)).tolist() == [centred(a + b), c + k]
    assert PRIVATE.decrypt(x.rerandomize()).tolist() == [a, c]


def test_arrays_behave_as_numpy_arrays_do():
    clear = np.arange(24).reshape(2, 3, 4) - 7
    ct = PRIVATE.encrypt(clear)
    pairs = [
        (ct[1], clear[1]),
        (ct[..., ::-2], clear[..., ::-2]),
        (ct[:, [2, 0]], clear[:, [2, 0]]),
        (ct[clear > 3], clear[clear > 3]),
        (ct[0, 1, 2], clear[0, 1, 2]),
        (ct.reshape(4, -1), clear.reshape(4, -1)),
        (ct.reshape((6, 4)), clear.reshape((6, 4))),
        (ct.sum(), clear.sum()),
        (ct.sum(axis=0), clear.sum(axis=0)),
        (ct.sum(axis=1), clear.sum(axis=1)),
        (ct.sum(axis=-1), clear.sum(axis=-1)),
        (ct[:, :0].sum(axis=1), clear[:, :0].sum(axis=1)),
        (ct + ct[0], clear + clear[0]),
        (ct - ct[:, :1], clear - clear[:, :1]),
        (3 * ct, 3 * clear),
        (np.array([2, -1, 0, 5]) * ct, np.array([2, -1, 0, 5]) * clear),
        (
            ct * np.array([[1], [2**80], [-3]], dtype=object),
            clear * np.array([[1], [2**80], [-3]], dtype=object),
        ),
        (5 + ct, 5 + clear),
        (ct - 5, clear - 5),
        (5 - ct, 5 - clear),
        (ct - clear.astype(np.uint8)[0], clear - clear.astype(np.uint8)[0]),
        (np.array([2**63], dtype=np.uint64) - ct, 2**63 - clear.astype(object)),
        (ct - np.array([-(2**63)]), clear.astype(object) + 2**63),
        (ct - True, clear - 1),
        (concatenate([ct, ct[:1]]), np.concatenate([clear, clear[:1]])),
    ]
    for encrypted, expected in pairs:
        assert encrypted.shape == expected.shape
        assert (PRIVATE.decrypt(encrypted) == expected).all()
    assert (len(ct), ct.ndim, ct.size) == (2, 3, 24)


def test_what_does_not_fit_together_is_refused():
    a, real = PRIVATE.encrypt([1, 2]), PRIVATE.encrypt([1.0, 2.0])
    for attempt in (
        lambda: a + PRIVATE.encrypt([1, 2, 3]),
        lambda: a + real,
        lambda: a * a,
        lambda: a * 1.5,
        lambda: a.reshape(3),
        lambda: a.sum(axis=1),
        lambda: a * [1, 2, 3],
        lambda: concatenate([]),
        lambda: concatenate([a, real]),
        lambda: concatenate([a, a.reshape(1, 2)]),
        lambda: a.sum().reshape(-1)[np.array([0])] + [1, 2, 3, None],
    ):
        with pytest.raises(errors.InvalidArgument):
            attempt()
    with pytest.raises(IndexError):
        a[2]
    with pytest.raises(TypeError):
        len(a[0])
    for attempt in (
        lambda: a - "one",
        lambda: object() - a,
        lambda: PRIVATE.decrypt(np.array([1, 2])),
        lambda: PRIVATE.decrypt_packed([1], Slots(1, 8)),
        lambda: PRIVATE.decrypt_words(None, 8, 1),
        lambda: concatenate([a, np.array([1])]),
    ):
        with pytest.raises(errors.InvalidArgument):
            attempt()


@few
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4),
    st.integers(0, 60),
)
def test_reals_are_rounded_once_to_the_public_scale(values, bits):
    ct = PRIVATE.encrypt(np.array(values), scale_bits=bits)
    assert ct.scale_bits == bits
    expected = [float(Fraction(round(Fraction(v) * 2**bits), 2**bits)) for v in values]
    assert PRIVATE.decrypt(ct).astype(np.float64).tolist() == expected


def test_plain_reals_are_subtracted_at_the_arrays_scale():
    ct = PRIVATE.encrypt([1.5, -2.0])
    assert PRIVATE.decrypt(ct - 1.0).tolist() == [0.5, -3.0]
    assert PRIVATE.decrypt(0.25 - ct).tolist() == [-1.25, 2.25]


def test_sums_of_reals_decode_to_the_nearest_double():
    ct = PRIVATE.encrypt([1.0, 2.0**-40, 2.0**20], scale_bits=40)
    assert PRIVATE.decrypt(ct.sum()) == 1.0 + 2.0**-40 + 2.0**20
    factors = [2**90 + 2**37, 2**90 + 2**37 + 1, 2**90 + 3 * 2**37, -(2**90) - 2**37 - 1]
    wide = ct[0] * np.array(factors, dtype=object)  # halfway cases beyond 64 bits
    assert PRIVATE.decrypt(wide).tolist() == [float(f) for f in factors]
    assert PRIVATE.decrypt(PRIVATE.encrypt([3, -1], scale_bits=7)).tolist() == [3.0, -1.0]


class Slots:
    """A layout of equal slots."""

    def __init__(self, slots, slot_bits, key_bits=2048):
        self.slots, self.slot_bits, self.key_bits = slots, slot_bits, key_bits
        self.value_bits = (slot_bits,) * slots


@pytest.mark.parametrize("slots, bits", [(1, 64), (3, 20), (31, 66), (22, 93), (2046, 1), (15, 130)])
def test_packed_slots_come_back(slots, bits):
    layout = Slots(slots, bits)
    top = min(2**bits, 2**64) - 1
    columns = np.random.default_rng(slots).integers(0, top, (4, slots), dtype=np.uint64, endpoint=True)
    columns[0] = top
    for key in (PUBLIC, PRIVATE):
        ct = key.encrypt_packed(columns, layout)
        assert ct.shape == (4,)
        assert (PRIVATE.decrypt_packed(ct, layout) == columns).all()
        assert (PRIVATE.decrypt_words(ct, bits, slots) == columns).all()
    expected = [sum(int(v) << (s * bits) for s, v in enumerate(row)) for row in columns]
    assert PRIVATE.decrypt(ct).tolist() == expected


def test_words_of_any_plaintext():
    """decrypt_words reads plaintexts in [0, n): negative ones as n - |m|."""
    values = np.array([-1, -(2**700) - 5, 2**2000 + 3, 0], dtype=object)
    ct = PRIVATE.encrypt(values)
    for bits, slots, shift in ((66, 31, 0), (100, 20, 36), (64, 32, 63), (7, 5, 6)):
        words = PRIVATE.decrypt_words(ct, bits, slots, shift=shift)
        assert words.dtype == np.uint64
        for row, value in zip(words, values, strict=True):
            slot_values = [(int(value) % N >> (s * bits)) % 2**bits for s in range(slots)]
            assert row.tolist() == [(v >> shift) % 2**64 for v in slot_values]
    for bits, slots, shift in ((64, 33, 0), (0, 1, 0), (8, 0, 0), (8, 2, 8)):
        with pytest.raises(errors.InvalidArgument):
            PRIVATE.decrypt_words(ct, bits, slots, shift=shift)


def test_packing_refuses_what_does_not_fit():
    layout = Slots(3, 20)
    for bad in ([[1, 2, 2**20]], [[1, -2, 3]], np.array([[1, 2, 2**64]], dtype=object)):
        with pytest.raises(errors.PlaintextOverflow):
            PUBLIC.encrypt_packed(np.concatenate([[[1, 2, 3]], bad]), layout)
    for bad_layout in (Slots(1, 2047), Slots(32, 64)):
        with pytest.raises(errors.PlaintextOverflow):
            PUBLIC.encrypt_packed(np.zeros((1, bad_layout.slots), dtype=np.uint64), bad_layout)
    with pytest.raises(errors.InvalidArgument):
        PUBLIC.encrypt_packed([[1, 2]], layout)
    with pytest.raises(errors.InvalidArgument):
        PUBLIC.encrypt_packed([[1, 2, 3]], Slots(3, 20, key_bits=3072))
    with pytest.raises(errors.PlaintextOverflow) as caught:
        PRIVATE.decrypt_packed(PRIVATE.encrypt([5, 2**60]), layout)
    assert caught.value.row == 1
    with pytest.raises(errors.PlaintextOverflow):
        PRIVATE.decrypt_packed(PRIVATE.encrypt([-1]), layout)


def test_results_do_not_depend_on_the_number_of_threads():
    rng = np.random.default_rng(1)
    clear, weights = rng.integers(-1000, 1000, 280), rng.integers(-1000, 1000, 280)
    a, b = PRIVATE.encrypt(clear), PRIVATE.encrypt(weights)
    seen = []
    for threads in (1, 2, 5):
        system.set_thread_count(threads)
        results = [a + b, a - b, -a, a * weights, a.sum(), a.reshape(7, 40).sum(axis=0), a + weights]
        results.append(PUBLIC.ciphertexts_from_bytes(a.to_bytes()))
        seen.append(([r.to_bytes() for r in results], PRIVATE.decrypt(results[3][:70]).tolist()))
    system.set_thread_count(0)
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][1] == (clear * weights)[:70].tolist()


def test_rerandomized_ciphertexts_cannot_be_matched():
    ct = PUBLIC.encrypt(np.arange(40))
    for again in (ct.rerandomize(), ct.rerandomize(PRIVATE)):
        assert not set(integers(again)) & set(integers(ct))
        assert PRIVATE.decrypt(again).tolist() == list(range(40))
    neutral = ct[:0].sum()
    assert integers(neutral) == [1], "an empty sum is a visible zero"
    assert integers(neutral.rerandomize()) != [1]


def test_serialisation_is_big_endian_and_fixed_width():
    ct = PUBLIC.encrypt([[1, 2], [3, 4]])
    data = ct.to_bytes()
    assert PUBLIC.ciphertext_bytes == 512
    assert len(data) == 4 * 512
    back = PUBLIC.ciphertexts_from_bytes(memoryview(data), shape=(2, 2), scale_bits=0)
    assert back.to_bytes() == data
    assert (PRIVATE.decrypt(back) == [[1, 2], [3, 4]]).all()
    assert PUBLIC.ciphertexts_from_bytes(data).shape == (4,)
    small = (1 + 5 * N).to_bytes(512, "big")  # leading zero bytes are part of the width
    assert PRIVATE.decrypt(PUBLIC.ciphertexts_from_bytes(small)).tolist() == [5]


def test_public_keys_travel_as_bytes():
    data = PUBLIC.to_bytes()
    again = PublicKey.from_bytes(data)
    assert again == PUBLIC
    assert hash(again) == hash(PUBLIC)
    assert again.to_bytes() == data
    assert len(again.fingerprint) == 32
    assert PRIVATE.decrypt(again.encrypt([5])).tolist() == [5]
    mixed = again.encrypt([5]) + PUBLIC.encrypt([6])
    assert PRIVATE.decrypt(mixed).tolist() == [11]
    assert keygen(2048)[0] != PUBLIC


def test_private_keys_do_not_leak_into_python():
    p, q = primes_of(PRIVATE)
    for text in (repr(PRIVATE), str(PRIVATE), repr(PUBLIC), repr(PUBLIC.encrypt([1]))):
        assert str(p) not in text
        assert f"{p:x}" not in text
        assert f"{q:x}" not in text
    with pytest.raises(TypeError):
        pickle.dumps(PRIVATE)
    with pytest.raises(TypeError):
        pickle.dumps(PRIVATE._native)
    assert not hasattr(PRIVATE, "__dict__")


def test_imported_keys_use_standard_randomizers():
    p, q = primes_of(PRIVATE)
    standard = PrivateKey.from_primes(p, q)
    assert standard.public_key != PUBLIC, "hs is part of the key"
    assert standard.public_key._native.hs is None
    for key in (standard, standard.public_key):
        ct = key.encrypt([-3, 2**40])
        assert decrypt_by_definition(standard, ct) == [-3, 2**40]
        assert standard.decrypt(ct.rerandomize(standard)).tolist() == [-3, 2**40]
    again = PublicKey.from_bytes(standard.public_key.to_bytes())
    assert again == standard.public_key
    restored = native.PrivateKey.deserialize(standard._native.serialize())
    assert restored.public_key.fingerprint == standard.public_key.fingerprint


def test_the_memory_of_tables_is_a_parameter():
    before = native.table_bytes()
    assert before == 32 << 20
    try:
        ist.paillier.set_table_memory(1 << 16)
        public_key, private_key = keygen(2048, fast=True)
        for count in (1, 3, 200):
            assert private_key.decrypt(public_key.encrypt(np.arange(count))).tolist() == list(range(count))
        for wrong in (-1, 0, 65535):
            with pytest.raises(errors.InvalidArgument):
                ist.paillier.set_table_memory(wrong)
    finally:
        native.set_table_bytes(before)


def test_names_of_the_public_surface():
    assert ist.paillier.PackLayout is ist.aggregate.PackLayout
    with pytest.raises(AttributeError):
        _ = ist.paillier.nonsense


def test_values_that_would_change_on_the_way_are_refused():
    layout = ist.paillier.PackLayout(key_bits=2048, value_bits=(8, 8), max_addends=4)
    public_key, private_key = ist.paillier.keygen(2048)
    for row in ([1.7, 2], ["3", "2"], [float("nan"), 2]):
        with pytest.raises(errors.InvalidArgument) as caught:
            public_key.encrypt_packed(np.array([row], dtype=object), layout)
        assert caught.value.row == 0
    with pytest.raises(errors.PlaintextOverflow) as caught:
        wide = np.array([1, 2**1500], dtype=object)
        private_key.decrypt(public_key.encrypt(wide, scale_bits=1))
    assert caught.value.row == 1
    with pytest.raises(errors.DecodeError):
        public_key.ciphertexts_from_bytes(b"", shape=(2**40, 2**40))
