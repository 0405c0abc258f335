"""The event loop on which the synchronous forms of one `LLMRails` run, in a thread of its own."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from handrail._call.lifetime import CALLED_FROM
from handrail._foreign import ENDS_A_PROGRAM
from handrail._stream.backend import refuse_running_loop, wake_from_anywhere
from handrail.errors import RailsClosedError

if TYPE_CHECKING:
    _Background: TypeAlias = "Background"  # the kernel's own

T = TypeVar("T")

_JOIN_SECONDS = 10.0
_CLOSED = "this LLMRails is closed; make a new one"


class Background:
    """A loop that starts with the first call and runs until it is stopped; connections stay open between calls.

    A process that was forked does not have its parent's threads, so it gets a loop of its own.
    """

    def __init__(self) -> None:
        self._loops: dict[int, _Loop] = {}  # by the process that runs them
        weakref.finalize(self, _stop_own, self._loops)

    @property
    def is_here(self) -> bool:
        """True if the code that asks runs on this loop."""
        return (loop := self._loops.get(os.getpid())) is not None and loop.thread is threading.current_thread()

    def run(self, name: str, instead: str, function: Callable[[], Awaitable[T]]) -> T:
        """Await what a function returns, on the loop, and return what comes of it.

        Args:
            name, instead: the synchronous form, and what to write where it cannot work, for the error.
            function: called on the loop.

        Raises:
            RuntimeError: an event loop runs in this thread, which this would hold up.
            RailsClosedError: the loop was stopped.
            Exception: what a loop raised that could not start; the next call tries again.
        """
        refuse_running_loop(name, instead)
        return self._own.run(function)

    def stop(self) -> None:
        """End the loop, if it runs, and wait for that; there will be no other."""
        self._own.stop()

    @property
    def _own(self) -> _Loop:
        return self._loops.setdefault(os.getpid(), _Loop())


class SyncStream(Iterator[Any]):
    """Iterates over a guarded stream from code that is not asynchronous."""

    def __init__(self, texts: AsyncIterator[Any], background: _Background) -> None:
        self._texts = texts
        self._background = background

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return self._background.run("stream_sync", "iterate over stream_async()", self._texts.__anext__)
        except StopAsyncIteration:
            pass
        raise StopIteration

    def close(self) -> None:
        """End the stream; returns when the provider is closed."""
        with suppress(RailsClosedError):  # which ends every stream
            self._background.run("close", "iterate over stream_async()", self._texts.aclose)  # type: ignore[attr-defined]  # the kernel's own iterators


class _Loop:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._end: Callable[[], None] = _nothing  # ends the loop soon; may be called in any thread, its own included
        self._failure: BaseException | None = None  # why it could not start
        self._stopped = False

    def run(self, function: Callable[[], Awaitable[T]]) -> T:
        portal, future = self._started(), None
        token = CALLED_FROM.set(threading.current_thread())
        try:
            future = portal.start_task_soon(_fenced, function)
            result = future.result()
        except BaseException as exc:
            if self._stopped and (future is None or future.cancelled()):
                raise RailsClosedError(_CLOSED) from None
            if future is not None and not isinstance(exc, Exception):  # Ctrl-C, while this waits
                future.cancel()
            raise
        finally:
            CALLED_FROM.reset(token)
        if isinstance(result, _Fatal):
            raise result.error
        return result

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            portal, self._portal = self._portal, None
            if portal is not None and self.thread is not None:
                self._end()
                if _may_wait() and self.thread is not threading.current_thread():
                    self.thread.join(_JOIN_SECONDS)

    def _started(self) -> BlockingPortal:
        with self._lock:
            if self._stopped:
                raise RailsClosedError(_CLOSED)
            if self._portal is None:
                ready = threading.Event()
                self._failure = None
                self.thread = threading.Thread(target=self._live, args=(ready,), name="handrail", daemon=True)
                self.thread.start()
                ready.wait()
            if self._failure is not None:
                raise self._failure
            return self._portal  # type: ignore[return-value]  # the thread has set it

    def _live(self, ready: threading.Event) -> None:
        try:
            anyio.run(self._serve, ready)
        except BaseException as exc:  # noqa: BLE001  # raised in the thread that waits for the loop
            self._failure = exc
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        async with BlockingPortal() as portal:
            wake, self._end = wake_from_anywhere()
            self._portal = portal
            ready.set()
            await wake
            await portal.stop(cancel_remaining=True)


class _Fatal:
    """What a rail or a provider raised to end the program, which must not end the loop first."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


async def _fenced(function: Callable[[], Awaitable[T]]) -> T | _Fatal:
    try:
        return await function()
    except ENDS_A_PROGRAM as exc:
        return _Fatal(exc)


def _nothing() -> None:
    """Do nothing: no loop runs yet."""


def _may_wait() -> bool:
    """Return whether no loop runs here, which waiting would hold up: the garbage collector may call from anywhere."""
    try:
        refuse_running_loop("close", "await aclose()")
    except RuntimeError:
        return False
    return True


def _stop_own(loops: dict[int, _Loop]) -> None:
    if (loop := loops.get(os.getpid())) is not None:
        loop.stop()
