"""``isthmus train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def train(
    job_file: Annotated[Path, typer.Argument(metavar="JOB.toml", help="This party's job file.")],
) -> None:
    """Train a model with the other party; each keeps its own half.

    Both parties run the command, each with its own job file and the same job
    name. The party whose file names a label is the label holder. At the bank:

    [cyan]party = "bank.toml"
    job = "june"
    input = { path = "bank.csv", id = "customer_id", label = "defaulted" }
    model = { kind = "logistic" }
    output = { model = "bank.model" }[/cyan]

    At the fund the same without a label. docs/jobs.md describes every key.
    """
    from rich.console import Console

    from isthmus.cli.estimators import make_model
    from isthmus.cli.inputs import read_rows, write_encoder
    from isthmus.cli.jobs import TrainJob, load_job
    from isthmus.cli.meeting import meet
    from isthmus.cli.tables import print_account
    from isthmus.evaluate.page import check_writable
    from isthmus.prep import OneHotEncoder

    job = load_job(job_file, TrainJob)
    check_writable(job.output.model)
    rows = read_rows(job.input)
    model = make_model(job.model)
    encoder = OneHotEncoder()
    console = Console(stderr=True)
    with meet(job.party, job.job, console) as session:
        rows = rows.aligned(session, job.psi)
        features = encoder.fit_transform(rows.features) if rows.features.num_columns else None
        model.fit(session, features, rows.labels)
    write_encoder(job.output.model, model.model_id, encoder)
    model.save(job.output.model)
    print_account(console, session)
    console.print(f"trained on {rows.table.num_rows:,} customers as the {model.role} party", highlight=False)
    console.print(f"this party's half: {job.output.model}", highlight=False, markup=False)
