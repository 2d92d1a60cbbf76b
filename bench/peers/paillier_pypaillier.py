"""pypaillier (Rust on GMP)."""

import paillier


class Library:
    def __init__(self, key_bits, fast):
        self.public_key, self.private_key = paillier.generate_keypair(key_bits)

    def ciphertexts(self, pool, index):
        blobs = paillier.encrypt_integers(self.public_key, pool)
        return [blobs[i] for i in index]

    def decrypt(self, ct):
        return [int(v) for v in paillier.decrypt_many(self.private_key, ct)]

    def encryption(self, values, owner):
        return lambda: paillier.encrypt_integers(self.public_key, values)

    def decryption(self, ct):
        return lambda: self.decrypt(ct)

    def addition(self, a, b):
        # One call: pairs of the joined list.
        both, pairs = a + b, [[i, len(a) + i] for i in range(len(a))]
        return lambda: paillier.add_blocks(self.public_key, both, pairs)

    def multiplication(self, ct, factors):
        return lambda: paillier.multiply_integers_public(self.public_key, ct, factors)

    def weighted_sum(self, ct, matrix):
        columns = [list(column) for column in zip(*matrix.tolist(), strict=True)]

        def run():
            return [
                paillier.add_many(
                    self.public_key, paillier.multiply_integers_public(self.public_key, ct, column)
                )
                for column in columns
            ]

        return run

    def histogram(self, ct, buckets, bins):
        places = [[] for _ in range(buckets.shape[1] * bins)]
        for i, row in enumerate(buckets.tolist()):
            for f, b in enumerate(row):
                places[f * bins + b].append(i)
        filled = [place for place in places if place]  # it refuses empty sums

        def run():
            sums = iter(paillier.add_blocks(self.public_key, ct, filled))
            zero = paillier.encrypt_integers(self.public_key, [0])[0]
            return [next(sums) if place else zero for place in places]

        return run
