"""python-paillier, on gmpy2."""

import phe


class Library:
    def __init__(self, key_bits, fast):
        self.public_key, self.private_key = phe.generate_paillier_keypair(n_length=key_bits)

    def ciphertexts(self, pool, index):
        encrypted = [self.public_key.encrypt(value) for value in pool]
        return [encrypted[i] for i in index]

    def decrypt(self, ct):
        return [self.private_key.decrypt(c) for c in ct]

    def encryption(self, values, owner):
        return lambda: [self.public_key.encrypt(value) for value in values]

    def decryption(self, ct):
        return lambda: self.decrypt(ct)

    def addition(self, a, b):
        return lambda: [x + y for x, y in zip(a, b, strict=True)]

    def multiplication(self, ct, factors):
        return lambda: [c * k for c, k in zip(ct, factors, strict=True)]

    def weighted_sum(self, ct, matrix):
        columns = list(zip(*matrix.tolist(), strict=True))

        def run():
            sums = []
            for column in columns:
                total = ct[0] * column[0]
                for c, k in zip(ct[1:], column[1:], strict=True):
                    total = total + c * k
                sums.append(total)
            return sums

        return run

    def histogram(self, ct, buckets, bins):
        features, rows = range(buckets.shape[1]), buckets.tolist()

        def run():
            zero = self.public_key.encrypt(0)
            sums = [zero] * (len(features) * bins)
            for c, row in zip(ct, rows, strict=True):
                for f in features:
                    place = f * bins + row[f]
                    sums[place] = sums[place] + c
            return sums

        return run
