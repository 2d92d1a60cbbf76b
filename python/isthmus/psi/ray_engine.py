"""Batches on a Ray cluster: the same arithmetic on many machines of one party (``pip install isthmus[ray]``).

The process that holds the session reads, orders, keeps and matches; only the batches travel, with the run's
seed, to workers that must be this party's own. Results come back in the order in which batches were given, so
the run is the same as on one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

import numpy as np

from isthmus import errors
from isthmus.items import SecretSeed
from isthmus.protocol.matching import BatchWork, Bytes2d

_PER_PROCESSOR = 2  # batches under way, so that a worker finds the next one when it has done one

# What a worker returns: the result, or the code, text and row of an error. Exceptions do not cross in one
# piece.
_Outcome = tuple[Bytes2d | None, tuple[str, str, int | None] | None]


@dataclass(frozen=True)
class _Shipped:
    """Work in a form that pickles; its repr holds no seed."""

    kind: Literal["mask", "double"]
    group: str
    seed: bytes
    domain: bytes

    def __repr__(self) -> str:
        return f"_Shipped(kind={self.kind!r}, group={self.group!r})"


def compute(shipped: _Shipped, batch: Bytes2d) -> _Outcome:
    """Do the work of one batch on one thread; runs on a worker."""
    from isthmus import _core

    _core.system.set_thread_count(1)
    work = BatchWork(shipped.kind, shipped.group, SecretSeed(shipped.seed), shipped.domain)
    try:
        return work(np.ascontiguousarray(batch)), None
    except errors.IsthmusError as error:
        return None, (error.code, str(error.args[0]), error.row)


def import_ray() -> Any:
    """Return the ray module; InvalidArgument says how to install it."""
    try:
        import ray
    except ImportError:
        raise errors.InvalidArgument("engine='ray' needs Ray: pip install 'isthmus[ray]'") from None
    return ray


class _Waiting:
    """A batch on its way."""

    def __init__(self, ray: Any, reference: Any) -> None:
        self._ray = ray
        self._reference = reference

    def result(self) -> Bytes2d:
        """Wait for the result; raises what the work raised, or ResourceError when the cluster failed."""
        try:
            found, problem = self._ray.get(self._reference)
        except self._ray.exceptions.RayError as error:
            raise errors.ResourceError(f"the Ray cluster failed: {type(error).__name__}") from None
        if problem is not None:
            code, text, row = problem
            raise errors.class_for_code(code)(text, row=row)
        result: Bytes2d = found
        return result


class RayEngine:
    """Computes batches as Ray tasks of one processor each.

    Uses the cluster that the process is connected to, or the one that ``RAY_ADDRESS`` names, or starts one on
    this machine.
    """

    def __init__(self) -> None:
        self._ray = ray = import_ray()
        if not ray.is_initialized():
            try:
                ray.init(log_to_driver=False)
            except (OSError, RuntimeError, ValueError) as error:
                raise errors.ResourceError(
                    f"no Ray cluster could be reached or started: {type(error).__name__}"
                ) from error
        self._compute = ray.remote(num_cpus=1)(compute)
        self._shipped: dict[BatchWork, Any] = {}

    @property
    def depth(self) -> int:
        """Two batches for every processor of the cluster."""
        return _PER_PROCESSOR * max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def submit(self, work: BatchWork, batch: Bytes2d) -> _Waiting:
        """Send one batch out."""
        if work not in self._shipped:
            content = _Shipped(work.kind, work.group, work.seed.reveal(), work.domain)
            self._shipped[work] = self._ray.put(content)
        return _Waiting(self._ray, self._compute.remote(self._shipped[work], batch))

    def __enter__(self) -> RayEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shipped.clear()  # the cluster forgets the seed with the last reference
