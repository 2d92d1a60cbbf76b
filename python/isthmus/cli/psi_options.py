"""Options that ``isthmus psi run`` and ``isthmus psi star`` share.

Those that all parties must give alike stand under a heading that says how many parties there are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

OWN = "This party"
MACHINE = "This machine"

Suite = Literal["ristretto255", "X25519", "P-256", "SM2"]

Input = Annotated[
    Path, typer.Option(help="This party's table: .csv, .csv.gz, .parquet or .arrow.", rich_help_panel=OWN)
]

Memory = Annotated[
    str,
    typer.Option(
        help="Memory for the lists; more goes to disk, encrypted, beside --out or else the party file.",
        rich_help_panel=MACHINE,
    ),
]


def job_option(heading: str) -> Any:
    """Return the option that names the run."""
    return typer.Option(help="Name of this run.", rich_help_panel=heading)


def min_result_option(heading: str) -> Any:
    """Return the option for the smallest intersection that is released."""
    return typer.Option(min=0, help="Release nothing if fewer customers are shared.", rich_help_panel=heading)


def suite_option(heading: str) -> Any:
    """Return the option for the group."""
    return typer.Option(help="Group that identifiers are hashed to.", rich_help_panel=heading)
