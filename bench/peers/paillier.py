"""Times isthmus and its Paillier peers in one run on one machine, and prints how far isthmus is ahead.

    python bench/peers/paillier.py                              # both key sizes, one core
    python bench/peers/paillier.py --key-bits 2048 --all-cores --repeat 5

Every peer is installed in a virtual environment of its own and runs in a process of its own, by the fastest
path that it documents; all processes take turns, round by round, on the same core. A peer's cost per value or
entry does not depend on their number, so peers get few of them; isthmus gets the numbers that the row names.
Each result is decrypted and compared with plain integers. Microseconds are of processor time, or with
--all-cores of the clock, the best of --repeat rounds, or of as many as fit in --seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import inputs
import tables
from environments import Peer, python_of
from results import Recorder

HERE = Path(__file__).parent

HEU = Peer("sf-heu", ("sf-heu==0.5.2b0",))


@dataclass(frozen=True)
class Program:
    """One column of the table: a library, by one of its schemes."""

    name: str
    script: str
    peer: Peer | None = None  # None: this interpreter, with isthmus
    variant: tuple[str, ...] = ()
    is_paillier: bool = True


ISTHMUS = Program("isthmus", "paillier_isthmus.py")
PEERS = (
    Program("HEU", "paillier_heu.py", HEU, ("z-paillier",)),
    Program("HEU, IPCL", "paillier_heu.py", HEU, ("ipcl",)),
    Program("FATE", "paillier_fate.py", Peer("fate-utils-numpy", ("fate-utils==0.1.0", "numpy"))),
    Program("pypaillier", "paillier_pypaillier.py", Peer("pypaillier", ("pypaillier==0.8.0",))),
    Program("phe", "paillier_phe.py", Peer("phe", ("phe==1.5.0", "gmpy2"))),
    Program("HEU, Okamoto–Uchiyama", "paillier_heu.py", HEU, ("ou",), is_paillier=False),
)

Request = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One operation: the peers' size, ours, and how many times faster we mean to be."""

    name: str
    operation: str
    peers: Request
    ours: Request
    goal: float
    against: str = "Paillier"  # or the name of one program


def rows(scale: float) -> Iterator[Row]:
    """Yield the table's rows; ``scale`` shrinks our sizes."""

    def size(count: int) -> int:
        return max(int(count * scale), 64)

    few, many = {"rows": 32}, {"rows": size(2048)}
    fast = {**many, "fast": True}
    owner = {"owner": True}
    ou = "HEU, Okamoto–Uchiyama"
    yield Row("add", "add", {"rows": 256}, {"rows": size(8192)}, 6)
    yield Row("encrypt, public key", "encrypt", few, many, 6)
    yield Row("encrypt, key owner", "encrypt", few, {**many, **owner}, 12)
    yield Row("encrypt, fast key, public", "encrypt", few, fast, 14)
    yield Row("encrypt, fast key, owner", "encrypt", few, {**fast, **owner}, 30)
    yield Row("encrypt, fast key, owner, against Okamoto–Uchiyama", "encrypt", few, {**fast, **owner}, 1, ou)
    yield Row("decrypt, fault check on", "decrypt", {"rows": 16}, {"rows": size(512)}, 4)
    yield Row("decrypt, fast key", "decrypt", {"rows": 16}, {"rows": size(512), "fast": True}, 12)
    yield Row("multiply, signed 40-bit", "multiply", few, many, 5)
    for bits in (20, 40):
        peers = {"rows": 64, "columns": 4, "bits": bits}
        ours = {"rows": size(100_000), "columns": 50, "bits": bits}
        yield Row(f"weighted_sum, {ours['rows']:,} × 50, {bits}-bit", "weighted_sum", peers, ours, 80)
    binned = {**ours, "distinct": 32}
    yield Row(f"weighted_sum, {ours['rows']:,} × 50, 32 values", "weighted_sum", peers, binned, 200)
    peers = {"rows": 400, "columns": 5, "bins": 32}
    for count, goal in ((100_000, 12), (1_000_000, 15)):
        ours = {"rows": size(count), "columns": 30, "bins": 32}
        yield Row(f"bucket_sum, {ours['rows']:,} × 30 × 32", "histogram", peers, ours, goal)


@dataclass(frozen=True)
class Options:
    """How long to measure, and by which clock."""

    repeat: int
    seconds: float
    clock: str


class Worker:
    """A library's process."""

    def __init__(self, program: Program, core: int | None) -> None:
        self.program = program
        python = str(python_of(program.peer)) if program.peer else sys.executable
        command = [python, str(HERE / "paillier_worker.py"), str(HERE / program.script), *program.variant]
        environment = dict(os.environ)
        if core is not None:
            environment |= dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the libraries' logs
            text=True,
            env=environment,
        )
        if core is not None:
            os.sched_setaffinity(self._process.pid, {core})

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.program.name} ended: {self._process.wait()}")
        result: dict[str, Any] = json.loads(answer)
        return result

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def takes_part(program: Program, row: Row) -> bool:
    """Tell whether the row compares with this program."""
    if program is ISTHMUS:
        return True
    return program.is_paillier if row.against == "Paillier" else program.name == row.against


def prepare(row: Row, workers: list[Worker], key_bits: int) -> list[Worker]:
    """Give each program its inputs; return those that can do the row."""
    able = []
    with tempfile.TemporaryDirectory() as name:
        drawn: dict[str, Request] = {}
        for worker in workers:
            if not takes_part(worker.program, row):
                continue
            who, size = ("ours", row.ours) if worker.program is ISTHMUS else ("peers", row.peers)
            if who not in drawn:
                drawn[who] = inputs.write({"operation": row.operation, "seed": 1, **size}, Path(name), who)
            if expect(worker, row, worker.ask(do="prepare", case=row.name, key_bits=key_bits, **drawn[who])):
                able.append(worker)
    return able


def measure(row: Row, workers: list[Worker], options: Options, key_bits: int) -> dict[str, float]:
    """Time one row by turns; return the best microseconds per operation of each program that can do it."""
    able = prepare(row, workers, key_bits)
    best: dict[str, float] = {}
    began = time.monotonic()
    for _ in range(options.repeat):
        for worker in list(able):
            answer = worker.ask(do="run", case=row.name)
            if not expect(worker, row, answer):
                able.remove(worker)
                continue
            micros = answer[options.clock] / answer["operations"] * 1e6
            best[worker.program.name] = min(micros, best.get(worker.program.name, micros))
        if time.monotonic() - began > options.seconds:
            break
    for worker in workers:
        worker.ask(do="forget", case=row.name)
    return best


def expect(worker: Worker, row: Row, answer: dict[str, Any]) -> bool:
    """Say on standard error what a peer cannot do; isthmus must do everything."""
    if "failed" not in answer:
        return True
    what = f"{worker.program.name} fails at {row.name}: {answer['failed']}"
    if worker.program is ISTHMUS:
        raise SystemExit(what)
    print(" ".join(what.split())[:300], file=sys.stderr)
    return False


def main() -> None:
    """Measure, then print one table per key size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--key-bits", type=int, nargs="+", default=[2048, 3072])
    parser.add_argument("--repeat", type=int, default=3, help="rounds, of which the best counts")
    parser.add_argument("--seconds", type=float, default=10, help="a row gets no more rounds after these")
    parser.add_argument("--scale", type=float, default=1.0, help="shrink isthmus' sizes")
    parser.add_argument("--only", nargs="+", default=[""], help="rows whose name holds one of these words")
    parser.add_argument("--core", type=int, default=0, help="the core that all share")
    parser.add_argument("--all-cores", action="store_true", help="leave every core to every library")
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    arguments = parser.parse_args()
    core, clock = (None, "wall") if arguments.all_cores else (arguments.core, "processor")
    options = Options(arguments.repeat, arguments.seconds, clock)
    workers = [Worker(program, core) for program in (*PEERS, ISTHMUS)]
    recorder = Recorder(arguments.json)
    for key_bits in arguments.key_bits:
        for row in rows(arguments.scale):
            if not any(word in row.name for word in arguments.only):
                continue
            micros = measure(row, workers, options, key_bits)
            key = {"operation": row.name, "key_bits": key_bits, "cores": "one" if core is not None else "all"}
            recorder.add("paillier-peers", key, {"micros": micros, "goal": row.goal})
            print(f"{key_bits} bits, {row.name}: {micros[ISTHMUS.name]:,.3g} µs", file=sys.stderr, flush=True)
    for worker in workers:
        worker.close()
    for key_bits in arguments.key_bits:
        print(f"\n{key_bits}-bit keys, µs per operation, {'all cores' if core is None else 'one core'}\n")
        print(tables.paillier_peers([row for row in recorder.rows if row["key_bits"] == key_bits]))


if __name__ == "__main__":
    main()
