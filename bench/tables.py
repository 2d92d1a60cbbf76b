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
        n += ", resumable" if row["state"] else ""
        shares = [f"{row[name]:.0%}" for name in ("read", "curve", "match_and_write")]
        seconds = f"{row['seconds']:,.1f}", f"{row['micros_per_item']:.1f}", f"{row['cpu_seconds']:,.1f}"
        memory = f"{row['bytes_per_item']:.0f}", f"{row['peak_mib']:,.0f}"
        who = row["suite"], row["backend"], str(row["threads"])
        return [n, *who, *seconds, f"{row['idle']:.0%}", *memory, *shares]

    def order(row: Measured) -> tuple[Any, ...]:
        return row["suite"] != "ristretto255", row["sizes"], row["state"], row["suite"], row["threads"]

    return markdown(headings, map(cells, sorted(rows, key=order)))


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

    return markdown(headings, map(cells, sorted(rows, key=lambda row: row["log2"])))


def threads_of(values: dict[Any, float]) -> dict[int, float]:
    """Return figures by thread count; JSON has made the counts text."""
    return {int(threads): value for threads, value in values.items()}


def core(rows: Sequence[Measured]) -> str:
    """Microseconds per unit, products, and how far from the floor: one column group per key size."""
    sizes = sorted({row["key_bits"] for row in rows if row.table == "core"})
    found = {(row["operation"], row["key_bits"]): row for row in rows if row.table == "core"}
    headings = ["operation", "unit"]
    units = {row["operation"]: row["unit"] for row in found.values()}
    for bits in sizes:
        headings += [f"{bits}: µs", "products", "achieved / floor", "2 threads"]

    def cells(operation: str) -> list[str]:
        line = [operation, units[operation]]
        for bits in sizes:
            row = found.get((operation, bits))
            line += ["–"] * 4 if row is None else _core_figures(row)
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
    ]


def memory(rows: Sequence[Measured]) -> str:
    """By how much resident memory grew at most during each call."""
    sizes = sorted({row["key_bits"] for row in rows if row.table == "core"})
    found = {(row["operation"], row["key_bits"]): row for row in rows if row.table == "core"}
    headings = ["operation", "units"]
    headings += [f"{bits}: {what}" for bits in sizes for what in ("MiB", "bytes per unit")]

    def cells(operation: str) -> list[str]:
        some = next(row for (name, _), row in found.items() if name == operation)
        line = [operation, f"{some['operations']:,} × {some['unit']}"]
        for bits in sizes:
            grown = found[operation, bits]["grown_bytes"] if (operation, bits) in found else None
            each = None if grown is None else grown / some["operations"]
            line += ["–" if grown is None else f"{grown / 2**20:,.1f}", figure(each)]
        return line

    return markdown(headings, map(cells, dict.fromkeys(operation for operation, _ in found)))


def kernels(rows: Sequence[Measured]) -> str:
    """Nanoseconds per product of each kernel, backend and batch."""
    batches = sorted({int(batch) for row in rows for batch in row["nanoseconds"]})
    headings = ["kernel", "backend", *(f"{batch:,}" for batch in batches)]

    def cells(row: Measured) -> list[str]:
        nanoseconds = {int(batch): value for batch, value in row["nanoseconds"].items()}
        return [row["kernel"], row["backend"], *(f"{nanoseconds[batch]:,.0f}" for batch in batches)]

    names = list(dict.fromkeys(row["kernel"] for row in rows))
    return markdown(headings, map(cells, sorted(rows, key=lambda row: names.index(row["kernel"]))))


def groups(rows: Sequence[Measured]) -> str:
    """Microseconds of one core for one element, and the floor's share of them."""
    headings = ["group", "step"]
    backends = list(dict.fromkeys(row["backend"] for row in rows))
    headings += [f"{backend}: {what}" for backend in backends for what in ("µs", "floor / achieved")]
    found = {(row["group"], row["step"], row["backend"]): row for row in rows}

    def cells(which: tuple[str, str]) -> list[str]:
        line = list(which)
        for backend in backends:
            row = found.get((*which, backend))
            fraction = None if row is None else row.values.get("fraction")
            line += ["–" if row is None else figure(row["micros"])]
            line += ["" if fraction is None else f"{fraction:.2f}"]
        return line

    return markdown(headings, map(cells, dict.fromkeys((group, step) for group, step, _ in found)))


def growth(rows: Sequence[Measured]) -> str:
    """Core microseconds per unit by the number of rows, a line per shape."""
    found = [row for row in rows if row.table == "growth"]
    counts = sorted({row["rows"] for row in found})
    lines: dict[str, dict[int, str]] = {}
    for row in found:
        one = threads_of(row["processor"]).get(1, 0.0) / row["operations"] * 1e6
        name = f"{curve_name(row)}, {row['key_bits']} bits"
        lines.setdefault(name, {})[row["rows"]] = f"{figure(one)} ({row['products'] / row['operations']:.2f})"
    return markdown(
        ["µs per unit (products)", *(f"{n:,}" for n in counts)],
        ([name, *(line.get(n, "–") for n in counts)] for name, line in lines.items()),
    )


def curve_name(row: Measured) -> str:
    """Return what a growth curve is of."""
    if row["curve"] == "weighted_sum":
        return f"weighted_sum, {row['features']} × 20-bit"
    return f"bucket_sum, {row['features']} × {row['bins']}"


def rings(rows: Sequence[Measured]) -> str:
    """Nanoseconds of the products that floors are made of."""
    names = ("product", "squaring", "half_product", "half_squaring")
    headings = ["key", "backend", "product mod n²", "squaring", "product mod p²", "squaring"]
    return markdown(
        headings,
        (
            [f"{row['key_bits']}", row["backend"], *(f"{row[name] * 1e9:,.0f}" for name in names)]
            for row in rows
        ),
    )


_BACKENDS = ("portable", "avx2", "avx512ifma")
# README.md: what a reader asks first, with the row that answers it.
SUMMARY_CORE = (
    ("encrypt, public key", "values encrypted"),
    ("encrypt, key owner", "values encrypted by the key's owner"),
    ("decrypt, fault check on", "values decrypted"),
    ("add", "ciphertexts added"),
    ("bucket_sum, 1,000,000 × 30 × 32", "ciphertexts added into buckets (rows × features)"),
    ("weighted_sum, 100,000 × 50, 20-bit", "entries of Xᵀ·[[d]]"),
)


def summary(rows: Sequence[Measured]) -> str:
    """The README's table: alignments in seconds, and operations per second on two threads."""
    lines = []
    for row in rows:
        if row.table == "demo":
            what = f"align, then train on {row['customers']:,} customers and score, both models, "
            what += f"{row['key_bits']}-bit keys"
            cost = f"{row['seconds']:.1f} s, {row['bytes'] / 1e6:,.0f} MB"
            lines.append([what, cost, f"`isthmus demo --key-bits {row['key_bits']}`"])
    for row in rows:
        if row.table != "psi" or row["suite"] != "ristretto255" or row["threads"] != 2 or row["state"]:
            continue
        n = " with ".join(f"{count:,}" for count in row["sizes"])
        sent = f"{row['bytes_sent'] / 1e6:,.0f} MB, {row['peak_mib']:,.0f} MiB a party"
        lines.append(
            [f"align {n} identifiers", f"{row['seconds']:,.1f} s, {sent}", "`bench/psi_end_to_end.py`"]
        )
    core_rows = [row for row in rows if row.table == "core" and row["key_bits"] == 2048]
    best = max((row["backend"] for row in core_rows), key=_BACKENDS.index, default="")
    found = {row["operation"]: row for row in core_rows if row["backend"] == best}
    for operation, words in SUMMARY_CORE:
        if operation in found and 2 in (elapsed := threads_of(found[operation]["elapsed"])):
            rate = found[operation]["operations"] / elapsed[2]
            lines.append([f"Paillier, 2048 bits: {words}", f"{rate:,.0f} per second", "`bench/run.py`"])
    return markdown(["what", "measured", "command"], lines) if lines else ""


def sodium(rows: Sequence[Measured]) -> str:
    """Microseconds of libsodium's calls."""
    return markdown(["libsodium", "µs"], ([row["call"], figure(row["micros"])] for row in rows))


def demo(rows: Sequence[Measured]) -> str:
    """Seconds of the demo and its stages, by key size."""
    stages = list(dict.fromkeys(stage for row in rows for stage in row["stages"]))
    headings = ["seconds", *(f"{row['key_bits']} bits, {row['backend']}" for row in rows)]
    lines = [["`isthmus demo`, in all", *(f"{row['seconds']:.1f}" for row in rows)]]
    lines += [[f"… {stage}", *(figure(row["stages"].get(stage)) for row in rows)] for stage in stages]
    lines.append(["MB between the parties", *(f"{row['bytes'] / 1e6:,.0f}" for row in rows)])
    return markdown(headings, lines)


def _scale(rows: Sequence[Measured]) -> dict[str, float] | None:
    """Return µs of one core per item and step: masking by itself, the rest from the largest alignment."""
    runs = [row for row in rows if row.table == "psi" and row["suite"] == "ristretto255"]
    runs = [row for row in runs if row["sizes"][0] == row["sizes"][1] and row["backend"] == "avx512ifma"]
    masks = {
        row["step"]: row["micros"]
        for row in rows
        if row.table == "groups" and row["group"] == "ristretto255" and row["backend"] == "avx512ifma"
    }
    own, peer = (masks.get(f"`{name}`, from Python") for name in ("mask_digests", "mask_points"))
    if not runs or own is None or peer is None:
        return None
    run = max(runs, key=lambda row: row["sizes"][0])
    each = run["cpu_seconds"] / sum(run["sizes"]) * 1e6
    shares = {name: run[name] * each for name in ("read", "match_and_write")}
    rest = max(0.0, 1 - run["read"] - run["curve"] - run["match_and_write"]) * each
    return {"own": own, "peer": peer, **shares, "rest": rest}


SCALE_STEPS = (
    ("hash and mask own item", "worker", "own"),
    ("mask the peer's item again", "worker", "peer"),
    ("read, check, digest, sort, find repeats", "driver", "read"),
    ("messages, and keeping what arrives", "driver", "rest"),
    ("match, find and sort the rows, write them", "driver", "match_and_write"),
)


def scale_items(rows: Sequence[Measured]) -> str:
    """docs/scale.md: what one item costs."""
    found = _scale(rows)
    if found is None:
        return ""
    steps = ([step, where, f"{found[name]:.2g}"] for step, where, name in SCALE_STEPS)
    return markdown(["step", "where", "µs per item"], steps)


def scale_billion(rows: Sequence[Measured]) -> str:
    """docs/scale.md: the same, a billion times."""
    found = _scale(rows)
    if found is None:
        return ""
    curve = found["own"] + found["peer"]
    driver = found["read"] + found["rest"] + found["match_and_write"]
    on = ", ".join(f"{_span(curve * 1000 / cores)} on {cores}" for cores in (1, 16, 32))
    lines = [
        ["curve arithmetic", f"10⁹ · {curve:.1f} µs = {curve * 1000:,.0f} s of one core: {on}"],
        ["driver", f"10⁹ · {driver:.1f} µs = {driver * 1000:,.0f} s: {_span(driver * 1000)}"],
    ]
    cores, both = max(1, round(curve / driver)), _span((curve + driver) * 500)
    words = f"""The workers take as long as the driver on about {cores} cores a party; beyond, the
driver decides, whose reading comes before and whose matching comes after the arithmetic. On one machine
with two cores a party it is {both}."""
    table = ["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in lines)]
    return "\n".join([*table, "", words])


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.1f} min"
