"""Measured rows as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from results import Measured

OURS = "isthmus"


def markdown(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table whose first column is text and whose others are figures."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def figure(value: float | None) -> str:
    """Return three significant digits, in full; a dash for nothing."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    digits = 2 if value < 10 else 1
    return f"{value:.{digits}f}" if value >= 0.1 else f"{value:.2g}"


def paillier_peers(rows: Sequence[Measured]) -> str:
    """Microseconds per operation of each program, and how many times faster isthmus is than the best peer."""
    names = list(dict.fromkeys(name for row in rows for name in row["micros"] if name != OURS))

    def cells(row: Measured) -> list[str]:
        micros: dict[str, float] = row["micros"]
        best = min(value for name, value in micros.items() if name != OURS)
        others = [figure(micros.get(name)) for name in names]
        ahead = f"**{best / micros[OURS]:.1f}**"
        return [row["operation"], *others, figure(micros[OURS]), ahead, f"{row['goal']:g}"]

    return markdown(["operation", *names, OURS, "times faster", "wanted"], map(cells, rows))


def size(n: int) -> str:
    """Return a count as people say it: a power of two, or with separators."""
    power = n.bit_length() - 1
    return f"2^{power}" if n == 1 << power and power > 9 else f"{n:,}"


def psi(rows: Sequence[Measured]) -> str:
    """One alignment a row."""
    headings = ["n", "suite", "backend", "threads", "seconds", "µs per item", "CPU seconds", "idle"]
    headings += ["bytes per item", "peak MiB", "read", "curve", "match, write"]

    def cells(row: Measured) -> list[str]:
        first, second = row["sizes"]
        n = size(first) if first == second else f"{size(first)} × {size(second)}"
        shares = [f"{row[name]:.0%}" for name in ("read", "curve", "match_and_write")]
        seconds = f"{row['seconds']:,.1f}", f"{row['micros_per_item']:.1f}", f"{row['cpu_seconds']:,.1f}"
        memory = f"{row['bytes_per_item']:.0f}", f"{row['peak_mib']:,.0f}"
        who = row["suite"], row["backend"], str(row["threads"])
        return [n, *who, *seconds, f"{row['idle']:.0%}", *memory, *shares]

    return markdown(headings, map(cells, rows))


# What a peer is compared with, and how many times faster is wanted: (curve of ours, times).
PSI_GOALS = {
    ("spu", "CURVE_25519"): ("ristretto255", 5),
    ("spu", "CURVE_FOURQ"): ("ristretto255", 2.3),
    ("spu", "CURVE_SM2"): ("SM2", 8),
    ("openmined-psi", "P-256"): ("ristretto255", 12),
    ("fate-utils", "Curve25519"): ("ristretto255", None),
}


def psi_peers(rows: Sequence[Measured]) -> str:
    """Seconds of every program, and how many times as long as isthmus it took on either backend."""
    headings = ["n", "program", "curve", "instructions", "seconds", "µs per identifier"]
    headings += ["times isthmus", "times isthmus with AVX2", "wanted"]
    found = {(row["log2"], row["program"], row["curve"], row["backend"]): row["seconds"] for row in rows}
    best = next((key[3] for key in found if key[1] == OURS and key[3] != "avx2"), "")

    def cells(row: Measured) -> list[str]:
        n, seconds = row["log2"], row["seconds"]
        curve, goal = PSI_GOALS.get((row["program"], row["curve"]), (None, None))
        times = [found.get((n, OURS, curve, backend)) for backend in (best, "avx2")]
        ratios = [f"**{seconds / t:.1f}**" if t else "" for t in times]
        who = row["program"], row["curve"], row["backend"].replace("-", " ")
        each = f"{seconds / 2**n * 1e6:.1f}"
        return [f"2^{n}", *who, f"{seconds:.2f}", each, *ratios, "" if goal is None else f"{goal:g}"]

    return markdown(headings, map(cells, rows))


def threads_of(values: dict[Any, float]) -> dict[int, float]:
    """Return figures by thread count; JSON has made the counts text."""
    return {int(threads): value for threads, value in values.items()}


def core(rows: Sequence[Measured]) -> str:
    """Microseconds per unit, products, and how far from the floor: one column group per key size."""
    sizes = sorted({row["key_bits"] for row in rows if row.table == "core"})
    found = {(row["operation"], row["key_bits"]): row for row in rows if row.table == "core"}
    headings = ["operation", "unit"]
    for bits in sizes:
        headings += [f"{bits}: µs", "products", "achieved / floor", "2 threads", "peak bytes per unit"]

    def cells(operation: str) -> list[str]:
        line = [operation]
        for bits in sizes:
            row = found.get((operation, bits))
            if row is None:
                line += ["–"] * 5
                continue
            line += [row["unit"]] if len(line) == 1 else []
            line += _core_figures(row)
        return line

    return markdown(headings, map(cells, dict.fromkeys(operation for operation, _ in found)))


def _core_figures(row: Measured) -> list[str]:
    processor, elapsed = threads_of(row["processor"]), threads_of(row["elapsed"])
    one, n = processor.get(1), row["operations"]
    floor = row.values.get("floor")
    return [
        figure(one / n * 1e6) if one else "–",
        figure(row["products"] / n) if floor else "",
        f"{one / floor:.2f}" if one and floor else "",
        f"{elapsed[1] / elapsed[2]:.2f}" if {1, 2} <= elapsed.keys() else "",
        f"{row['grown_bytes'] / n:,.0f}",
    ]


def growth(rows: Sequence[Measured]) -> str:
    """Core microseconds per unit by the number of rows, a line per shape."""
    found = [row for row in rows if row.table == "growth"]
    counts = sorted({row["rows"] for row in found})
    lines: dict[str, dict[int, str]] = {}
    for row in found:
        one = threads_of(row["processor"]).get(1, 0.0) / row["operations"] * 1e6
        lines.setdefault(curve_name(row), {})[row["rows"]] = (
            f"{figure(one)} ({row['products'] / row['operations']:.2f})"
        )
    return markdown(
        ["µs per unit (products)", *(f"{n:,}" for n in counts)],
        ([name, *(line.get(n, "–") for n in counts)] for name, line in lines.items()),
    )


def curve_name(row: Measured) -> str:
    """Return what a growth curve is of."""
    if row["curve"] == "weighted_sum":
        return f"weighted_sum, {row['features']} × 20-bit"
    return f"bucket_sum, {row['features']} × {row['bins']}"
