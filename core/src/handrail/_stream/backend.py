"""What differs between asyncio and trio: wake-ups, tasks of the loop, timers, and whose a cancellation is."""

from __future__ import annotations

import asyncio
import contextlib
import math
import weakref
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from functools import partial
from typing import Any, Protocol, TypeAlias

import anyio
import anyio.lowlevel

AsyncFunction: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


def on_asyncio() -> bool:
    """Return whether asyncio runs the caller; otherwise trio does."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def running_loop() -> object:
    """Return what stands for the running event loop, for as long as it lives."""
    if on_asyncio():
        return asyncio.get_running_loop()
    import trio

    return trio.lowlevel.current_trio_token()


def running_clock() -> Callable[[], float]:
    """Return the clock of the running event loop, in seconds: the one of `anyio.current_time()`."""
    if on_asyncio():
        return asyncio.get_running_loop().time
    import trio

    return trio.current_time


def running_task() -> Callable[[], object]:
    """Return a weak reference to the task that runs; its id would be that of another once it is over."""
    if on_asyncio():
        task = asyncio.current_task()
        return no_task if task is None else weakref.ref(task)
    import trio

    return weakref.ref(trio.lowlevel.current_task())


def no_task() -> None:
    """Stand for what a loop runs outside any task."""


def cancelled_from_outside() -> bool:
    """Return whether the task that runs is being cancelled by somebody who holds it, rather than by what it awaits.

    A library that awaits a task of its own which is cancelled raises the same exception, and that is an error of it.
    """
    if anyio.current_effective_deadline() == -math.inf:
        return True
    if not on_asyncio():
        return False
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


_LONGEST_WAIT = 1.0  # seconds until whoever has its turn is taken for forgotten
_TURNS: anyio.lowlevel.RunVar[anyio.Semaphore] = anyio.lowlevel.RunVar("handrail_turns")


async def let_others_run() -> None:
    """Let all other tasks run; of those that wait here, in one loop, one goes on at a time.

    So whoever asks for little waits for one slice of a long text, however many are read, and not for one of each. One
    that is never run again, as if it was stepped by hand and forgotten, holds up nobody for longer than a second.
    """
    turns = _TURNS.get(None)
    if turns is None:
        _TURNS.set(turns := anyio.Semaphore(1))
    try:
        turns.acquire_nowait()
    except anyio.WouldBlock:
        with anyio.move_on_after(_LONGEST_WAIT) as scope:
            await turns.acquire()
        if scope.cancelled_caught:
            if _TURNS.get(None) is turns:
                _TURNS.set(anyio.Semaphore(1))
            return
    try:
        await anyio.lowlevel.checkpoint()
    finally:
        turns.release()


class Wake(Protocol):
    """What one task awaits, once. On asyncio a future, which costs a third of what an event does."""

    def done(self) -> bool:
        """Return whether it was set, or its task was cancelled."""
        ...

    def set_result(self, result: None, /) -> None:
        """Let the task go on."""
        ...

    def __await__(self) -> Generator[Any, None, None]: ...


class _TrioWake:
    def __init__(self) -> None:
        self._event = anyio.Event()

    def done(self) -> bool:
        return self._event.is_set()

    def set_result(self, result: None, /) -> None:  # noqa: ARG002  # the interface of a future
        self._event.set()

    def __await__(self) -> Generator[Any, None, None]:
        return self._event.wait().__await__()


def wake_factory() -> Callable[[], Wake]:
    """Return what makes wake-ups on the running event loop."""
    return asyncio.get_running_loop().create_future if on_asyncio() else _TrioWake


def wake_up(wake: Wake | None) -> None:
    """Let the task go on that awaits this, if one does."""
    if wake is not None and not wake.done():
        wake.set_result(None)


def wake_from_anywhere() -> tuple[Wake, Callable[[], None]]:
    """Return a wake-up of the running event loop, and what sets it soon, from any thread."""
    wake = wake_factory()()
    return wake, partial(scheduler(), partial(wake_up, wake))


def spawn(function: AsyncFunction) -> object:
    """Start a task that belongs to the loop and to nobody's task group, with the caller's context variables.

    The function begins in any case: if its task is cancelled before, it learns of that where it first waits.

    Returns:
        What has to be kept for as long as the task is to live: a loop keeps only weak references to its tasks.
    """
    if on_asyncio():
        return _Spawned(function)
    import trio

    return trio.lowlevel.spawn_system_task(function, name="handrail stream", context=copy_context())


class _Spawned:
    """A task on asyncio, which throws a function away whose task is cancelled before it begins, as by a shutdown.

    Whoever waits for what such a function does at its end would wait forever, so it begins in another task.
    """

    def __init__(self, function: AsyncFunction) -> None:
        self._function: AsyncFunction | None = function
        self._task = self._start(self._begin)
        self._task.add_done_callback(self._begin_after_all)

    def _start(self, function: AsyncFunction) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(function(), name="handrail stream")

    async def _begin(self) -> None:
        if (function := self._function) is not None:
            self._function = None
            await function()

    def _begin_after_all(self, _task: asyncio.Task[None]) -> None:
        if self._function is not None:
            self._task = self._start(self._begin_cancelled)

    async def _begin_cancelled(self) -> None:
        self._task.cancel()
        await self._begin()


def scheduler() -> Callable[[Callable[[], object]], None]:
    """Return a function that has the running loop call something soon, from any thread; once it is over, nothing."""
    if on_asyncio():
        loop = asyncio.get_running_loop()

        def soon(function: Callable[[], object]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(function)

        return soon
    import trio

    token = trio.lowlevel.current_trio_token()

    def soon_on_trio(function: Callable[[], object]) -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(function)

    return soon_on_trio


def ended_loop() -> Callable[[], bool]:
    """Return a function that says, in any thread, whether the loop that runs now has ended."""
    if on_asyncio():
        loop = asyncio.get_running_loop()
        return lambda: not loop.is_running()
    import trio

    token = trio.lowlevel.current_trio_token()

    def is_over() -> bool:
        try:
            token.run_sync_soon(lambda: None)
        except trio.RunFinishedError:
            return True
        return False

    return is_over


def call_at(when: float, function: Callable[[], None]) -> Callable[[], None]:
    """Call a function at a time on the loop's clock, in seconds; return what calls that off."""
    if on_asyncio():
        return asyncio.get_running_loop().call_at(when, function).cancel
    scope = anyio.CancelScope()

    async def wait() -> None:
        with scope:
            await anyio.sleep_until(when)
        if not scope.cancelled_caught:
            function()

    spawn(wait)
    return scope.cancel


def refuse_running_loop(name: str, instead: str) -> None:
    """Raise if an event loop runs here, in which a synchronous form cannot work; `instead` says what to write.

    Raises:
        RuntimeError: a loop is running.
    """
    try:
        anyio.get_current_task()
    except anyio.NoEventLoopError:
        return
    raise RuntimeError(f"{name}() was called inside a running event loop; {instead} there")
