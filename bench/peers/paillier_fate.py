"""FATE's native library (Rust)."""

import numpy as np
from fate_utils import paillier


class Library:
    def __init__(self, key_bits, fast):
        self.private_key, self.public_key, self.coder = paillier.keygen(key_bits)

    def _plain(self, values):
        return self.coder.encode_i64_vec(np.array(values, np.int64))

    def ciphertexts(self, pool, index):
        return self.public_key.encrypt_encoded(self._plain(pool), True).slice_indexes(index)

    def decrypt(self, ct):
        return self.coder.decode_i64_vec(self.private_key.decrypt_to_encoded(ct))

    def encryption(self, values, owner):
        plain = self._plain(values)
        return lambda: self.public_key.encrypt_encoded(plain, True)

    def decryption(self, ct):
        return lambda: self.decrypt(ct)

    def addition(self, a, b):
        return lambda: a.add(self.public_key, b)

    def multiplication(self, ct, factors):
        plain = self._plain(factors)
        return lambda: ct.mul(self.public_key, plain)

    def weighted_sum(self, ct, matrix):
        plain = self._plain([x for row in matrix.tolist() for x in row])
        shapes = [1, matrix.shape[0]], list(matrix.shape)
        return lambda: ct.matmul(self.public_key, plain, *shapes)

    def histogram(self, ct, buckets, bins):
        places = [[f * bins + b for f, b in enumerate(row)] for row in buckets.tolist()]
        size = buckets.shape[1] * bins

        def run():
            sums = paillier.CiphertextVector.zeros(size)
            sums.iupdate(ct, places, 1, self.public_key)
            return sums

        return run
