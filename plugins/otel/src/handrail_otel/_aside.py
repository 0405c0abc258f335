"""A thread beside the event loop that ends spans whose contents take longer than a loop may be held."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail_otel import _names as names

if TYPE_CHECKING:
    from opentelemetry.trace import Span

logger = logging.getLogger("handrail.otel")

_MOST_WAITING = 1000  # spans
_CLOSE_SECONDS = 10.0  # that what waits may take once this is closed


@dataclass(frozen=True, slots=True, repr=False)
class Ended:
    """A request that has ended, in nanoseconds since the epoch, and whose span has not."""

    span: Span
    prompt: str
    completion: str
    at: int | None

    def leave_out(self, why: str) -> None:
        """End the span without contents, and say why."""
        self.span.set_attribute(names.LEFT_OUT, why)
        self.span.end(self.at)


class Aside:
    """Ends spans, in order, in a thread that is started with the first of a process.

    Threads do not survive a fork, and what waits there is the parent's: a forked process has a thread of its own.

    Args:
        end: ends one.
    """

    def __init__(self, end: Callable[[Ended], None]) -> None:
        self._end = end
        self._workers: dict[int, _Worker] = {}  # by process

    def put(self, ended: Ended) -> None:
        """Have a span ended; without its contents if too many wait."""
        worker = self._workers.get(os.getpid()) or self._workers.setdefault(os.getpid(), _Worker(self._end))
        worker.put(ended)

    def close(self) -> None:
        """End the spans that wait, without their contents once that has taken too long."""
        if (worker := self._workers.pop(os.getpid(), None)) is not None:
            worker.close()


class _Worker:
    def __init__(self, end: Callable[[Ended], None]) -> None:
        self._end = end
        self._waiting: queue.Queue[Ended | None] = queue.Queue(_MOST_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, ended: Ended) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="handrail-otel", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait(ended)
        except queue.Full:
            ended.leave_out("too many wait")

    def close(self) -> None:
        if self._thread is None:
            return
        ends_at = time.monotonic() + _CLOSE_SECONDS
        with suppress(queue.Full):
            self._waiting.put(None, timeout=_CLOSE_SECONDS)
        self._thread.join(max(ends_at - time.monotonic(), 0))
        if self._thread.is_alive():  # a rail that hangs, or very much to mask
            self._leave_out()

    def _leave_out(self) -> None:
        """End the spans that wait without contents, and have the thread end after the one that it is at."""
        with suppress(queue.Empty):
            while True:
                if (ended := self._waiting.get_nowait()) is not None:
                    ended.leave_out("no time left")
        self._waiting.put(None)

    def _run(self) -> None:
        while (ended := self._waiting.get()) is not None:
            try:
                self._end(ended)
            except Exception as exc:  # noqa: BLE001  # of the program's own exporters; the spans after it are ended
                logger.warning("the span of a request could not be ended: %s", type(exc).__name__)
