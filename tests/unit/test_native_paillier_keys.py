"""Imported keys of unusual lengths, primes that are refused, and faults that a decryption must notice."""

import gmpy2
import numpy as np
import pytest

from isthmus import _core
from isthmus.errors import FaultDetected, KeyRejected

paillier = _core.paillier


def prime(bits, seed):
    """The first prime after a fixed number whose two top bits are set."""
    start = gmpy2.mpz_urandomb(gmpy2.random_state(seed), bits - 2) | 3 << (bits - 2)
    return int(gmpy2.next_prime(start))


@pytest.mark.parametrize(("p_bits", "q_bits"), [(1009, 1041), (1012, 1037), (1473, 1472)])
def test_imported_keys_of_unusual_lengths_decrypt(p_bits, q_bits):
    """A ciphertext may span five times as many digits as p: its limbs are rounded up, and p may be short."""
    key = paillier.PrivateKey.from_primes(prime(p_bits, 1), prime(q_bits, 2))
    values = np.array([5, -7, np.iinfo(np.int64).min], dtype=np.int64)
    assert key.decrypt(paillier.encrypt(key.public_key, values)).to_int64().tolist() == values.tolist()


@pytest.mark.parametrize(("p_bits", "q_bits"), [(1008, 1041), (1041, 1008)])
def test_primes_of_too_different_lengths_are_refused(p_bits, q_bits):
    with pytest.raises(KeyRejected, match="length"):
        paillier.PrivateKey.from_primes(prime(p_bits, 1), prime(q_bits, 2))


def test_close_primes_are_refused():
    """Fermat's method factors their product at once."""
    p = prime(1024, 3)
    with pytest.raises(KeyRejected, match="too close"):
        paillier.PrivateKey.from_primes(p, int(gmpy2.next_prime(p + 2**900)))


def test_every_injected_fault_is_noticed():
    key = paillier.PrivateKey.generate(2048)
    ciphertexts = paillier.encrypt(key, np.array([3], dtype=np.int64))
    faults = paillier._InjectedFault.__members__
    assert "ciphertext" in faults
    try:
        for name, fault in faults.items():
            paillier._inject_fault_for_testing(fault)
            if name == "none":
                assert key.decrypt(ciphertexts).to_int64().tolist() == [3]
                continue
            if "randomizer" in name:  # a fault of encryptions
                assert key.decrypt(ciphertexts).to_int64().tolist() == [3]
                with pytest.raises(FaultDetected):
                    paillier.encrypt(key, np.array([3], dtype=np.int64))
                continue
            with pytest.raises(FaultDetected) as caught:
                key.decrypt(ciphertexts)
            assert caught.value.row == 0
    finally:
        paillier._inject_fault_for_testing(paillier._InjectedFault.none)
