"""What something does to others on its event loop: calls that block, time in which nothing else runs, tasks left."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio
import anyio.lowlevel
from anyio.abc import TaskStatus

LONGEST = 0.02
"""Seconds for which nothing else may run, each time that something is asked for anew."""

TRIES = 6
"""How many times it must take too long; other work of the machine does not hit all of them."""


async def blocking_calls(ask: Callable[[], Awaitable[object]]) -> list[str]:
    """Return the calls that block, of those made in the event loop's thread while something is awaited."""
    found: dict[str, None] = {}

    def profile(frame: FrameType, event: str, function: object) -> None:
        if event == "c_call" and (name := _name_of_blocking(function)):
            found[f"{name}() in {frame.f_code.co_filename}:{frame.f_lineno}"] = None

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        await ask()
    finally:
        sys.setprofile(before)
    return list(found)


def _name_of_blocking(function: object) -> str | None:
    if function is time.sleep:
        return "time.sleep"
    owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
    waits = isinstance(owner, socket.socket) and name in _OF_SOCKETS and owner.gettimeout() != 0
    return f"socket.{name}" if waits else None


_OF_SOCKETS = {"accept", "connect", "recv", "recv_into", "recvfrom", "recvmsg", "send", "sendall", "sendto", "sendmsg"}


async def shortest_standstill(ask: Callable[[], Awaitable[object]]) -> float:
    """Return for how many seconds nothing else can run while something is awaited, at the best of several tries.

    The time for which the thread waits for a processor, because the machine does other work, does not count where the
    system tells it.
    """
    shortest = float("inf")
    for _ in range(TRIES):
        shortest = min(shortest, await _standstill(ask))
        if shortest <= LONGEST:
            break
    return shortest


async def _standstill(ask: Callable[[], Awaitable[object]]) -> float:
    with _own_time() as clock:
        longest, last, done = 0.0, clock(), False

        async def beat(*, task_status: TaskStatus[None]) -> None:
            nonlocal longest, last
            task_status.started()
            while not done:
                await anyio.lowlevel.checkpoint()
                now = clock()
                longest, last = max(longest, now - last), now

        async with anyio.create_task_group() as tasks:
            await tasks.start(beat)  # trio starts tasks in any order
            await ask()
            done = True
    return longest


@contextmanager
def _own_time() -> Iterator[Callable[[], float]]:
    """Yield a clock, in seconds, that stands still while this thread waits for a processor, if the system tells."""
    try:
        file = os.open(_STATISTICS, os.O_RDONLY)
    except OSError:
        yield time.perf_counter
        return
    try:
        yield lambda: time.perf_counter() - int(os.pread(file, 100, 0).split()[1]) / 1e9
    finally:
        os.close(file)


_STATISTICS = "/proc/thread-self/schedstat"  # nanoseconds on a processor, and in wait for one


def running_tasks() -> dict[object, str]:
    """Return the names of the loop's tasks by what they run, but for the kernel's own, which end a moment after.

    Not by their ids: those of a task that has ended may soon be another's.
    """
    return {task.coro: str(task.name) for task in anyio.get_running_tasks() if task.name != _OF_THE_KERNEL}


_OF_THE_KERNEL = "handrail stream"
