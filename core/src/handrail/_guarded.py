"""A guarded stream as a context manager: typed events, structured cancellation, and the result at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio

from handrail._events import Event
from handrail._response import GenerationResponse, ResponseBuilder
from handrail._stream.pump import Pump
from handrail._stream.render import AsEvents
from handrail.errors import StreamClosedError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from handrail._call import Call


class GuardedStream:
    """Delivers a guarded answer as events, inside `async with`.

    Leaving the block, in whichever way, ends the stream: the provider is closed and every check cancelled before the
    block is left. Iterating raises what broke the generation, after everything that could be delivered; a block and
    a rail's failure are events.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._renderer = AsEvents()
        self._builder = ResponseBuilder(call)
        self._tasks: TaskGroup | None = None
        self._generator: AsyncGenerator[Any, None] | None = None
        self._entered = False

    @property
    def response(self) -> GenerationResponse:
        """What was delivered so far and what happened; complete once the stream has ended."""
        return self._builder.build()

    async def __aenter__(self) -> Self:
        if self._entered:
            raise StreamClosedError("a stream can be entered once; ask for a new one with rails.stream(...)")
        self._entered = True
        self._builder.begin()
        driver = self._call.stream_driver
        if isinstance(driver, Pump):
            self._tasks = anyio.create_task_group()
            await self._tasks.__aenter__()
            self._tasks.start_soon(driver.run)
        else:
            self._generator = driver.stream(self._renderer)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._builder.leave(exc)
        if self._generator is not None:
            await self._generator.aclose()
        if self._tasks is not None:
            tasks, self._tasks = self._tasks, None
            tasks.cancel_scope.cancel()
            await tasks.__aexit__(None, None, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        driver = self._call.stream_driver
        try:
            if self._generator is not None:
                event = await anext(self._generator)
            elif self._tasks is not None and isinstance(driver, Pump):
                event = await self._taken(driver)
            else:
                raise StreamClosedError("iterate over a stream inside 'async with rails.stream(...) as stream:'")
        except Exception as error:
            self._builder.fail(error)
            raise
        self._builder.add(event)
        return event  # type: ignore[no-any-return]  # the renderer gives events

    async def _taken(self, pump: Pump) -> Any:
        item = await pump.take()
        if item is None:
            raise StopAsyncIteration
        return self._renderer.render(item)
