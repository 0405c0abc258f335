"""Runs answers so that Ctrl-C stops them and nothing else."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import anyio
from anyio.from_thread import start_blocking_portal

from handrail_cli._exit import ExitCode

if TYPE_CHECKING:
    from types import TracebackType

T = TypeVar("T")

_TICK = 0.5  # seconds; some systems deliver Ctrl-C only between two waits
_PATIENCE = 1.0  # seconds in which what is stopped may end before the person is told to wait


class StuckError(Exception):
    """Ctrl-C came a second time before what the first one stopped had ended."""


class Runner:
    """An event loop in a thread of its own, for as long as the `with` block lasts.

    The loop outlives a single answer, so that providers keep their connections. Ctrl-C reaches the thread that waits,
    which cancels the answer and waits for it to be closed.

    Args:
        on_slow_stop: called when what was stopped has not ended for a second.
    """

    def __init__(self, on_slow_stop: Callable[[], None]) -> None:
        self._on_slow_stop = on_slow_stop
        self._exits = ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        portal = self._exits.enter_context(start_blocking_portal("asyncio"))
        self._loop = portal.call(_running_loop)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exits.__exit__(exc_type, exc, traceback)

    def run(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Run to the end; return None if Ctrl-C stopped it.

        Raises:
            StuckError: Ctrl-C came twice, and the work has not ended yet.
            Exception: what the work raises.
        """
        if self._loop is None:
            raise RuntimeError("a runner runs inside its 'with' block only")
        task = _Task(work)
        try:
            self._loop.call_soon_threadsafe(task.start)
            _wait_for(task.future)
        except KeyboardInterrupt:
            self._stop(self._loop, task)
        return task.future.result()

    def _stop(self, loop: asyncio.AbstractEventLoop, task: _Task[T]) -> None:
        try:
            loop.call_soon_threadsafe(task.stop)
            if not wait((task.future,), timeout=_PATIENCE).done:
                self._on_slow_stop()
            _wait_for(task.future)
        except KeyboardInterrupt:
            raise StuckError from None


@contextmanager
def leaving_when_stuck() -> Iterator[None]:
    """End the process although something in it does not end: the person has asked for it twice."""
    try:
        yield
    except StuckError:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ExitCode.INTERRUPTED)


class _Task(Generic[T]):
    """Work that can be stopped, also before it has begun. `start` and `stop` are called in the event loop's thread.

    Attributes:
        future: what comes of the work; None if it was stopped.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self.future: Future[T | None] = Future()
        self._work = work
        self._scope: anyio.CancelScope | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    def stop(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
        elif not self.future.done():
            self.future.set_result(None)

    async def _run(self) -> None:
        if self.future.done():
            return
        result = None
        try:
            with anyio.CancelScope() as self._scope:
                result = await self._work()
        except BaseException as error:  # noqa: BLE001  # raised where the work is waited for
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


async def _running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def _wait_for(future: Future[T]) -> None:
    while not wait((future,), timeout=_TICK).done:
        pass
