"""Runs one library in its own process and environment: ``python paillier_worker.py ADAPTER.py [VARIANT]``.

One line of JSON per request on standard input, one per answer on standard output. A ``prepare`` request names
a case: its inputs are drawn here from its seed, encrypted, and brought into the library's own types. Each
``run`` request then times one call, and checks what it decrypts to against plain integers. Needs nothing but
the standard library, as some of the environments hold nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import sys
import time

POOL = 64  # distinct ciphertexts behind large inputs: encrypting every row would outlast the row itself
VALUE_BITS = 16  # products with 40-bit factors then fit in 64 bits, all that one peer decodes


def weight(draw, bits):
    """Return a signed factor other than zero, which one peer refuses."""
    return draw.randrange(-(2**bits) + 1, 2**bits) or 1


class Case:
    """One operation on one size, ready to be timed: ``run`` gives what ``read`` turns into ``expected``."""

    def __init__(self, library, request):
        self.library = library
        self.draw = random.Random(request["seed"])
        self.rows, self.columns = request["rows"], request.get("columns", 1)
        self.operations = self.rows * self.columns
        self.pool = [
            self.draw.randrange(-(2**VALUE_BITS), 2**VALUE_BITS) for _ in range(min(POOL, self.rows))
        ]
        self.index = [self.draw.randrange(len(self.pool)) for _ in range(self.rows)]
        self.values = [self.pool[i] for i in self.index]
        self.read = library.decrypt
        self.run, self.expected = getattr(self, request["operation"])(request)

    def ciphertexts(self):
        return self.library.ciphertexts(self.pool, self.index)

    def encrypt(self, request):
        return self.library.encryption(self.values, request.get("owner", False)), self.values

    def decrypt(self, request):
        self.read = list
        return self.library.decryption(self.ciphertexts()), self.values

    def add(self, request):
        run = self.library.addition(self.ciphertexts(), self.ciphertexts())
        return run, [2 * value for value in self.values]

    def multiply(self, request):
        factors = [weight(self.draw, 40) for _ in self.values]
        products = [a * k for a, k in zip(self.values, factors, strict=True)]
        return self.library.multiplication(self.ciphertexts(), factors), products

    def weighted_sum(self, request):
        bits, distinct = request["bits"], request.get("distinct", 0)
        if distinct:  # a binned column: few values of `bits` bits
            bins = [[weight(self.draw, bits) for _ in range(distinct)] for _ in range(self.columns)]
            matrix = [[self.draw.choice(column) for column in bins] for _ in range(self.rows)]
        else:
            matrix = [[weight(self.draw, bits) for _ in range(self.columns)] for _ in range(self.rows)]
        sums = [0] * self.columns
        for row, value in zip(matrix, self.values, strict=True):
            for f, x in enumerate(row):
                sums[f] += x * value
        return self.library.weighted_sum(self.ciphertexts(), matrix), sums

    def histogram(self, request):
        bins = request["bins"]
        buckets = [[self.draw.randrange(bins) for _ in range(self.columns)] for _ in range(self.rows)]
        sums = [0] * (self.columns * bins)
        for row, value in zip(buckets, self.values, strict=True):
            for f, b in enumerate(row):
                sums[f * bins + b] += value
        return self.library.histogram(self.ciphertexts(), buckets, bins), sums


def timed(case):
    """Seconds of processor and clock for one call; the result is checked afterwards."""
    wall, processor = time.perf_counter(), time.process_time()
    result = case.run()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    if [int(value) for value in case.read(result)] != case.expected:
        raise ValueError("the result differs from plain integers")
    return {"operations": case.operations, "processor": processor, "wall": wall}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not belong among the answers
    sys.path.pop(0)  # this folder: a file here has the name of a peer's module
    spec = importlib.util.spec_from_file_location("adapter", sys.argv[1])
    adapter = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(adapter)
    libraries, cases = {}, {}

    def answer(request):
        name = request["case"]
        if request["do"] == "run":
            return timed(cases[name])
        if request["do"] == "forget":
            cases.pop(name, None)
            return {}
        key = (request["key_bits"], request.get("fast", False))
        if key not in libraries:
            libraries[key] = adapter.Library(*key, *sys.argv[2:])
        cases[name] = Case(libraries[key], request)
        return {}

    for line in sys.stdin:
        try:
            reply = answer(json.loads(line))
        except Exception as error:
            reply = {"failed": repr(error)}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
