"""HEU, SecretFlow's C++ library: its NumPy interface, with the scheme as the variant."""

import numpy as np
from heu import numpy as hnp
from heu import phe


class Library:
    def __init__(self, key_bits, fast, schema="z-paillier"):
        self.kit = hnp.setup(phe.parse_schema_type(schema), key_bits)
        self.encoder = self.kit.bigint_encoder()
        self.encryptor, self.decryptor = self.kit.encryptor(), self.kit.decryptor()
        self.evaluator = self.kit.evaluator()

    def _plain(self, values):
        return self.kit.array(np.asarray(values), self.encoder)

    def ciphertexts(self, pool, index):
        return self.encryptor.encrypt(self._plain(np.array([pool[i] for i in index]).reshape(-1, 1)))

    def decrypt(self, ct):
        return self.decryptor.decrypt(ct).to_numpy(self.encoder).reshape(-1).tolist()

    def encryption(self, values, owner):
        plain = self._plain(np.array(values).reshape(-1, 1))
        return lambda: self.encryptor.encrypt(plain)

    def decryption(self, ct):
        return lambda: self.decrypt(ct)

    def addition(self, a, b):
        return lambda: self.evaluator.add(a, b)

    def multiplication(self, ct, factors):
        plain = self._plain(np.array(factors).reshape(-1, 1))
        return lambda: self.evaluator.mul(ct, plain)

    def weighted_sum(self, ct, matrix):
        plain = self._plain(np.ascontiguousarray(np.array(matrix).T))
        return lambda: self.evaluator.matmul(plain, ct)

    def histogram(self, ct, buckets, bins):
        order, everyone = np.array(buckets, np.int8), np.ones((1, buckets.shape[0]), np.int8)
        return lambda: self.evaluator.feature_wise_bucket_sum(ct, everyone, order, bins, False)
