"""Runs the demo and records what it took: ``python bench/demo.py --key-bits 2048 3072``.

Two processes train on all rows of the data set, on this machine. The models must be within the demo's own
tolerance of those of one table in the clear.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tables
from results import Recorder

from isthmus._core import system
from isthmus.demo import DemoOptions, run


def main() -> None:
    """Run the demo for each key size, then print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--key-bits", type=int, nargs="+", default=[2048, 3072])
    parser.add_argument("--rows", type=int, help="customers in all; every one by default")
    parser.add_argument("--json", type=Path, help="append the rows to this file")
    given = parser.parse_args()
    recorder = Recorder(given.json)
    for key_bits in given.key_bits:
        result = run(DemoOptions(key_bits=key_bits, rows=given.rows))
        key = {"key_bits": key_bits, "backend": system.active_backend(), "rows": given.rows}
        stages = {stage.name: stage.seconds for stage in result.stages}
        sent = sum(stage.bytes_sent + stage.bytes_received for stage in result.stages)
        if given.rows is None and not all(model.holds for model in result.models):
            raise SystemExit("a model is further from the pooled one than the demo tolerates")
        figures = {"seconds": result.seconds, "bytes": sent, "stages": stages}
        recorder.add("demo", key, {**figures, "customers": result.training_customers})
    print(tables.demo(recorder.rows))


if __name__ == "__main__":
    main()
