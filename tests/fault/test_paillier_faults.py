"""Bad ciphertexts, keys and plaintexts, computation faults and entropy (fault cases 1 to 10).

Each case shows the typed, coded error and that nothing was released.
"""

import os
import stat

import numpy as np
import pytest

from isthmus import errors
from isthmus._core import bigint, system
from isthmus._core import paillier as native
from isthmus.aggregate import PackLayout
from isthmus.paillier import PrivateKey, PublicKey, keygen

PUBLIC, PRIVATE = keygen(2048)
OTHER_PUBLIC, OTHER_PRIVATE = keygen(2048)
N, WIDTH = PUBLIC.n, PUBLIC.ciphertext_bytes
GOOD = PUBLIC.encrypt([11, 22, 33])


def refuses(error, call, *, row=None):
    """The error has this class, code and row; its text holds no number of the key."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.code == error.code
    assert caught.value.row == row
    assert str(N)[:12] not in str(caught.value)
    return str(caught.value)


def secret_primes(private_key):
    secret = private_key._native.serialize()
    return tuple(int.from_bytes(secret[7 + i * 256 : 7 + (i + 1) * 256], "big") for i in (0, 1))


FAST_PRIVATE = keygen(2048, fast=True)[1]
STANDARD_PRIVATE = PrivateKey.from_primes(*secret_primes(PRIVATE))


def with_row(value, row):
    """Three good ciphertexts, one of them replaced."""
    data = bytearray(GOOD.to_bytes())
    data[row * WIDTH : (row + 1) * WIDTH] = value.to_bytes(WIDTH, "big")
    return bytes(data)


# --- 1 to 3, 5: ciphertexts from the wire ------------------------------------------------------------------


def test_cases_1_and_2_ciphertext_out_of_range():
    for value in (0, N * N, N * N + 1, 2 ** (8 * WIDTH) - 1):
        data = with_row(value, 1)
        refuses(errors.CiphertextRange, lambda d=data: PUBLIC.ciphertexts_from_bytes(d), row=1)


def test_case_3_ciphertext_not_a_unit():
    p, q = secret_primes(PRIVATE)
    for value in (p, q, 7 * p, N, 5 * N, p * p, N * N - q):
        text = refuses(
            errors.CiphertextNotUnit, lambda v=value: PUBLIC.ciphertexts_from_bytes(with_row(v, 2)), row=2
        )
        assert str(p)[:12] not in text
    many = PUBLIC.encrypt(np.arange(300)).to_bytes()  # beyond one block of the batched check
    data = many[: 290 * WIDTH] + p.to_bytes(WIDTH, "big") + many[291 * WIDTH :]
    refuses(errors.CiphertextNotUnit, lambda: PUBLIC.ciphertexts_from_bytes(data), row=290)


def test_case_5_ciphertext_length():
    data = GOOD.to_bytes()
    for wrong in (data[:-1], data + b"\0", b"\0" + data, data[: 2 * WIDTH]):
        refuses(errors.DecodeError, lambda w=wrong: PUBLIC.ciphertexts_from_bytes(w, shape=(3,)))
    for wrong in (data[:-1], data + b"\0"):
        refuses(errors.DecodeError, lambda w=wrong: PUBLIC.ciphertexts_from_bytes(w))
    refuses(errors.DecodeError, lambda: PUBLIC.ciphertexts_from_bytes(data, shape=(-1, -3)))
    refuses(errors.DecodeError, lambda: PUBLIC.ciphertexts_from_bytes(data, shape=(2**62,)))


# --- 4: another key ----------------------------------------------------------------------------------------


def test_case_4_another_key():
    foreign = OTHER_PUBLIC.encrypt([1, 2, 3])
    refuses(errors.KeyMismatch, lambda: PRIVATE.decrypt(foreign))
    refuses(errors.KeyMismatch, lambda: GOOD + foreign)
    refuses(errors.KeyMismatch, lambda: GOOD - foreign)
    refuses(errors.KeyMismatch, lambda: foreign.rerandomize(PRIVATE))
    for call in (native.add, native.subtract):
        refuses(errors.KeyMismatch, lambda c=call: c(GOOD._native, foreign._native))
    refuses(errors.KeyMismatch, lambda: native.concatenate([GOOD._native, foreign._native]))
    # The same n with another hs is another key: its fingerprint differs.
    standard = PrivateKey.from_primes(*secret_primes(PRIVATE))
    refuses(errors.KeyMismatch, lambda: standard.decrypt(GOOD))
    assert PRIVATE.decrypt(GOOD).tolist() == [11, 22, 33]


# --- 6: public keys ----------------------------------------------------------------------------------------


def public_bytes(n, hs=None, *, bits=None, magic=b"IPK\x01", kind=None):
    bits = n.bit_length() if bits is None else bits
    width = (bits + 7) // 8
    kind = int(hs is not None) if kind is None else kind
    tail = b"" if hs is None else hs.to_bytes(2 * width, "big")
    return magic + bytes([kind]) + bits.to_bytes(2, "big") + n.to_bytes(width, "big") + tail


def bad_public_keys():
    p, q = (bigint.random_prime_3_mod_4(1024) for _ in range(2))
    n, hs = p * q, PUBLIC._native.hs
    yield "even", public_bytes(n - 1, 4), "even"
    yield "prime", public_bytes(bigint.random_prime_3_mod_4(2048), 4), "prime"
    yield "square", public_bytes(p * p, 4), "square"
    yield (
        "short",
        public_bytes(bigint.random_prime_3_mod_4(512) * bigint.random_prime_3_mod_4(512), 4),
        "2048",
    )
    yield "2047 bits", public_bytes((1 << 2047) - 1, 4), "2048"
    yield "long", public_bytes((1 << 4224) + 1, 4), "4096"
    for small in (3, 65537, 1048573):
        yield f"factor {small}", public_bytes(small * ((((1 << 2048) - 1) // small - 1) | 1), 4), "2^20"
    yield "hs not a unit", public_bytes(n, 9 * p), "hs"
    yield "hs zero", public_bytes(n, 0), "hs"
    yield "hs one", public_bytes(n, 1), "hs"
    yield "hs too large", public_bytes(n, n * n), "hs"
    yield "hs of another key", public_bytes(n, max(hs, n * n + 5)), "hs"


@pytest.mark.parametrize(("data", "rule"), [pytest.param(d, r, id=i) for i, d, r in bad_public_keys()])
def test_case_6_public_key_breaks_a_rule(data, rule):
    assert rule in refuses(errors.KeyRejected, lambda: PublicKey.from_bytes(data))


def test_case_6_public_key_does_not_parse():
    data = PUBLIC.to_bytes()
    hs = PUBLIC._native.hs
    for wrong in (
        b"",
        data[:6],
        data[:-1],
        data + b"\0",
        public_bytes(N, hs, magic=b"IPK\x02"),
        public_bytes(N, hs, magic=b"ISK\x01"),
        public_bytes(N, hs, kind=2),
        public_bytes(N, hs, kind=0),
        public_bytes(N, kind=1),
        public_bytes(N, hs, bits=2056),
        public_bytes(N >> 8, hs, bits=2048),
    ):
        refuses(errors.DecodeError, lambda w=wrong: PublicKey.from_bytes(w))


def test_case_6_refused_key_sizes_and_primes():
    for bits in (0, 1024, 2047, 2049, 2080, 4160):
        refuses(errors.KeyRejected, lambda b=bits: keygen(b))
    p, q = secret_primes(PRIVATE)
    factors = (bigint.random_prime_3_mod_4(512) * bigint.random_prime_3_mod_4(512) for _ in range(1000))
    composite = next(product for product in factors if product >> 1022 == 3)  # as long as any prime of a key
    divisible = next(c for c in (q + 2, q + 4) if c % 3 == 0)
    short, long = bigint.random_prime_3_mod_4(1000), bigint.random_prime_3_mod_4(1050)
    for a, b, rule in (
        (p, p, "equals"),
        (p, divisible, "prime"),
        (composite, q, "prime"),
        (short, long, "length"),
        (short, q, "2048"),
        (0, 0, "2048"),
    ):
        assert rule in refuses(errors.KeyRejected, lambda a=a, b=b: PrivateKey.from_primes(a, b))
    # q = 1 mod p: n shares p with (p-1)(q-1), and decryption would be ambiguous.
    p = bigint.random_prime_3_mod_4(1020)
    q = next(c for c in (k * p + 1 for k in range(2**12, 2**14, 2)) if bigint.is_probable_prime(c))
    assert "factor" in refuses(errors.KeyRejected, lambda: PrivateKey.from_primes(p, q))


# --- 7: private key files ----------------------------------------------------------------------------------


def test_case_7_private_key_bytes_are_corrupt():
    secret = bytes(PRIVATE._native.serialize())
    hs = 7 + 2 * 256
    flips = {"p": 7 + 250, "q": 7 + 256 + 250, "hs": hs + 300, "kind": 4, "bits": 6, "magic": 3, "zero": 7}
    broken = [bytes(b ^ (1 if i == at else 0) for i, b in enumerate(secret)) for at in flips.values()]
    broken += [secret[:-1], secret + b"\0", b"", secret[:7] + secret[7 + 256 : hs] + secret[7:]]
    for data in broken:
        refuses(errors.KeyCorrupt, lambda d=data: native.PrivateKey.deserialize(bytearray(d)))


def test_case_7_private_key_file_is_corrupt(tmp_path):
    path = tmp_path / "key.pem"
    PRIVATE.save(path, "correct horse")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert PrivateKey.load(path, "correct horse").decrypt(GOOD).tolist() == [11, 22, 33]
    refuses(errors.KeyCorrupt, lambda: PrivateKey.load(path, "wrong horse"))
    text = path.read_text()
    middle = len(text) // 2
    flipped = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    no_base64 = text[:middle] + "%" + text[middle + 1 :]
    for content in (flipped, no_base64, text[:-40], text[:120], "", text.replace("ISTHMUS", "OTHER")):
        path.write_text(content)
        refuses(errors.KeyCorrupt, lambda: PrivateKey.load(path, "correct horse"))
    path.write_bytes(b"\xff\xfe" * 50)
    refuses(errors.KeyCorrupt, lambda: PrivateKey.load(path, "correct horse"))


def test_case_7_private_key_file_is_not_a_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    refuses(errors.PathError, lambda: PrivateKey.load(tmp_path / "fifo", "x"))
    refuses(errors.StorageError, lambda: PrivateKey.load(tmp_path / "absent", "x"))
    refuses(errors.StorageError, lambda: PRIVATE.save(tmp_path / "no" / "folder", "x"))
    assert not (tmp_path / "no").exists()


def test_an_interrupted_save_leaves_the_old_key(tmp_path, monkeypatch):
    path = tmp_path / "key.pem"
    path.write_text("old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refuses(errors.StorageError, lambda: PRIVATE.save(path, "x"))
    assert [p.name for p in tmp_path.iterdir()] == ["key.pem"]
    assert path.read_text() == "old"


# --- 8: plaintexts -----------------------------------------------------------------------------------------


def test_case_8_plaintext_overflow():
    half = N // 2
    for key in (PUBLIC, PRIVATE):
        for values in ([0, half + 1], [0, -half - 1], [0, 2**5000]):
            wide = np.array(values, dtype=object)
            refuses(errors.PlaintextOverflow, lambda k=key, v=wide: k.encrypt(v), row=1)
        refuses(errors.PlaintextOverflow, lambda k=key: k.encrypt([0.0, 1e300], scale_bits=1100), row=1)
        refuses(errors.PlaintextOverflow, lambda k=key: k.encrypt([1.0], scale_bits=2047))
        refuses(errors.PlaintextOverflow, lambda k=key: k.encrypt([1], scale_bits=-1))
        refuses(errors.PlaintextOverflow, lambda k=key: k.encrypt([0.0, 1e308], scale_bits=1500), row=1)
        for bad in (float("nan"), float("inf"), -float("inf")):
            refuses(errors.FeatureValue, lambda k=key, b=bad: k.encrypt([1.0, b]), row=1)
    refuses(errors.PlaintextOverflow, lambda: GOOD * np.array([1, 1, half + 1], dtype=object), row=2)
    refuses(errors.PlaintextOverflow, lambda: GOOD + np.array([1, 1, half + 1], dtype=object), row=2)


# --- 9: a fault in one half of the decryption --------------------------------------------------------------

ENCRYPTION_STEPS = ["randomizer_exponent", "randomizer", "joined_randomizer"]
STEPS = [s for s in native._InjectedFault.__members__ if s not in ("none", *ENCRYPTION_STEPS)]


@pytest.fixture
def inject():
    yield lambda step: native._inject_fault_for_testing(getattr(native._InjectedFault, step))
    native._inject_fault_for_testing(native._InjectedFault.none)


@pytest.mark.parametrize("step", STEPS)
def test_case_9_fault_in_one_half(inject, step):
    assert len(STEPS) == 6
    many = PUBLIC.encrypt(np.arange(20))
    inject(step)
    refuses(errors.FaultDetected, lambda: PRIVATE.decrypt(many), row=0)
    refuses(errors.FaultDetected, lambda: PRIVATE.decrypt_words(many[:1], 64, 1), row=0)
    inject("none")
    assert PRIVATE.decrypt(many).tolist() == list(range(20))


def test_case_9_imported_keys_are_checked_too(inject):
    standard = PrivateKey.from_primes(*secret_primes(PRIVATE))
    ct = standard.encrypt([5])
    for step in STEPS:
        inject(step)
        refuses(errors.FaultDetected, lambda: standard.decrypt(ct), row=0)
    inject("none")
    assert standard.decrypt(ct).tolist() == [5]


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        *((kind, step) for kind in ("djn", "fast") for step in ENCRYPTION_STEPS),
        *(("standard", step) for step in ENCRYPTION_STEPS[1:]),  # no powers of hs, so no exponents
    ],
)
def test_case_9_fault_in_one_half_of_the_owners_randomness(inject, step, kind):
    """The ciphertext would decrypt, without an error, to m' with gcd(m' - m, n) a prime factor."""
    key = {"djn": PRIVATE, "fast": FAST_PRIVATE, "standard": STANDARD_PRIVATE}[kind]
    visible = key.public_key.encrypt([1, 2, 3])
    inject(step)
    for call in (
        lambda: key.encrypt([5]),
        lambda: key.encrypt(np.arange(300)),
        lambda: visible.rerandomize(key),
        lambda: key.encrypt_packed(
            np.ones((1, 1), np.int64), PackLayout(key_bits=2048, value_bits=(8,), max_addends=2)
        ),
    ):
        refuses(errors.FaultDetected, call)
    with key.start_pool(8):
        refuses(errors.FaultDetected, lambda: key.encrypt([5]))
    inject("none")
    assert key.decrypt(key.encrypt(np.arange(300))).tolist() == list(range(300))


# --- 10: entropy and fork ----------------------------------------------------------------------------------


@pytest.fixture
def broken_entropy():
    system._fail_entropy_for_testing(True)
    yield
    system._fail_entropy_for_testing(False)


@pytest.mark.usefixtures("broken_entropy")
def test_case_10_no_entropy_nothing_released():
    standard = OTHER_PRIVATE
    for call in (
        lambda: keygen(2048),
        lambda: PUBLIC.encrypt([1]),
        lambda: PRIVATE.encrypt([1]),
        lambda: PRIVATE.decrypt(GOOD),  # cannot be blinded
        GOOD.rerandomize,
        lambda: GOOD.rerandomize(PRIVATE),
        lambda: PrivateKey.from_primes(*secret_primes(standard)),
        lambda: native.PrivateKey.deserialize(PRIVATE._native.serialize()),
        lambda: bigint.random_prime_3_mod_4(512),
    ):
        refuses(errors.RngError, call)


def test_case_10_randomness_differs_after_a_fork():
    system.set_thread_count(1)  # a forked child has no thread pool
    PUBLIC.encrypt([0])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, PUBLIC.encrypt([0]).to_bytes() + system.random_u64(4).tobytes())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        theirs = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    ours = PUBLIC.encrypt([0]).to_bytes() + system.random_u64(4).tobytes()
    system.set_thread_count(0)
    assert len(theirs) == len(ours) == WIDTH + 32
    assert theirs[:WIDTH] != ours[:WIDTH]
    assert theirs[WIDTH:] != ours[WIDTH:]
