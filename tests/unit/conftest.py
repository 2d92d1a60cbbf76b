"""Runs calls of the core on every backend that this machine has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from isthmus._core import system


def _force(backend: str) -> None:
    os.environ["ISTHMUS_BACKEND"] = backend
    assert system.active_backend() == backend


@pytest.fixture(scope="module", params=system.available_backends())
def on_backend(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Return ``call(function, *arguments)``, which calls in a process of the backend that this run is for.

    The function must be importable, and its arguments and result picklable.
    """
    with ProcessPoolExecutor(1, get_context("spawn"), _force, (request.param,)) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()
