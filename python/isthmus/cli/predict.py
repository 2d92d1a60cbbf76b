"""``isthmus predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def predict(
    job_file: Annotated[Path, typer.Argument(metavar="JOB.toml", help="This party's job file.")],
) -> None:
    """Score customers with a trained model; only the label holder gets the scores.

    Both parties run the command, each with its own job file and the same job
    name. At the bank:

    [cyan]party = "bank.toml"
    job = "july"
    input = { path = "bank_july.csv", id = "customer_id" }
    model = { path = "bank.model" }
    output = { scores = "scores.csv" }[/cyan]

    At the fund the same without output. docs/jobs.md describes every key.
    """
    import pyarrow as pa
    from rich.console import Console

    from isthmus.cli.inputs import read_encoder, read_rows
    from isthmus.cli.jobs import PredictJob, load_job
    from isthmus.cli.meeting import meet
    from isthmus.cli.tables import print_account
    from isthmus.errors import ConfigError
    from isthmus.models import load
    from isthmus.tables import check_writable, write_table

    job = load_job(job_file, PredictJob)
    model = load(job.model.path)
    if (model.role == "active") != (job.output.scores is not None):
        raise ConfigError("output.scores: the label holder names a file, the other party does not")
    if job.output.scores is not None:
        check_writable(job.output.scores)
    rows = read_rows(job.input)
    encoder = read_encoder(job.model.path, model.model_id)
    console = Console(stderr=True)
    with meet(job.party, job.job, console) as session:
        rows = rows.aligned(session, job.psi)
        scores = model.predict_proba(session, encoder.transform(rows.features) if encoder.names else None)
    if scores is not None and job.output.scores is not None:
        kept = [*job.input.id, *([job.input.label] if job.input.label else [])]
        write_table(rows.table.select(kept).append_column("score", pa.array(scores)), job.output.scores)
        console.print(f"wrote {len(scores):,} scores to {job.output.scores}", highlight=False, markup=False)
    print_account(console, session)
