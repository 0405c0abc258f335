"""Owns streams whose consumer may leave at any time: the one place where a task lives outside a `with` of its user.

`stream_async()` returns a plain iterator. Its consumer may break out of a loop, be cancelled, forget it, or close it in
another task. So its tasks belong to an owner, which ends them in each of these cases: a task of the running loop on
asyncio, a system task on trio. Nobody has to await anything for that to happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from handrail._stream.backend import on_asyncio
from handrail.errors import StreamClosedError

if TYPE_CHECKING:
    from handrail._stream.pump import Pump
    from handrail._stream.render import Renderer

ONE_READER = "another task waits for this stream; only one task at a time may read it"

AsyncFunction: TypeAlias = Callable[[], Awaitable[None]]


class OwnedStream(AsyncIterator[Any]):
    """The iterator over a stream with tasks; they start when the first item is asked for."""

    def __init__(self, pump: Pump, renderer: Renderer) -> None:
        self._pump = pump
        self._renderer = renderer
        self._cancel: Callable[[], None] | None = None
        self._closed: anyio.Event | None = None
        self._over = False

    def __aiter__(self) -> OwnedStream:
        return self

    async def __anext__(self) -> Any:
        if self._over:
            raise StopAsyncIteration
        if self._cancel is None:
            self._start()
        if self._pump.waited_for:
            raise StreamClosedError(ONE_READER)
        try:
            while (item := await self._pump.take()) is not None:
                rendered = item if self._renderer.plain_text and type(item) is str else self._renderer.render(item)
                if rendered is not None:
                    return rendered
        except Exception as exc:
            self._over = True
            rendered = self._renderer.render_error(exc)
            if rendered is None:
                raise
            return rendered
        except BaseException:  # cancelled, or worse: like a generator, the stream is over then
            self._end()
            raise
        self._over = True
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the stream; returns when its tasks are done and the provider is closed. May be called in any task."""
        self._end()
        if self._closed is not None:
            with anyio.CancelScope(shield=True):
                await self._closed.wait()

    def _start(self) -> None:
        self._closed = closed = anyio.Event()
        pump = self._pump

        async def run() -> None:
            try:
                await pump.run()
            finally:
                closed.set()

        self._cancel = _start_task(run)
        weakref.finalize(self, self._cancel).atexit = False

    def _end(self) -> None:
        self._over = True
        if self._cancel is not None:
            self._cancel()


class OwnedGenerator(AsyncIterator[Any]):
    """The iterator over a stream without tasks, closed by its owner when its consumer forgets it."""

    def __init__(self, generator: AsyncGenerator[Any, None]) -> None:
        self._generator = generator
        self._next = generator.__anext__
        self._watched = False

    def __aiter__(self) -> AsyncIterator[Any]:  # noqa: PYI034  # see below
        # asyncio closes a forgotten generator by itself, so a loop may have it directly, which costs less.
        return self._generator if on_asyncio() else self

    def __anext__(self) -> Awaitable[Any]:
        if not self._watched:
            self._watch()
        return self._next()

    async def aclose(self) -> None:
        """End the stream; returns when the provider is closed."""
        await self._generator.aclose()

    def _watch(self) -> None:
        self._watched = True
        weakref.finalize(self, _closer(self._generator)).atexit = False


def _start_task(function: AsyncFunction) -> Callable[[], None]:
    """Run a function as a task of the running loop; give what ends it, which may be called anywhere, any time."""
    scope = anyio.CancelScope()

    async def run() -> None:
        with scope:
            await function()

    return _cancel_soon(_spawn(run), scope)


def _closer(generator: AsyncGenerator[Any, None]) -> Callable[[], None]:
    """Give what closes a generator in a task of the loop that runs now; it may be called anywhere, any time."""
    soon = _scheduler()

    def close() -> None:
        if getattr(generator, "ag_frame", None) is not None:
            soon(lambda: _spawn(generator.aclose))

    return close


def _cancel_soon(spawned: object, scope: anyio.CancelScope) -> Callable[[], None]:
    soon = _scheduler()

    def cancel(keep: object = spawned) -> None:  # the loop itself keeps only a weak reference to a task  # noqa: ARG001
        soon(scope.cancel)

    return cancel


def _spawn(function: AsyncFunction) -> object:
    """Start a task that belongs to nobody's task group, with the caller's context variables."""
    if on_asyncio():

        async def run() -> None:
            await function()

        return asyncio.get_running_loop().create_task(run(), name="handrail stream")
    import trio

    return trio.lowlevel.spawn_system_task(function, name="handrail stream", context=copy_context())


def _scheduler() -> Callable[[Callable[[], object]], None]:
    """Give a function that has the running loop call something soon, from any thread; does nothing once it is over."""
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
