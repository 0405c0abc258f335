"""When a call begins and ends, what ends it from outside, and the calls of one `LLMRails` that run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from threading import Thread

import anyio

from handrail._stream.backend import (
    call_at,
    ended_loop,
    no_task,
    running_clock,
    running_task,
    scheduler,
    wake_from_anywhere,
)
from handrail._stream.runner import Cut
from handrail._stream.source import CLOSE_SECONDS
from handrail._turn import deadline_at
from handrail.errors import InvalidRequestError, RailsClosedError, StreamClosedError, TimedOut

_MOST_SECONDS = 10**15
_LOOK_AGAIN = 1.0  # seconds after which it is looked whether a loop has ended that had calls left

CALLED_FROM: ContextVar[Thread | None] = ContextVar("handrail_called_from", default=None)
"""The thread that waits, without a loop of its own, for what runs."""

_inside: ContextVar[tuple[Lifetime, ...]] = ContextVar("handrail_calls", default=())


class RunningCalls:
    """The calls of one `LLMRails`, in whatever threads and loops; once it closes, none begins any more."""

    def __init__(self) -> None:
        self._running: dict[Lifetime, None] = {}
        self._waiting: list[Callable[[], None]] = []
        self._closed = False

    def refuse_if_closed(self) -> None:
        """Raise if no call may begin.

        Raises:
            RailsClosedError: none may.
        """
        if self._closed:
            raise RailsClosedError("this LLMRails is closed; make a new one")

    def add(self, call: Lifetime) -> None:
        """Let a call run.

        Raises:
            RailsClosedError: none may begin any more.
        """
        self.refuse_if_closed()
        self._running[call] = None

    def remove(self, call: Lifetime) -> None:
        """Record that a call has ended."""
        self._running.pop(call, None)
        if not self._running:
            waiting, self._waiting = self._waiting, []
            for wake in waiting:
                wake()

    async def drain(self, seconds: float | None) -> None:
        """Refuse new calls, and wait for those that run; cut what still runs after so many seconds.

        A call that the caller's own task or thread has begun cannot end while it waits here, so it is cut at once.

        Raises:
            StreamClosedError: a rail or a provider of a call that runs asks for this; that call is cut.
            InvalidRequestError: the seconds are no number; nothing changes.
        """
        _refuse_no_number("drain", seconds)
        self._closed = True
        mine = [call for call in tuple(self._running) if call.is_mine]
        for call in mine:
            call.cut()
        if any(call.is_around for call in mine):
            raise StreamClosedError("a rail or a provider cannot close the LLMRails of the call that it is part of")
        with anyio.move_on_after(math.inf if seconds is None else seconds) as scope:
            await self._wait()
        if scope.cancelled_caught:
            for call in tuple(self._running):
                call.cut()
            with anyio.move_on_after(CLOSE_SECONDS):
                await self._wait()

    async def _wait(self) -> None:
        while self._drop_stranded():
            wake, wake_soon = wake_from_anywhere()
            self._waiting.append(wake_soon)
            with anyio.move_on_after(_LOOK_AGAIN):
                if self._running:  # else the last has ended before this waited
                    await wake

    def _drop_stranded(self) -> bool:
        """Forget calls whose loop has ended, which nothing can end any more; return whether others run."""
        for call in tuple(self._running):
            if call.is_stranded:
                self._running.pop(call, None)
        return bool(self._running)


class Lifetime:
    """The time from the beginning of a call to its end.

    Args:
        running: the calls among which it is.
        timeout: after how many seconds it ends as `TimedOut`.

    Attributes:
        deadline: when that is, on the clock of its loop.

    Raises:
        InvalidRequestError: the timeout is not a positive number.
    """

    def __init__(self, running: RunningCalls, timeout: float | None = None) -> None:
        _refuse_no_number("timeout", timeout)
        if timeout is not None and timeout <= 0:
            raise InvalidRequestError(f"'timeout' is {timeout}; it must be more than 0 seconds")
        self.deadline = math.inf
        self.timeout = timeout
        self._running = running
        self._task: Callable[[], object] = no_task
        self._thread: Thread | None = None
        self._call_off: Callable[[], None] | None = None

    def begin(self, stop: Cut, is_inside: Callable[[], bool] | None = None) -> None:
        """Begin the call, on the loop and in the task that run now.

        Args:
            stop: ends it with an error, soon; called on its loop.
            is_inside: says whether the code that asks is part of the call.

        Raises:
            RailsClosedError: no call may begin any more.
        """
        self._running.add(self)
        self._stop, self._is_inside = stop, is_inside
        self._soon, self._is_over = scheduler(), ended_loop()
        self._task, self._thread = running_task(), CALLED_FROM.get()
        if self.timeout is not None:
            self.deadline = running_clock()() + self.timeout
            self._call_off = call_at(self.deadline, self._expire)

    def end(self) -> None:
        """End the call; more than once is harmless."""
        call_off, self._call_off = self._call_off, None
        if call_off is not None:
            call_off()
        self._stop, self._is_inside = _nothing, None  # what they end holds on to this
        self._running.remove(self)

    @contextmanager
    def around(self) -> Iterator[None]:
        """Run the call in the caller's own task, and end it with the block.

        Raises:
            TimedOut: its time was over.
            RailsClosedError: the `LLMRails` is closed, or was while it ran.
        """
        scope, errors = anyio.CancelScope(), list[Exception]()

        def stop(error: Exception) -> None:
            errors.append(error)
            scope.cancel()

        self.begin(stop)
        token = _inside.set((*_inside.get(), self))
        try:
            with deadline_at(self.deadline), scope:
                yield
        finally:
            self.end()
            _inside.reset(token)
        if scope.cancelled_caught:
            raise errors[0]

    def cut(self) -> None:
        """End the call because the `LLMRails` closes, soon; may be called in any thread."""
        self._soon(partial(self._stop, RailsClosedError("the LLMRails was closed while this call ran")))

    @property
    def is_stranded(self) -> bool:
        """True if its loop has ended."""
        return self._is_over()

    @property
    def is_around(self) -> bool:
        """True if the code that asks is part of the call."""
        return self in _inside.get() or (self._is_inside is not None and self._is_inside())

    @property
    def is_mine(self) -> bool:
        """True if the task that asks has begun the call, or is part of it; or the thread that waits for that task."""
        if self._thread is not None and self._thread is CALLED_FROM.get():
            return True
        beginner = self._task()
        return self.is_around or (beginner is not None and beginner is running_task()())

    def _expire(self) -> None:
        self._call_off = None
        self._stop(TimedOut(f"the call did not end within {self.timeout:g} seconds"))


def _refuse_no_number(name: str, seconds: float | None) -> None:
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidRequestError(f"{name!r} must be a number of seconds, not {type(seconds).__name__}")
    if seconds != seconds:  # math.isnan takes no int that is too large for a float
        raise InvalidRequestError(f"{name!r} is not a number; it must be some seconds")
    if isinstance(seconds, int) and abs(seconds) > _MOST_SECONDS:
        raise InvalidRequestError(f"{name!r} is more seconds than any clock counts; pass None to wait without a limit")


def _nothing(error: Exception) -> None:
    """Do nothing about a call that has ended."""
