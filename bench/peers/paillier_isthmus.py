"""This library."""

import numpy as np

from isthmus import aggregate, paillier


class Library:
    def __init__(self, key_bits, fast):
        self.public_key, self.private_key = paillier.keygen(key_bits, fast=fast)

    def ciphertexts(self, pool, index):
        return self.private_key.encrypt(np.array(pool))[np.array(index)]

    def decrypt(self, ct):
        return self.private_key.decrypt(ct).reshape(-1).tolist()

    def encryption(self, values, owner):
        key, array = self.private_key if owner else self.public_key, np.array(values)
        key.encrypt(array[:8])  # makes the key's tables
        return lambda: key.encrypt(array)

    def decryption(self, ct):
        return lambda: self.private_key.decrypt(ct)

    def addition(self, a, b):
        return lambda: a + b

    def multiplication(self, ct, factors):
        array = np.array(factors)
        return lambda: ct * array

    def weighted_sum(self, ct, matrix):
        X = np.asarray(matrix)
        return lambda: aggregate.weighted_sum(X, ct)

    def histogram(self, ct, buckets, bins):
        array = np.asarray(buckets)
        return lambda: aggregate.bucket_sum(ct, array, bins)
