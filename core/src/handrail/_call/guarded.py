"""A guarded stream as an object: typed events, from any task, and the result at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from handrail._call.options import EVERYTHING
from handrail._call.response import GenerationResponse, ResponseBuilder, stream_line
from handrail._stream.owner import OnlyAsync, OnlyAsyncBlock, end_when_forgotten
from handrail.errors import InvalidArgumentError, StreamClosedError

if TYPE_CHECKING:
    from handrail._call.call import Call as _Call  # made by the kernel alone
    from handrail._events import Event
    from handrail._records import CheckRecord

_USE = "use it as 'async with rails.stream(...) as stream:', or take rails.stream_events(...)"


class GuardedStream(OnlyAsync, OnlyAsyncBlock):
    """Delivers a guarded answer as events.

    One of `stream()` is used inside `async with`; leaving the block, in whichever way, ends the stream: the provider is
    closed and every check cancelled before the block is left. One of `stream_events()` needs no block, and ends when it
    is closed or forgotten. Neither opens a task group or a cancel scope in the caller's task, so both may be used
    inside an asynchronous generator, and stepped from any task and any cancel scope.

    Iterating raises what broke the generation, after everything that could be delivered; a block and a rail's failure
    are events. A wait for an event that is cancelled loses nothing. A program must expect kinds of events that it
    does not know, and ignore them.
    """

    def __init__(self, call: _Call, *, needs_block: bool = False) -> None:
        InvalidArgumentError.unless(hasattr(call, "pump"), "call", call, "a call; write rails.stream_events(...)")
        self._call = call
        self._pump = call.pump()
        self._builder = ResponseBuilder(call)
        self._needs_block = needs_block
        self._started = self._over = False

    def __repr__(self) -> str:
        outcome = self._builder.outcome
        delivered = self._builder.delivered
        return stream_line(self, outcome, delivered, self.held, begun=self._started, over=self._over)

    @property
    def held(self) -> int:
        """How many characters of the answer have been generated and wait for a window rail."""
        return self._call.gate.held

    @property
    def checks_under_way(self) -> Sequence[CheckRecord]:
        """The checks of window rails that run now, as far as they are known: rail, channel, window, `started_at`."""
        return self._call.gate.under_way

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the provider has sent so far beside the answer."""
        return self._call.gate.received.metadata

    @property
    def response(self) -> GenerationResponse:
        """What was delivered so far and what happened; complete once the stream has ended."""
        return self._builder.build(EVERYTHING)

    async def __aenter__(self) -> Self:
        if self._started:
            raise StreamClosedError("a stream can be entered once; ask for a new one with rails.stream(...)")
        self._start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._builder.leave(exc)
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not await self._ready():
            raise StopAsyncIteration
        return self._builder.event(self._pump.pop())

    async def take(self) -> list[str | Event]:
        """Wait until something can be delivered, and return all that can be: text as plain `str`, the rest as events.

        Whoever passes an answer on takes it so, and can send together what was released together; it also costs less
        than iterating. An empty list is the end.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
            StreamClosedError: another task is already waiting, or the stream was left.
        """
        if not await self._ready():
            return []
        items = await self._pump.take()
        for item in items:
            self._builder.add(item)
        return items

    async def aclose(self) -> None:
        """End the stream; returns when the provider is closed and no check runs. May be called in any task.

        Raises:
            StreamClosedError: a rail or the provider of the stream called this; the stream ends all the same.
        """
        self._over = True
        if self._started:
            self._builder.leave(None)
        await self._pump.aclose()

    def _start(self) -> None:
        self._started = True
        self._builder.begin()
        end_when_forgotten(self, self._pump.start())

    async def _ready(self) -> bool:
        """Wait until there is something to take; False at the end."""
        if not self._started:
            if self._needs_block:
                raise StreamClosedError(f"a stream of rails.stream(...) was not entered; {_USE}")
            if not self._over:
                self._start()
        if self._over:
            if self._needs_block:
                raise StreamClosedError(f"the stream was left; {_USE}")
            return False
        try:
            found = await self._pump.ready()
        except Exception as error:
            if not isinstance(error, StreamClosedError):
                self._builder.fail(error)
            raise
        if not found:
            self._builder.leave(None)
        return found
