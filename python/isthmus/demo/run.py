"""Runs the demo: two processes on loopback, then the comparison in the clear."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from isthmus import party
from isthmus.data import DemoSplit, split_for_demo
from isthmus.demo.baselines import Baseline, baseline
from isthmus.demo.families import FAMILIES
from isthmus.demo.parties import Account, take_part
from isthmus.demo.result import DemoResult, ModelResult
from isthmus.errors import InvalidArgument
from isthmus.evaluate import Learned, binary_report
from isthmus.protocol.machine import Progress
from isthmus.tables import write_table

ACTIVE, PASSIVE = "bank", "fund"


@dataclass(frozen=True)
class DemoOptions:
    """What to run.

    Parameters
    ----------
    data : str
        A name of :data:`isthmus.data.NAMES`.
    rows : int, optional
        Customers in all; both parties hold nine tenths of them. Every customer by default.
    key_bits : int
        Paillier modulus: 2048 or 3072.
    fast_keys : bool
        Use fast keys.
    models : tuple of str
        Any of ``"logistic"`` and ``"gbdt"``.
    """

    data: str = "credit-default"
    rows: int | None = None
    key_bits: int = 2048
    fast_keys: bool = False
    models: tuple[str, ...] = tuple(FAMILIES)

    def __post_init__(self) -> None:
        if self.key_bits not in (2048, 3072):
            raise InvalidArgument("key_bits must be 2048 or 3072")
        if not self.models or any(name not in FAMILIES for name in self.models):
            raise InvalidArgument(f"models must be some of: {', '.join(FAMILIES)}")


def run(
    options: DemoOptions = DemoOptions(), on_progress: Callable[[str, Progress], None] | None = None
) -> DemoResult:
    """Align, train and score across two processes, then compare with what one table in the clear would give.

    ``on_progress`` is called with the party's name, or ``"comparison"``, and its progress.
    """
    started = time.monotonic()
    split = split_for_demo(options.data, rows=options.rows)
    with tempfile.TemporaryDirectory(prefix="isthmus-demo-") as folder:
        work = {
            name: partial(
                take_part,
                path=_own_file(Path(folder), name, table),
                models=options.models,
                key_bits=options.key_bits,
                fast_keys=options.fast_keys,
            )
            for name, table in ((ACTIVE, split.active), (PASSIVE, split.passive))
        }
        accounts = party.run_local(work, on_progress=on_progress)
    seconds = time.monotonic() - started
    baselines = {}
    for done, name in enumerate(options.models):
        if on_progress is not None:
            on_progress("comparison", Progress("compare in the clear", done, len(options.models)))
        baselines[name] = baseline(name, split)
    return _assemble(options, split, accounts, baselines, seconds)


def _own_file(folder: Path, name: str, table: pa.Table) -> Path:
    """Write one party's table into its own folder, which only its process opens."""
    (folder / name).mkdir(mode=0o700)
    path = folder / name / "customers.parquet"
    write_table(table, path)
    return path


def _assemble(
    options: DemoOptions,
    split: DemoSplit,
    accounts: dict[str, Account],
    baselines: dict[str, Baseline],
    seconds: float,
) -> DemoResult:
    bank, fund = accounts[ACTIVE], accounts[PASSIVE]
    assert bank.held_out_labels is not None
    models = []
    for name in options.models:
        compared = baselines[name]
        federated = binary_report(bank.held_out_labels, bank.scores[name])
        models.append(ModelResult(FAMILIES[name].title, compared.alone, federated, compared.pooled))
    held_out = len(bank.held_out_labels)
    return DemoResult(
        dataset=split.dataset,
        key_bits=options.key_bits,
        fast_keys=options.fast_keys,
        shared_customers=bank.shared,
        training_customers=bank.shared - held_out,
        held_out_customers=held_out,
        seconds=seconds,
        models=tuple(models),
        stages=tuple(bank.stages),
        learned=(
            Learned(ACTIVE, _holds(bank) + ", and the labels", _own_facts(bank, ACTIVE, PASSIVE)),
            Learned(PASSIVE, _holds(fund), _own_facts(fund, PASSIVE, ACTIVE)),
        ),
    )


def _own_facts(account: Account, party: str, peer: str) -> tuple[str, ...]:
    """What this party learned, from the audit record that says what both did."""
    own = (fact for fact in account.disclosures if not fact.startswith(f"{peer} learned "))
    return tuple(fact.removeprefix(f"{party} learned ") for fact in own)


def _holds(account: Account) -> str:
    return f"holds {account.columns} columns about {account.rows:,} customers"
