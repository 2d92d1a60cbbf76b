"""Aligns the same two CSV files with isthmus and with its peers, in one run on one machine.

    python bench/peers/psi.py --log2 16                 # every peer
    python bench/peers/psi.py --log2 16 20 --only isthmus spu

Each peer is installed in a virtual environment of its own (Linux x86-64, Python 3.10 or 3.11). isthmus
and secretflow run as two processes that read CSV and write aligned CSV over loopback, both parties
learn; openmined-psi and fate-utils have neither transport nor files, so their time is that of the calls
alone, in one process. Seconds are the slower party's, from reading the input to the written result, the
best of --repeat rounds; the rounds of all programs are interleaved. Every run's result is counted.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from environments import Peer, python_of

HERE = Path(__file__).parent
SPU = Peer("spu", ("spu==0.10.0.dev20251211", "numpy", "protobuf"), ("3.11", "3.10"), dependencies=False)
SPU_SM2 = Peer("spu-sm2", ("spu==0.9.3b0", "numpy<2", "protobuf<5"), ("3.11", "3.10"), dependencies=False)
OPENMINED = Peer("openmined-psi", ("openmined-psi==2.0.6",))
FATE = Peer("fate-utils", ("fate-utils==0.1.0",))


@dataclass(frozen=True)
class Program:
    """One row of the table: who computes, over which curve."""

    name: str
    curve: str
    script: str
    peer: Peer | None = None  # None: this interpreter, with isthmus
    links_two: bool = False  # the script is one party, of two that meet over loopback
    writes: bool = True  # the matched rows, as CSV


PROGRAMS = (
    Program("isthmus", "ristretto255", "psi_isthmus.py"),
    Program("isthmus", "X25519", "psi_isthmus.py"),
    Program("isthmus", "P-256", "psi_isthmus.py"),
    Program("isthmus", "SM2", "psi_isthmus.py"),
    Program("spu", "CURVE_25519", "psi_spu.py", SPU, links_two=True),
    Program("spu", "CURVE_FOURQ", "psi_spu.py", SPU, links_two=True),
    Program("spu", "CURVE_SM2", "psi_spu_sm2.py", SPU_SM2, links_two=True),
    Program("openmined-psi", "P-256", "psi_openmined.py", OPENMINED, writes=False),
    Program("fate-utils", "Curve25519", "psi_fate.py", FATE, writes=False),
)


def write_lists(folder: Path, count: int) -> list[Path]:
    """Write two lists of ``count`` identifiers in random order, half of them shared."""
    paths = [folder / "a.csv", folder / "b.csv"]
    for path, start in zip(paths, (0, count // 2), strict=True):
        numbers = np.random.default_rng(start).permutation(count) + start
        path.write_text("id\n" + "".join(f"user{number:012d}\n" for number in numbers))
    return paths


def free_ports(count: int) -> list[str]:
    """Return ports that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(listener.getsockname()[1]) for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def run_together(commands: Sequence[Sequence[str]]) -> list[str]:
    """Run the commands at the same time; return what each printed."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in commands]
        started = [
            subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
            for command, file in zip(commands, files, strict=True)
        ]
        codes = [process.wait() for process in started]
        if any(codes):
            raise SystemExit(f"{commands[0][1]} ended with exit codes {codes}")
        for file in files:
            file.seek(0)
        return [file.read() for file in files]


def seconds(program: Program, inputs: Sequence[Path], shared: int) -> float:
    """Run one program once; return the slower party's seconds."""
    python = str(python_of(program.peer)) if program.peer else sys.executable
    command = [python, str(HERE / program.script)]
    commands = [[*command, program.curve, *map(str, inputs)]]
    if program.links_two:
        ports = free_ports(2)
        commands = [
            [*command, program.curve, str(rank), *ports, str(path), str(path.with_suffix(".out.csv"))]
            for rank, path in enumerate(inputs)
        ]
    times = []
    for output in run_together(commands):
        line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
        if line is None:
            raise SystemExit(f"{program.name} {program.curve} printed no result")
        _, elapsed, found = line.split()
        assert int(found) == shared, f"{program.name} found {found} of {shared} shared identifiers"
        times.append(float(elapsed))
    if program.writes:
        rows = [len(path.with_suffix(".out.csv").read_text().split()) - 1 for path in inputs]
        assert rows == [shared, shared], f"{program.name} wrote {rows} rows, not {shared}"
    return max(times)


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--log2", type=int, nargs="+", default=[16], help="identifiers a party, as powers of two"
    )
    parser.add_argument("--repeat", type=int, default=2, help="rounds, of which the best counts")
    parser.add_argument(
        "--only", nargs="+", help="programs to run", choices=sorted({p.name for p in PROGRAMS})
    )
    arguments = parser.parse_args()
    programs = [p for p in PROGRAMS if not arguments.only or p.name in arguments.only]
    for exponent in arguments.log2:
        with tempfile.TemporaryDirectory() as name:
            count = 1 << exponent
            inputs = write_lists(Path(name), count)
            best = dict.fromkeys(programs, float("inf"))
            for _ in range(arguments.repeat):
                for program in programs:
                    best[program] = min(best[program], seconds(program, inputs, count - count // 2))
            print(f"\n2^{exponent} identifiers a party\n")
            print("| program | curve | seconds | µs per identifier | times isthmus ristretto255 |")
            print("|---|---|---|---|---|")
            ours = next((t for p, t in best.items() if p.curve == "ristretto255"), float("nan"))
            for program, elapsed in best.items():
                each = elapsed / count * 1e6
                row = f"{elapsed:.2f} | {each:.1f} | {elapsed / ours:.2f}"
                print(f"| {program.name} | {program.curve} | {row} |")


if __name__ == "__main__":
    main()
