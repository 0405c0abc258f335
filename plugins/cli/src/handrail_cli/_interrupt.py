"""Runs answers so that Ctrl-C stops them and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import anyio
from anyio.from_thread import start_blocking_portal

if TYPE_CHECKING:
    from types import TracebackType

    from anyio.from_thread import BlockingPortal

T = TypeVar("T")

_TICK = 0.5  # seconds; some systems deliver Ctrl-C only between two waits


class StuckError(Exception):
    """Ctrl-C came a second time before what the first one stopped had ended."""


class Runner:
    """An event loop in a thread of its own, for as long as the `with` block lasts.

    The loop outlives a single answer, so that providers keep their connections. Ctrl-C reaches the thread that waits,
    which cancels the answer and waits for it to be closed.
    """

    def __init__(self) -> None:
        self._exits = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        self._portal = self._exits.enter_context(start_blocking_portal())
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.__exit__(exc_type, exc, traceback)

    def run(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Run to the end; give None if Ctrl-C stopped it.

        Raises:
            StuckError: Ctrl-C came twice, and the work has not ended yet.
            Exception: what the work raises.
        """
        if self._portal is None:
            raise RuntimeError("a runner runs inside its 'with' block only")
        task = _Task(work)
        future = self._portal.start_task_soon(task.run)
        try:
            _wait_for(future)
        except KeyboardInterrupt:
            self._stop(self._portal, task, future)
        return future.result()

    def _stop(self, portal: BlockingPortal, task: _Task[T], future: Future[T | None]) -> None:
        try:
            portal.start_task_soon(task.stop)
            _wait_for(future)
        except KeyboardInterrupt:
            raise StuckError from None


class _Task(Generic[T]):
    """Work that can be stopped, also before it has begun. Both methods run in the event loop's thread."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._scope: anyio.CancelScope | None = None
        self._stopped = False

    async def run(self) -> T | None:
        with anyio.CancelScope() as self._scope:
            if self._stopped:
                self._scope.cancel()
            return await self._work()
        return None

    def stop(self) -> None:
        self._stopped = True
        if self._scope is not None:
            self._scope.cancel()


def _wait_for(future: Future[T]) -> None:
    while not wait((future,), timeout=_TICK).done:
        pass
