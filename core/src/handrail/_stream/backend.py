"""What differs between asyncio and trio, looked up once for a stream instead of at every use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

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


def event_factory() -> Callable[[], anyio.Event]:
    """Give what makes events for the running event loop."""
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
