"""Randomness made ahead of time."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from isthmus._core import paillier as _native
from isthmus.errors import InvalidArgument

DEFAULT_CAPACITY = 4096


class _Key(Protocol):
    _pool: RandomizerPool | None

    @property
    def _native(self) -> _native.ResidueSource: ...


class RandomizerPool:
    """A store of randomizers that a background thread keeps filled; make one with ``key.start_pool()``.

    While it runs, encryptions and rerandomisations with that key object take their randomness from it, each
    randomizer once; when there are too few, the rest is made on the spot. What is stored is wiped when it is
    taken, and when the pool stops. A forked child takes nothing from its parent's store.

    Use it as a context manager, or call :meth:`stop`.
    """

    __slots__ = ("_native", "_running")

    _running: bool

    def __init__(self, key: _Key, capacity: int) -> None:
        if key._pool is not None and key._pool._running:
            raise InvalidArgument("this key's pool is running already")
        self._native = _native.RandomizerPool(key._native, capacity)
        self._running = True
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


def residue_source(key: _Key) -> _native.ResidueSource:
    """Return what draws the key's randomness: its pool while one runs, else the key itself."""
    return key._native if key._pool is None or not key._pool._running else key._pool._native
