"""Iterators over a stream whose consumer may leave at any time, in any way: forgetting one ends its stream."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from handrail._stream.backend import on_asyncio, scheduler, spawn
from handrail.errors import StreamClosedError

if TYPE_CHECKING:
    from handrail._stream.pull import Pull
    from handrail._stream.pump import Pump
    from handrail._stream.render import Renderer


class OnlyAsync:
    """An object that is iterated with `async for`, and refuses `for` with an error that says so."""

    __slots__ = ()

    def __iter__(self) -> NoReturn:
        raise TypeError("a guarded stream is asynchronous: write 'async for', or use rails.generate()")


class OnlyAsyncBlock:
    """An object that is entered with `async with`, and refuses `with` with an error that says so."""

    __slots__ = ()

    def __enter__(self) -> NoReturn:
        raise TypeError("a guarded stream is asynchronous: write 'async with'")

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Never reached; a `with` statement looks for it before it enters."""


def end_when_forgotten(consumer: object, end: Callable[[], None]) -> None:
    """Call a function once nothing refers to an object any more."""
    weakref.finalize(consumer, end).atexit = False


class OwnedStream(OnlyAsync, AsyncIterator[Any]):
    """The iterator over a stream with tasks; they start when the first item is asked for.

    Like a generator it is over once a call was cancelled.
    """

    def __init__(self, pump: Pump, renderer: Renderer) -> None:
        self._pump = pump
        self._renderer = renderer
        self._items = pump.gate.step.items
        self._started = self._over = False

    def __aiter__(self) -> OwnedStream:
        return self

    async def __anext__(self) -> Any:
        if not self._started:
            self._start()
        pump, renderer = self._pump, self._renderer
        while not self._over:
            try:
                self._over = not (self._items or await pump.ready())
            except StreamClosedError:  # somebody else's mistake, which ends nothing
                raise
            except Exception as exc:
                self._over = True
                if (rendered := renderer.render_error(exc)) is None:
                    raise
                return rendered
            except BaseException:  # cancelled, or worse
                self._over = True
                pump.leave()
                raise
            if not self._over:
                item = pump.pop()
                rendered = item if renderer.plain_text and type(item) is str else renderer.render(item)
                if rendered is not None:
                    return rendered
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End the stream; returns when its tasks are done and the provider is closed. May be called in any task.

        Raises:
            StreamClosedError: a task of the stream itself called this; the stream ends all the same.
        """
        self._over = True
        await self._pump.aclose()

    def _start(self) -> None:
        self._started = True
        if not self._over:
            end_when_forgotten(self, self._pump.start())


class OwnedGenerator(OnlyAsync, AsyncIterator[Any]):
    """The iterator over a stream without tasks, closed when its consumer forgets it."""

    def __init__(self, pull: Pull, renderer: Renderer) -> None:
        self._pull = pull
        self._generator = pull.stream(renderer)
        self._next = self._generator.__anext__
        self._watched = False

    def __aiter__(self) -> AsyncIterator[Any]:  # noqa: PYI034  # see below
        # asyncio closes a forgotten generator by itself, so a loop may have it directly, which costs less.
        return self._generator if on_asyncio() else self

    def __anext__(self) -> Awaitable[Any]:
        if not self._watched:
            self._watched = True
            end_when_forgotten(self, _closer(self._generator))
        return self._next()

    async def aclose(self) -> None:
        """End the stream; returns when the provider is closed. May be called in any task.

        Raises:
            StreamClosedError: a rail or the provider of the stream called this; the stream ends all the same.
        """
        await self._pull.close(self._generator)


def _closer(generator: AsyncGenerator[Any, None]) -> Callable[[], None]:
    """Return what closes a generator in a task of the loop that runs now; it may be called anywhere, any time."""
    soon = scheduler()

    async def run() -> None:
        await generator.aclose()

    def close() -> None:
        if getattr(generator, "ag_frame", None) is not None:
            soon(partial(spawn, run))

    return close
