"""What differs between asyncio and trio, looked up once for a stream instead of at every use."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import anyio


def on_asyncio() -> bool:
    """Tell whether asyncio runs the caller; otherwise trio does."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def running_clock() -> Callable[[], float]:
    """Give the clock of the running event loop, in seconds: the one of `anyio.current_time()`."""
    if on_asyncio():
        return asyncio.get_running_loop().time
    import trio

    return trio.current_time


class Wake(Protocol):
    """What one task waits for, once."""

    def set(self) -> None:
        """Let it go on."""

    def wait(self) -> Awaitable[object]:
        """Give what is to be awaited."""


class _FutureWake:
    """On asyncio a future alone, whose wait and wake-up cost a third of those of an event."""

    __slots__ = ("_future",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._future = loop.create_future()

    def set(self) -> None:
        if not self._future.done():  # its task may have been cancelled
            self._future.set_result(None)

    def wait(self) -> Awaitable[object]:
        return self._future


def wake_factory() -> Callable[[], Wake]:
    """Give what makes wake-ups on the running event loop."""
    if on_asyncio():
        return partial(_FutureWake, asyncio.get_running_loop())
    return type(anyio.Event())


def refuse_running_loop(name: str) -> None:
    """Raise if an event loop runs here, in which a synchronous form cannot work.

    Raises:
        RuntimeError: a loop is running.
    """
    try:
        anyio.get_current_task()
    except anyio.NoEventLoopError:
        return
    raise RuntimeError(f"{name}() was called inside a running event loop; await {name}_async() there")
