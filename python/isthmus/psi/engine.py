"""Where batches are computed: on this machine, beside the thread that talks to the peer."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from isthmus.protocol.matching import BatchWork, Bytes2d

_DEPTH = 3


class LocalEngine:
    """Computes batches in order on a thread of its own; each batch uses all of the core's threads.

    While it computes, the other thread takes messages, keeps what arrived and sends what is ready.
    """

    depth = _DEPTH

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="isthmus-batches")

    def submit(self, work: BatchWork, batch: Bytes2d) -> Future[Bytes2d]:
        """Queue one batch."""
        return self._pool.submit(work, batch)

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
