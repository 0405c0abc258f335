"""A bounded queue from the thread that generates to the task that reads, on any event loop."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
from anyio.lowlevel import current_token

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


class Channel(Generic[T]):
    """Made anywhere, before any event loop runs; one thread writes, one task reads, as an asynchronous iterator.

    The bound holds back a thread as long as somebody reads. Before that everything is kept, so that a program which
    generates first and reads later does not wait for itself; and after a time-out, so that a thread does not wait for
    a reader who has gone.
    """

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[T | _End] = deque()
        self._changed = threading.Condition()
        self._wake: Callable[[], object] | None = None
        self._is_read = False
        self._is_left = False

    def put(self, item: T) -> None:
        """Add an item; waits while the queue is full. After `leave` items are dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_left or not self._is_read or len(self._items) < self._bound)
            self._add(item)

    def finish(self, error: BaseException | None = None) -> None:
        """End the iteration here, or with this error. Never waits."""
        with self._changed:
            self._add(_End(error))

    def leave(self) -> None:
        """Stop reading: nobody waits any more, and what comes is dropped."""
        with self._changed:
            self._is_left = True
            self._items.clear()
            self._changed.notify_all()

    def __aiter__(self) -> Channel[T]:
        return self

    async def __anext__(self) -> T:
        return await self.get()

    async def get(self, timeout: float | None = None) -> T:
        """Wait for the next item, `timeout` seconds at most.

        Raises:
            StopAsyncIteration: the iteration has ended.
            TimeoutError: nothing has come in time. Nothing is lost by it.
        """
        item = self._take()
        if item is None and timeout is not None:
            with anyio.move_on_after(timeout):
                item = await self._wait()
            if item is None:
                self._pause()
                raise TimeoutError(f"no text has come for {timeout:g} s")
        elif item is None:
            item = await self._wait()
        if isinstance(item, _End):
            raise item.error or StopAsyncIteration
        return item

    async def _wait(self) -> T | _End:
        while True:
            await self._event.wait()
            if (item := self._take()) is not None:
                return item

    def _pause(self) -> None:
        with self._changed:
            self._is_read, self._wake = False, None
            self._changed.notify_all()

    def _take(self) -> T | _End | None:
        with self._changed:
            self._is_read = True
            if self._is_left:
                return _End(None)
            if self._items:
                self._changed.notify_all()
                return self._items.popleft()
            self._event = anyio.Event()
            self._wake = _waker(self._event)
            return None

    def _add(self, item: T | _End) -> None:
        if self._is_left:
            return
        self._items.append(item)
        self._call_reader()

    def _call_reader(self) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            with suppress(RuntimeError):  # its loop has ended, so nobody waits
                wake()


def _waker(event: anyio.Event) -> Callable[[], object]:
    """Return a function that sets the event from another thread without waiting for the loop, as anyio's own does."""
    native: Any = current_token().native_token
    soon = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
    return lambda: soon(event.set)
