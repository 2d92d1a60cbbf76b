"""A command line in this process, and two parties that know each other."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from isthmus.cli import failure
from isthmus.cli.app import app
from tests.cli.parties import introduce, write_tables


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    """Return a function that gives ``isthmus`` its arguments."""
    runner = CliRunner()
    yield lambda *arguments, **more: runner.invoke(app, [str(a) for a in arguments], **more)
    failure.Verbosity.debug = False


@pytest.fixture
def world(run: Callable[..., Any], tmp_path: Path) -> Path:
    """Return the folder of a bank's and a fund's folders, each with a party file and a table of its own."""
    introduce(run, tmp_path)
    write_tables(tmp_path)
    return tmp_path
