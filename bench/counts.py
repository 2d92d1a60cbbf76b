"""How many products each operation needs: the floor that measured times are divided by.

A product of pairs costs 5 k² word products, a squaring 3.5 k², a product with a one-digit pair 4 k², or 3 k²
where that digit is a constant with a known quotient, and one modulo the root 2 k²; the last three count as
0.8, 0.6 and 0.4 products. Products modulo n², modulo p² and modulo
(p·t)², where t guards decryption, are kept apart, because their kernels are timed apart. For the aggregates
the formulas restate the cost model of ``cpp/src/aggregate`` for uniformly distributed buckets and weights,
and search the same choices, so that a floor is the cheapest plan, not whichever plan ran.

``python bench/counts.py`` compares them with what ``count_products.cpp`` counts, which runs the operations on
portable kernels that count.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE_BYTES = 32 << 20  # of fixed-base tables, per key
CELL_BYTES = 256 << 20  # of joint cells
FAST_EXPONENT_BITS = {2048: 448, 3072: 512, 4096: 640}
GUARD_BITS = 22
MAX_KEYS = 1 << 32
SQUARING = 0.7
DIGIT = 0.8
CONSTANT = 0.6
MODULO = 0.4


@dataclass(frozen=True)
class Products:
    """Products and squarings modulo n², modulo p² or q², and modulo (p·t)² or (q·t)²."""

    n: float = 0.0
    n_squarings: float = 0.0
    p: float = 0.0
    p_squarings: float = 0.0
    guarded: float = 0.0
    guarded_squarings: float = 0.0

    def __add__(self, other: Products) -> Products:
        return Products(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __mul__(self, times: float) -> Products:
        return Products(*(times * a for a in astuple(self)))

    def seconds(self, kernels: Products) -> float:
        """Return the time of all, given the seconds of one of each."""
        return sum(a * b for a, b in zip(astuple(self), astuple(kernels), strict=True))

    @property
    def total(self) -> float:
        """All of them as products modulo n², by word products."""
        halves = self.p + self.guarded + SQUARING * (self.p_squarings + self.guarded_squarings)
        return self.n + SQUARING * self.n_squarings + halves / 4


@cache
def digits_of(modulus_bits: int, backend: str) -> int:
    """Return the words in which a backend spells a number modulo such a modulus."""
    if backend == "portable":
        for width in range(61, 0, -1):
            count = -(-(modulus_bits + 2) // width)
            if 3 * count + 1 <= 1 << (128 - 2 * width):
                return count
    if backend == "avx2":
        return -(-(modulus_bits + 2) // 51)
    count = -(-(modulus_bits + 2) // 52)
    while count % 4 and count % 3:
        count += 1
    return count


def _fixed_base(exponent_bits: int, modulus_bits: int, backend: str, *, masked: bool) -> tuple[float, float]:
    """Return the products and squarings of a power by tables, of the plan that many powers choose.

    A masked look-up reads every row of its table, which costs no products but bears on the choice.
    """
    digits = digits_of(modulus_bits, backend)
    constants = backend != "avx2"
    words = (3 if constants else 2) * digits
    rows = TABLE_BYTES // (2 if masked else 1) // (8 * words)
    scan = (0.08 if backend == "avx512ifma" else 0.25) * words / (digits**2 / 2) if masked else 0.0
    product, of_products = (6.4, CONSTANT) if constants else (8, DIGIT)
    best = math.inf, 0.0, 0.0
    for window in range(4 if masked else 1, 13):
        windows = -(-exponent_bits // window)
        for levels in range(1, windows + 1):
            if -(-windows // levels) << window > rows:
                continue
            cost = (product + scan * 2**window) * windows + 7 * window * (levels - 1)
            steps = windows if constants else windows - 1
            best = min(best, (cost, of_products * steps + MODULO, window * (levels - 1)))
    return best[1:]


def encrypt_public(key_bits: int, backend: str, *, fast: bool = False) -> Products:
    """A row of hs's tables for each window of the randomizer, and the message: two products modulo n."""
    exponent_bits = FAST_EXPONENT_BITS[key_bits] if fast else key_bits // 2
    products, squarings = _fixed_base(exponent_bits, key_bits, backend, masked=False)
    return Products(n=products + 2 * MODULO, n_squarings=squarings)


def encrypt_owner(key_bits: int, backend: str, *, fast: bool = False) -> Products:
    """The same modulo p² and q², with masked look-ups, and Garner's formula, which imports both halves."""
    exponent_bits = FAST_EXPONENT_BITS[key_bits] // 2 + 1 if fast else key_bits // 2
    products, squarings = _fixed_base(exponent_bits, key_bits // 2, backend, masked=True)
    join = Products(n=1 + 2 * DIGIT + 2 * MODULO, p=1 + 4 * DIGIT)
    return join + Products(p=2 * products, p_squarings=2 * squarings)


def decrypt(key_bits: int, *, fast: bool = False) -> Products:
    """Two powers by 5-bit windows modulo (p·t)² and (q·t)², blinding, conversions and the fault check."""
    exponent_bits = FAST_EXPONENT_BITS[key_bits] // 2 + 1 if fast else key_bits // 2
    windows = -(-exponent_bits // 5)
    power = Products(guarded=windows - 1 + 15, guarded_squarings=5 * (windows - 1) + 15)
    import_and_export = Products(guarded=5 * DIGIT)
    check_and_join = Products(p=7 * DIGIT + 9 * MODULO)
    return Products(n=2 + DIGIT) + (power + import_and_export + check_and_join) * 2


def mul_plain(bits: int) -> Products:
    """Squarings, sliding windows of 3 bits over 4 odd powers, and an inversion for half of the factors."""
    return Products(n=bits / 4 - 1 + 3 + 3 / 2, n_squarings=bits - 2)


def _occupied(rows: float, cells: float) -> float:
    return -cells * math.expm1(-rows / cells)


def _marginal(rows: float, radices: list[int]) -> float:
    if len(radices) == 1:
        return 0.0
    half = len(radices) // 2
    cells = _occupied(rows, math.prod(radices))
    parts = radices[:half], radices[half:]
    return sum(cells - _occupied(rows, math.prod(part)) + _marginal(rows, part) for part in parts)


def _joint(rows: float, radices: list[int]) -> float:
    return rows - _occupied(rows, math.prod(radices)) + _marginal(rows, radices)


def bucket_sum(rows: int, radices: list[int], key_bits: int, backend: str) -> float:
    """Products of the cheapest even grouping of columns of so many buckets each."""
    max_cells = CELL_BYTES // (16 * digits_of(key_bits, backend))
    best = math.inf
    for groups in dict.fromkeys(-(-len(radices) // largest) for largest in range(1, len(radices) + 1)):
        dealt: list[list[int]] = [[] for _ in range(groups)]
        for radix in sorted(radices, reverse=True):
            min(dealt, key=math.prod).append(radix)
        widest = max(math.prod(group) for group in dealt)
        if groups < len(radices) and (widest > MAX_KEYS or min(widest, rows) > max_cells):
            break
        best = min(best, sum(_joint(rows, group) for group in dealt))
    return best


def _max_digits(bits: int, width: int) -> list[int]:
    """Return the largest signed digit of each position, for weights of up to so many bits."""
    half, offset, count = 1 << (width - 1), 0, 1
    while (top := (2**bits - 1 + offset) >> (width * (count - 1))) > half:
        offset += half << (width * (count - 1))
        count += 1
    return [half] * (count - 1) + [top]


def weighted_sum(rows: int, columns: int, bits: int, key_bits: int, backend: str) -> Products:
    """Xᵀ·[[d]]: bucket sums over digits, then running sums, an inversion and squarings per digit column."""

    def products(width: int) -> Products:
        largest = _max_digits(bits, width)
        sums = bucket_sum(rows, [2 * d + 1 for d in largest] * columns, key_bits, backend)
        weighing = sum(4 * d for d in largest) + 5 * len(largest)
        return Products(n=sums + columns * weighing, n_squarings=columns * width * (len(largest) - 1))

    return min((products(width) for width in range(1, 16)), key=lambda p: p.total)


def weighted_sum_binned(rows: int, columns: int, distinct: int, key_bits: int, backend: str) -> Products:
    """The same for few values of 40 bits: bucket sums over values, then the sums weighed by their digits."""

    def weighing(width: int) -> Products:
        largest = _max_digits(40, width)
        products = sum(2 * d + distinct + 5 for d in largest)
        return Products(n=products, n_squarings=width * (len(largest) - 1)) * columns

    cheapest = min((weighing(width) for width in range(1, 16)), key=lambda p: p.total)
    return cheapest + Products(n=bucket_sum(rows, [distinct] * columns, key_bits, backend))


def packed_products(rows: int, columns: int, bits: int, slots: int, slot_bits: int) -> Products:
    """X·[[w]]: tables per column and slot, whose even entries are squarings, and a chain per column."""

    def products(width: int) -> Products:
        largest = _max_digits(bits, width)
        squarings = slots * sum(d // 2 for d in largest)
        odd = slots * sum((d - 1) // 2 for d in largest)
        return Products(n=rows * len(largest) + odd, n_squarings=squarings + slots * slot_bits) * columns

    return min((products(width) for width in range(1, 15)), key=lambda p: p.total)


def compress(ciphertexts: int, slot_bits: int, slots: int) -> Products:
    """One product per folded ciphertext, and slot_bits squarings for all but one of each fold."""
    folds = -(-ciphertexts // slots)
    return Products(n=ciphertexts, n_squarings=slot_bits * (ciphertexts - folds))


def expected(key_bits: int, rows: int) -> dict[str, Products]:
    """Return what the formulas say of one unit of each operation of count_products.cpp."""
    backend, slots = "portable", (key_bits - 2) // 128
    public = encrypt_public(key_bits, backend)

    def buckets(columns: int) -> Products:
        return Products(n=bucket_sum(rows, [32] * columns, key_bits, backend)) * (1 / rows / columns)

    def weights(bits: int) -> Products:
        return weighted_sum(rows, 16, bits, key_bits, backend) * (1 / rows / 16)

    return {
        "encrypt_public": public,
        "encrypt_owner": encrypt_owner(key_bits, backend),
        "decrypt": decrypt(key_bits),
        "mul_plain": mul_plain(40),
        "rerandomize": public + Products(n=1 - 2 * MODULO),
        "compress": compress(256, 128, slots) * (1 / 256),
        "bucket_sum_10": buckets(10),
        "bucket_sum_30": buckets(30),
        "weighted_sum_20": weights(20),
        "weighted_sum_40": weights(40),
        "weighted_sum_binned": weighted_sum_binned(rows, 16, 32, key_bits, backend) * (1 / rows / 16),
        "packed_products": packed_products(rows, 16, 20, slots, 128) * (1 / rows / 16),
        "encrypt_public_fast": encrypt_public(key_bits, backend, fast=True),
        "encrypt_owner_fast": encrypt_owner(key_bits, backend, fast=True),
        "decrypt_fast": decrypt(key_bits, fast=True),
    }


def count(key_bits: int, rows: int, library: Path) -> dict[str, list[float]]:
    """Compile and run count_products.cpp."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "count"
        paths = [f"-I{ROOT}/cpp/include", f"-I{ROOT}/cpp/src", str(ROOT / "bench/count_products.cpp")]
        flags = ["-std=c++20", "-O2", "-Wno-psabi", "-fopenmp"]
        subprocess.run(["c++", *flags, *paths, str(library), "-o", str(program)], check=True)
        run = subprocess.run([program, str(key_bits), str(rows)], check=True, capture_output=True, text=True)
    split = [line.split() for line in run.stdout.splitlines()]
    return {name: list(map(float, figures)) for name, *figures in split}


def main() -> None:
    """Print counted products beside those of the formulas; fail where they differ by more than 8 %."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--key-bits", type=int, default=2048)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--library", type=Path, default=ROOT / "build" / "libisthmus_core.a")
    options = parser.parse_args()
    counted = count(options.key_bits, options.rows, options.library)
    wrong = []
    print("| operation | counted | formula | formula / counted |\n|---|---:|---:|---:|")
    for name, formula in expected(options.key_bits, options.rows).items():
        n, n_squarings, p, p_squarings = counted[name]
        found = Products(n, n_squarings, p, p_squarings).total
        ratio = formula.total / found
        print(f"| {name} | {found:.3f} | {formula.total:.3f} | {ratio:.3f} |")
        if abs(ratio - 1) > 0.08:
            wrong.append(name)
    if wrong:
        raise SystemExit(f"the formulas are off for {', '.join(wrong)}")


if __name__ == "__main__":
    main()
