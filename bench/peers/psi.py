"""Aligns the same two CSV files with isthmus and with its peers, in one run on one machine.

    python bench/peers/psi.py --log2 16                 # every peer
    python bench/peers/psi.py --log2 16 20 --only isthmus spu

Each peer is installed in a virtual environment of its own (Linux x86-64, Python 3.10 or 3.11). isthmus
and secretflow run as two processes that read CSV and write aligned CSV over loopback, both parties
learn; openmined-psi and fate-utils have neither transport nor files, so their time is that of the calls
alone, in one process. Seconds are the slower party's, from reading the input to the written result, the
best of --repeat rounds; the rounds of all programs are interleaved. Every run's result is counted.

Where the processor has AVX-512 IFMA, secretflow's Curve25519 uses it, and so does isthmus; so both are also
measured without: isthmus by ISTHMUS_BACKEND=avx2, secretflow as spu_without_ifma.py says. Programs that would
take many minutes at more than 2^16 identifiers are measured up to there; "scaled" multiplies what they took.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
import tables
from environments import Peer, python_of
from results import Recorder

from isthmus._core import system

HERE = Path(__file__).parent
SPU = Peer("spu", ("spu==0.10.0.dev20251211", "numpy", "protobuf"), ("3.11", "3.10"), dependencies=False)
SPU_SM2 = Peer("spu-sm2", ("spu==0.9.3b0", "numpy<2", "protobuf<5"), ("3.11", "3.10"), dependencies=False)
OPENMINED = Peer("openmined-psi", ("openmined-psi==2.0.6",))
FATE = Peer("fate-utils", ("fate-utils==0.1.0",))


STALLED_SECONDS = 15
ATTEMPTS = 4
SMALL = 16  # log2 of the most identifiers of a slow program


@dataclass(frozen=True)
class Program:
    """One row of the table: who computes, over which curve, with which of the processor's instructions."""

    name: str
    curve: str
    script: str
    peer: Peer | None = None  # None: this interpreter, with isthmus
    links_two: bool = False  # the script is one party, of two that meet over loopback
    writes: bool = True  # the matched rows, as CSV
    backend: str = ""  # of isthmus, or a peer's variant; empty: the best that the processor has
    most: int = 64  # log2 of the most identifiers it is measured with

    @property
    def command(self) -> list[str]:
        """What to start, but for the files and ports."""
        python = str(python_of(self.peer)) if self.peer else sys.executable
        variant = f":{self.backend}" if self.peer and self.backend else ""
        return [python, str(HERE / self.script), self.curve + variant]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the process."""
        chosen = {"ISTHMUS_BACKEND": self.backend} if self.backend and not self.peer else {}
        return {**os.environ, **chosen}


def ours(curve: str, backend: str = "", most: int = 64) -> Program:
    """Return isthmus over one curve."""
    return Program("isthmus", curve, "psi_isthmus.py", backend=backend, most=most)


def programs() -> list[Program]:
    """Return what this processor can run."""
    spu = Program("spu", "CURVE_25519", "psi_spu.py", SPU, links_two=True)
    has_ifma = system.available_backends()[-1] == "avx512ifma"
    lesser = [
        ours("ristretto255", "avx2"),
        ours("X25519", "avx2"),
        ours("P-256", "avx2", SMALL),
        ours("SM2", "avx2", SMALL),
        replace(spu, backend="without-ifma"),
    ]
    return [
        ours("ristretto255"),
        ours("X25519"),
        ours("P-256", most=SMALL),
        ours("SM2", most=SMALL),
        spu,
        *(lesser if has_ifma else ()),
        replace(spu, curve="CURVE_FOURQ"),
        Program("spu", "CURVE_SM2", "psi_spu_sm2.py", SPU_SM2, links_two=True, most=SMALL),
        Program("openmined-psi", "P-256", "psi_openmined.py", OPENMINED, writes=False, most=SMALL),
        Program("fate-utils", "Curve25519", "psi_fate.py", FATE, writes=False, most=SMALL),
    ]


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


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Return what a running process has spent so far."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def finish(started: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Wait for all to end; end them and return False if they stall, as two parties of spu now and then do."""
    spent, since = -1.0, time.monotonic()
    while any(process.poll() is None for process in started):
        time.sleep(0.2)
        now = sum(map(processor_seconds, started))
        if now > spent + 0.05:
            spent, since = now, time.monotonic()
        elif time.monotonic() - since > STALLED_SECONDS:
            for process in started:
                process.kill()
                process.wait()
            return False
    return True


def run_together(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> list[str] | None:
    """Run the commands at the same time; return what each printed, or None if they stalled."""
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in commands]
        started = [
            subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL, env=environment)
            for command, file in zip(commands, files, strict=True)
        ]
        # One command alone works through processes of its own.
        if len(started) > 1 and not finish(started):
            return None
        codes = [process.wait() for process in started]
        if any(codes):
            raise SystemExit(f"{commands[0][1]} ended with exit codes {codes}")
        for file in files:
            file.seek(0)
        return [file.read() for file in files]


def commands(program: Program, inputs: Sequence[Path]) -> list[list[str]]:
    """Return what to start: one command, or one for each party."""
    if not program.links_two:
        return [[*program.command, *map(str, inputs)]]
    ports = free_ports(2)
    return [
        [*program.command, str(rank), *ports, str(path), str(path.with_suffix(".out.csv"))]
        for rank, path in enumerate(inputs)
    ]


def seconds(program: Program, inputs: Sequence[Path], shared: int) -> float:
    """Run one program once; return the slower party's seconds."""
    for _ in range(ATTEMPTS):
        outputs = run_together(commands(program, inputs), program.environment)
        if outputs is not None:
            break
        print(f"{program.name} {program.curve} stalled; again", file=sys.stderr, flush=True)
    else:
        raise SystemExit(f"{program.name} {program.curve} stalled {ATTEMPTS} times")
    times = []
    for output in outputs:
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


def measure(chosen: list[Program], exponent: int, repeat: int) -> dict[Program, float]:
    """Return the best seconds of each program for two lists of 2^exponent identifiers."""
    count = 1 << exponent
    best = {program: float("inf") for program in chosen if exponent <= program.most}
    with tempfile.TemporaryDirectory() as name:
        inputs = write_lists(Path(name), count)
        for _ in range(repeat):
            for program, before in best.items():
                elapsed = seconds(program, inputs, count - count // 2)
                best[program] = min(before, elapsed)
                what = f"{program.name} {program.curve} {program.backend}".rstrip()
                print(f"2^{exponent}, {what}: {elapsed:.2f} s", file=sys.stderr, flush=True)
    return best


def main() -> None:
    """Measure, then print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--log2", type=int, nargs="+", default=[16], help="identifiers a party, as powers of two"
    )
    parser.add_argument("--repeat", type=int, default=2, help="rounds, of which the best counts")
    parser.add_argument("--only", nargs="+", help="names of programs to run")
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    arguments = parser.parse_args()
    chosen = [p for p in programs() if not arguments.only or p.name in arguments.only]
    recorder = Recorder(arguments.json)
    for exponent in arguments.log2:
        for program, elapsed in measure(chosen, exponent, arguments.repeat).items():
            backend = program.backend or ("" if program.peer else system.active_backend())
            key = {"program": program.name, "curve": program.curve, "backend": backend, "log2": exponent}
            recorder.add("psi-peers", key, {"seconds": elapsed})
    print(tables.psi_peers(recorder.rows))


if __name__ == "__main__":
    main()
