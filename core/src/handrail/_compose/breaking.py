"""How a model that is down or slow is spared: so many requests at once, and none for a while after so many failures.

What counts is shared by all calls of an `LLMRails`, in whatever threads and loops they run.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from handrail._stream.backend import Wake, ended_loop, wake_from_anywhere
from handrail._turn import is_late
from handrail.errors import (
    AnswerTooLongError,
    ModelUnavailableError,
    ProviderBadRequestError,
    ProviderContentFilterError,
)

if TYPE_CHECKING:
    from handrail.config import BreakerConfig

clock = time.monotonic
"""Seconds; loops have clocks of their own, and a breaker serves several."""

_OF_THE_REQUEST = (AnswerTooLongError, ProviderBadRequestError, ProviderContentFilterError)


def is_down(error: Exception) -> bool:
    """Return whether an error says that a model is not there, rather than that a request is at fault.

    What a user can bring about by what they write must not keep a judge from being asked.
    """
    return not isinstance(error, _OF_THE_REQUEST)


class Breaker:
    """Refuses requests after so many failures in a row, and lets one through after a while, to see.

    Args:
        settings: how many, and how long.
        name: of the model, for the error.

    Attributes:
        settings: as they were passed.
    """

    def __init__(self, settings: BreakerConfig, name: str) -> None:
        self.settings = settings
        self._name = name
        self._lock = Lock()
        self._failures = 0
        self._closed_until = 0.0  # when the next request may be made, once it is open
        self._probing = False

    def refuse_if_open(self) -> None:
        """Raise if no request may be made now.

        Raises:
            ModelUnavailableError: none may.
        """
        with self._lock:
            self._refuse_if_open()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Let one request be made in the block, and take note of how it ends.

        Raises:
            ModelUnavailableError: none may be made now.
        """
        with self._lock:
            self._refuse_if_open()
            self._probing = self._is_open
        try:
            yield
        except Exception as exc:
            self._end(failed=is_down(exc))
            raise
        except BaseException:  # cancelled: because it was too slow, or because nobody wants the answer any more
            self._end(failed=True if is_late() else None)
            raise
        self._end(failed=False)

    @property
    def _is_open(self) -> bool:
        return self._failures >= self.settings.failures

    def _refuse_if_open(self) -> None:
        left = self._closed_until - clock()
        if self._is_open and (left > 0 or self._probing):
            when = f"in {left:.0f} seconds" if left > 0 else "once a first request has come back"
            raise ModelUnavailableError(
                f"model {self._name!r} has failed {self._failures} times in a row; it is asked again {when}"
            )

    def _end(self, *, failed: bool | None) -> None:
        """Record how a request has ended; None if that says nothing."""
        with self._lock:
            self._probing = False
            if failed is None:
                return
            self._failures = self._failures + 1 if failed else 0
            if self._is_open:
                self._closed_until = clock() + self.settings.seconds


@dataclass(slots=True)
class _Waiter:
    turn: Wake
    give_turn: Callable[[], None]
    is_over: Callable[[], bool]
    has_slot: bool = False


class Slots:
    """Lets so many requests run at once, first come, first served, in whatever loops they run.

    Attributes:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self.count = self._free = count
        self._lock = Lock()
        self._waiting: deque[_Waiter] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a slot, and hold it in the block."""
        await self._take()
        try:
            yield
        finally:
            self._give()

    async def _take(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            waiter = _Waiter(*wake_from_anywhere(), ended_loop())
            self._waiting.append(waiter)
        try:
            await waiter.turn
        except BaseException:  # cancelled, perhaps with a slot that it will not use
            with self._lock:
                if not waiter.has_slot:
                    self._waiting.remove(waiter)
                    raise
            self._give()
            raise

    def _give(self) -> None:
        with self._lock:
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.is_over():
                    waiter.has_slot = True
                    waiter.give_turn()
                    return
            self._free += 1
