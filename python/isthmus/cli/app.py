"""The ``isthmus`` command: one sub-command per file beside this one.

Nothing heavy is imported here, so that ``--help`` answers at once; each command imports what it needs when it
runs.
"""

from __future__ import annotations

import logging
import signal
import sys
from typing import Annotated

import typer

from isthmus.cli import bench, demo, evaluate, keygen, party, predict, psi, psi_star, train, version
from isthmus.cli.failure import Verbosity, guarded

_EPILOG = (
    "Start with: isthmus demo. Two real institutions: isthmus party init on each side, exchange "
    "certificates, isthmus party trust, then the same command on both sides."
)

app = typer.Typer(
    name="isthmus",
    help="Two institutions, one model, no shared rows.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Log what happens, and print a traceback on failure.")
    ] = False,
) -> None:
    """Two institutions, one model, no shared rows.

    isthmus finds the customers that two parties share, trains and scores
    models across the columns of both, and lets neither see the other's rows.
    """
    Verbosity.debug = debug
    if debug:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    else:  # a failure is told once, by the command itself
        logging.getLogger("isthmus").addHandler(logging.NullHandler())


app.command("demo")(guarded(demo.demo))
psis = typer.Typer(no_args_is_help=True, help=psi.HELP, rich_markup_mode="rich")
psis.command("run")(guarded(psi.run))
psis.command("star")(guarded(psi_star.star))
app.add_typer(psis, name="psi", short_help="Find the customers that two or more parties share.")
app.command("train")(guarded(train.train))
app.command("predict")(guarded(predict.predict))
app.command("evaluate")(guarded(evaluate.evaluate))
parties = typer.Typer(no_args_is_help=True, help="This party's identity, and the peers it trusts.")
parties.command("init")(guarded(party.init))
parties.command("trust")(guarded(party.trust))
app.add_typer(parties, name="party")
app.command("keygen")(guarded(keygen.keygen))
app.command("bench")(guarded(bench.bench))
app.command("version")(guarded(version.version))


def main() -> None:
    """Run the command line. Being asked to terminate ends a running job in good order, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app()
