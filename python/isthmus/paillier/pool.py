"""Randomness made ahead of time."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol

from isthmus._core import paillier as _native
from isthmus.errors import InvalidArgument

DEFAULT_CAPACITY = 4096  # 4 MiB at 3072 bits


class _Key(Protocol):
    _pool: RandomizerPool | None

    @property
    def _native(self) -> _native.ResidueSource: ...


class RandomizerPool:
    """A store of randomizers that a background thread keeps filled; make one with ``key.start_pool()``.

    While it runs, encryptions and rerandomisations with that key object take their randomness from it, each
    randomizer once; when there are too few, the rest is made on the spot. What is stored is wiped when it is
    taken, and when the pool stops. A forked child takes nothing from its parent's store.

    Use it as a context manager, or call :meth:`stop`; it also stops when the interpreter exits.
    """

    __slots__ = ("__weakref__", "_native", "_running")

    _running: bool

    def __init__(self, key: _Key, capacity: int) -> None:
        if key._pool is not None and key._pool._running:
            raise InvalidArgument("this key's pool is running already")
        self._native = _native.RandomizerPool(key._native, capacity)
        self._running = True
        weakref.finalize(self, self._native.stop)
        key._pool = self

    @property
    def capacity(self) -> int:
        """The most randomizers that the pool stores."""
        return self._native.capacity

    @property
    def ready(self) -> int:
        """Randomizers in store."""
        return self._native.ready

    def stop(self) -> None:
        """End the thread and wipe the store; the key goes on without. Repeatable."""
        self._running = False
        self._native.stop()

    def __enter__(self) -> RandomizerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = f"{self.ready} of {self.capacity} ready" if self._running else "stopped"
        return f"RandomizerPool({state})"


@contextmanager
def pooled(key: _Key) -> Iterator[None]:
    """Keep a pool of the default capacity running during a block, for a key that has none.

    For runs with a peer: the time that a party waits for messages goes into its next encryptions.
    """
    if key._pool is not None and key._pool._running:
        yield
        return
    with RandomizerPool(key, DEFAULT_CAPACITY):
        yield


def residue_source(key: _Key) -> _native.ResidueSource:
    """Return what draws the key's randomness: its pool while one runs, else the key itself."""
    return key._native if key._pool is None or not key._pool._running else key._pool._native
