"""``isthmus demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from isthmus.demo import DemoResult


def demo(
    *,
    data: Annotated[
        Literal["credit-default", "bank-marketing"], typer.Option(help="Which shipped data set.")
    ] = "credit-default",
    rows: Annotated[int | None, typer.Option(help="Customers in all; every one by default.")] = None,
    key_bits: Annotated[Literal["2048", "3072"], typer.Option(help="Paillier modulus.")] = "2048",
    fast_keys: Annotated[
        bool, typer.Option("--fast-keys", help="Use fast keys, under an assumption of their own.")
    ] = False,
    model: Annotated[
        Literal["logistic", "gbdt", "both"], typer.Option(help="Which model family to train.")
    ] = "both",
    out: Annotated[Path, typer.Option(help="Where the HTML report goes.")] = Path("isthmus-demo.html"),
) -> None:
    """Watch a bank and a fund train across both tables, on this machine.

    Two processes talk over mutual TLS on loopback. They align their customers,
    train, and score customers kept aside; then the figures stand beside those
    of the bank alone, and of one table in the clear.

    Example: [cyan]isthmus demo --rows 3000 --model gbdt[/cyan]
    """
    from rich.console import Console

    from isthmus.cli.progress import Slower, watch
    from isthmus.demo import DemoOptions, run
    from isthmus.demo.families import FAMILIES
    from isthmus.evaluate.page import check_writable

    check_writable(out)
    models = tuple(FAMILIES) if model == "both" else (model,)
    options = DemoOptions(data=data, rows=rows, key_bits=int(key_bits), fast_keys=fast_keys, models=models)
    console = Console()
    console.print("two processes, bank and fund, over mutual TLS on loopback", style="dim")
    with watch(console) as show:
        result = run(options, on_progress=Slower(show))
    _print(console, result)
    result.to_html(out)
    console.print(f"report: {out.resolve()}", highlight=False, markup=False, soft_wrap=True)


def _print(console: Console, result: DemoResult) -> None:
    from isthmus.cli.tables import results_table, stage_table

    console.print()
    console.print(
        f"{result.shared_customers:,} customers aligned, {result.training_customers:,} trained on, "
        f"{result.held_out_customers:,} held out; who {result.dataset.outcome}?",
        highlight=False,
        soft_wrap=True,
    )
    console.print(results_table(result))
    for each in result.models:
        style = "green" if each.holds else "red"
        console.print(each.verdict, style=style, highlight=False, soft_wrap=True)
    console.print()
    console.print(stage_table(result.stages))
    console.print(f"{result.seconds:.1f} s in all, without the comparison in the clear", highlight=False)
