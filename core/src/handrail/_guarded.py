"""A guarded stream as a context manager: typed events, structured cancellation, and the result at the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import anyio

from handrail._events import Event, TextDelta
from handrail._options import EVERYTHING
from handrail._response import GenerationResponse, ResponseBuilder
from handrail._stream.owner import ONE_READER
from handrail._stream.pump import Pump
from handrail._stream.render import AsItems
from handrail.errors import StreamClosedError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from handrail._call import Call
    from handrail._stream.sinks import Item


class GuardedStream:
    """Delivers a guarded answer as events, inside `async with`.

    Leaving the block, in whichever way, ends the stream: the provider is closed and every check cancelled before the
    block is left. Iterating raises what broke the generation, after everything that could be delivered; a block and
    a rail's failure are events.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._builder = ResponseBuilder(call)
        self._tasks: TaskGroup | None = None
        self._generator: AsyncGenerator[Any, None] | None = None
        self._entered = False
        self._length = 0  # characters of text that were delivered

    @property
    def held(self) -> int:
        """How many characters of the answer have been generated and wait for a window rail."""
        return self._call.driver.pipeline.held

    @property
    def response(self) -> GenerationResponse:
        """What was delivered so far and what happened; complete once the stream has ended."""
        return self._builder.build(EVERYTHING)

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
            self._generator = driver.stream(AsItems())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._builder.leave(exc)
        if self._generator is not None:
            generator, self._generator = self._generator, None
            await generator.aclose()
        if self._tasks is not None:
            tasks, self._tasks = self._tasks, None
            tasks.cancel_scope.cancel()
            await tasks.__aexit__(None, None, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        self._refuse_misuse()
        try:
            item = await self._next_item()
        except Exception as error:
            self._builder.fail(error)
            raise
        self._builder.add(item)
        if type(item) is not str:
            return cast("Event", item)
        event = TextDelta(item, self._length)
        self._length += len(item)
        return event

    async def take(self) -> list[str | Event]:
        """Wait until something can be delivered, and give all that can be: text as plain `str`, the rest as events.

        Whoever passes an answer on takes it so, and can send together what was released together; it also costs less
        than iterating. A stream without window rails gives one text or event at a time, unless it was made with
        `read_ahead`. An empty list is the end.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
        """
        self._refuse_misuse()
        driver = self._call.stream_driver
        try:
            if isinstance(driver, Pump):
                items = await driver.take_all()
            else:
                items = [await self._next_item()]
        except StopAsyncIteration:
            return []
        except Exception as error:
            self._builder.fail(error)
            raise
        for item in items:
            self._builder.add(item)
            if type(item) is str:
                self._length += len(item)
        return cast("list[str | Event]", items)

    async def _next_item(self) -> Item:
        driver = self._call.stream_driver
        if isinstance(driver, Pump):
            item = await driver.take()
            if item is None:
                raise StopAsyncIteration
            return item
        return cast("Item", await anext(cast("AsyncGenerator[Any, None]", self._generator)))

    def _refuse_misuse(self) -> None:
        if self._generator is None and self._tasks is None:
            raise StreamClosedError("iterate over a stream inside 'async with rails.stream(...) as stream:'")
        driver = self._call.stream_driver
        if driver.waited_for if isinstance(driver, Pump) else getattr(self._generator, "ag_running", False):
            raise StreamClosedError(ONE_READER)
