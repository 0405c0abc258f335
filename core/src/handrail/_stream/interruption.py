"""Ends a generator that another task waits for, which `aclose` of Python's own cannot do."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from handrail._stream.backend import on_asyncio
from handrail._stream.runner import FROM_INSIDE
from handrail.errors import StreamClosedError

if TYPE_CHECKING:
    from handrail._stream.source import Pieces

T = TypeVar("T")

_DEEP = 1000  # how many awaits may lie between a task and the generator


class Interruption:
    """How a generator without tasks is ended from outside.

    On asyncio the task that waits for it is looked up and cancelled, and takes that back: nothing is noted for each
    item. On trio whatever the generator awaits has a cancel scope.
    """

    def __init__(self) -> None:
        self._on_asyncio = True
        self._task: asyncio.Task[Any] | None = None  # the one that was cancelled
        self._scope: anyio.CancelScope | None = None
        self._scope_task = 0
        self._wanted = self._over = False
        self._closed: anyio.Event | None = None

    def begin(self) -> None:
        """Note which loop runs."""
        self._on_asyncio = on_asyncio()

    def watch(self, pieces: Pieces | None) -> AsyncIterator[Any]:
        """Return what yields the pieces and can be interrupted."""
        if pieces is None:
            return _NoPieces()
        return pieces if self._on_asyncio else _Steps(pieces, self)

    def go_on(self) -> None:
        """Raise if the generator is to end; it was told so while it did not wait for the provider."""
        if self._wanted:
            raise _InterruptedError

    async def run(self, awaitable: Awaitable[T]) -> T:
        """Await something that can be interrupted."""
        if self._on_asyncio:
            return await awaitable
        self._scope_task = anyio.get_current_task().id
        with anyio.CancelScope() as self._scope:
            return await awaitable
        raise _InterruptedError

    def is_behind(self, error: BaseException) -> bool:
        """Return whether an error comes of `interrupt`, and take the cancellation back if so."""
        if not self._wanted:
            return False
        if self._task is None:
            return isinstance(error, _InterruptedError)
        return isinstance(error, asyncio.CancelledError) and self._task.uncancel() == 0

    def end(self) -> None:
        """Note that the generator is closed."""
        self._over = True
        if self._closed is not None:
            self._closed.set()

    async def interrupt(self, generator: AsyncGenerator[Any, None]) -> None:
        """End the generator while it runs; returns when it has closed the provider.

        Raises:
            StreamClosedError: what the generator itself runs called this.
        """
        self._wanted = True
        if self._on_asyncio:
            self._task = next(filter(lambda task: _waits_for(task, generator), asyncio.all_tasks()), None)
            if self._task is None:
                raise StreamClosedError(FROM_INSIDE)  # it does not wait, so it is running this
            self._task.cancel()
        elif self._scope is not None:
            self._scope.cancel()
            if self._scope_task == anyio.get_current_task().id:
                raise StreamClosedError(FROM_INSIDE)
        self._closed = self._closed or anyio.Event()
        if not self._over:
            with anyio.CancelScope(shield=True):
                await self._closed.wait()


class _InterruptedError(Exception):
    """Ends the wait of a generator on trio."""


class _Steps(AsyncIterator[Any]):
    def __init__(self, pieces: Pieces, interruption: Interruption) -> None:
        self._pieces = pieces
        self._interruption = interruption

    async def __anext__(self) -> Any:
        self._interruption.go_on()
        return await self._interruption.run(anext(self._pieces))


class _NoPieces(AsyncIterator[Any]):
    async def __anext__(self) -> Any:
        raise StopAsyncIteration


def _waits_for(task: asyncio.Task[Any], generator: object) -> bool:
    """Return whether a task waits for a generator: follows its awaits, of which some only `gc` can see."""
    awaited: object = task.get_coro()
    for _ in range(_DEEP):
        if awaited is generator:
            return task is not asyncio.current_task()
        if awaited is None:
            return False
        awaited = _awaited_by(awaited)
    return False


def _awaited_by(waiting: object) -> object:
    for name in ("cr_await", "ag_await", "gi_yieldfrom"):
        if hasattr(waiting, name):
            return getattr(waiting, name)
    if isinstance(waiting, asyncio.Future):
        return None
    inner = (found for found in gc.get_referents(waiting) if inspect.isasyncgen(found) or inspect.isawaitable(found))
    return next(inner, None)
