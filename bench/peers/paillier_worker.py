"""Runs one library in its own process and environment: ``python paillier_worker.py ADAPTER.py [VARIANT]``.

One line of JSON per request on standard input, one per answer on standard output. A ``prepare`` request names
a case, whose inputs lie in files; they are encrypted and brought into the library's own types here. Each
``run`` request then times calls, and compares what the last decrypts to with the result expected. Needs
nothing but the standard library, as some of the environments hold nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import time
from pathlib import Path

SECONDS = 0.2  # in which short calls are repeated, each library's alike


class Case:
    """One operation on one size, ready to be timed: ``run`` gives what ``read`` turns into ``expected``."""

    def __init__(self, library, request):
        self.library, self.request = library, request
        self.rows, self.columns = request["rows"], request.get("columns", 1)
        self.operations = self.rows * self.columns
        self.expected = request["expected"]
        self.pool = request["pool"]
        self.index = memoryview(Path(request["index"]).read_bytes()).cast("q").tolist()
        self.read = library.decrypt
        self.run = getattr(self, request["operation"])()

    def values(self):
        return [self.pool[i] for i in self.index]

    def matrix(self, kind):
        """Rows as a two-dimensional buffer, which NumPy takes as it is; ``tolist()`` makes lists of it."""
        data = memoryview(Path(self.request["matrix"]).read_bytes())
        return data.cast(kind, (self.rows, self.columns))

    def ciphertexts(self):
        return self.library.ciphertexts(self.pool, self.index)

    def encrypt(self):
        return self.library.encryption(self.values(), self.request.get("owner", False))

    def decrypt(self):
        self.read = list
        return self.library.decryption(self.ciphertexts())

    def add(self):
        return self.library.addition(self.ciphertexts(), self.ciphertexts())

    def multiply(self):
        factors = [row[0] for row in self.matrix("q").tolist()]
        return self.library.multiplication(self.ciphertexts(), factors)

    def weighted_sum(self):
        return self.library.weighted_sum(self.ciphertexts(), self.matrix("q"))

    def histogram(self):
        return self.library.histogram(self.ciphertexts(), self.matrix("B"), self.request["bins"])


def timed(case):
    """Seconds of processor and clock for the best of some calls; the last result is checked afterwards."""
    best = {"operations": case.operations, "processor": math.inf, "wall": math.inf}
    end = time.perf_counter() + SECONDS
    while math.isinf(best["wall"]) or time.perf_counter() < end:
        wall, processor = time.perf_counter(), time.process_time()
        result = case.run()
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
        best["processor"], best["wall"] = min(best["processor"], processor), min(best["wall"], wall)
    if [int(value) for value in case.read(result)] != case.expected:
        raise ValueError("the result differs from plain integers")
    return best


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
