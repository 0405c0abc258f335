"""Drives a gate that needs no task: each piece that the consumer asks for is read from the provider then and there."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, cast

import anyio

from handrail._stream.asking import answer_at_once, ask, log_failures
from handrail._stream.backend import let_others_run, running_clock, spawn
from handrail._stream.interruption import Interruption
from handrail._stream.render import AsItems, take_rendered
from handrail._stream.runner import what_broke
from handrail._stream.source import LONG_SLICE, SLICE, as_chunk, close_source, kept_error, parts, plain_text
from handrail._telling import told_first
from handrail._types import Chunk
from handrail.errors import AnswerTooLongError, PluginContractError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.render import Renderer
    from handrail._stream.runner import Lifetime
    from handrail._stream.source import Pieces, Source
    from handrail._stream.steps import Item


class Pull:
    """Runs a stream whose rails all answer at once: stream rails, and window rails with a plain `check`.

    Args:
        gate: decides.
        source: opens the provider's stream.
        max_characters: how long the answer may be.
        lifetime: is told when the stream begins and ends.
    """

    def __init__(self, gate: Gate, source: Source, *, max_characters: int, lifetime: Lifetime | None = None) -> None:
        self.gate = gate
        self._source = source
        self._max_characters = max_characters
        self._rest_at = LONG_SLICE
        self._look_at = min(self._rest_at, max_characters) + 1  # characters of text that are looked at in any case
        self._clock: Callable[[], float] = anyio.current_time
        self._pieces: Pieces | None = None
        self._items: AsyncGenerator[Any, None] | None = None  # for `take`
        self._interruption = Interruption()
        self._lifetime = lifetime
        self._stream: weakref.ref[AsyncGenerator[Any, None]] | None = None  # weak, for forgetting it ends it
        self._stopping: object = None  # the task that does so
        self._error: BaseException | None = None  # what broke the generation

    async def take(self) -> list[Item]:
        """Wait for the next item; an empty list is the end. A call that is cancelled ends the stream.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
        """
        if self._items is None:
            self._items = self.stream(AsItems())
        async for item in self._items:
            return [item]
        return []

    async def aclose(self) -> None:
        """End the stream; returns when the provider is closed."""
        if self._items is not None:
            await self.close(self._items)

    async def close(self, stream: AsyncGenerator[Any, None]) -> None:
        """Close what `stream` returned, also while another task waits for its next item.

        Raises:
            StreamClosedError: a rail or the provider of the stream called this; the stream ends all the same.
        """
        if getattr(stream, "ag_running", False):
            await self._interruption.interrupt(stream)
        else:
            await stream.aclose()

    def stream(self, renderer: Renderer) -> AsyncGenerator[Any, None]:
        """Yield what the renderer makes of each item.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
        """
        follow = self._guard
        if renderer.plain_text and self.gate.only_transforms:
            follow = self._transform if self.gate.guards("text") else self._pass
        stream = follow(renderer)
        self._stream = weakref.ref(stream)
        return stream

    def _stop(self, error: Exception) -> None:
        """End the stream with an error, and do not wait for that."""
        if not self.gate.ended:
            self.gate.error = error
            self.gate.abandon()
            self._stopping = spawn(self._leave)

    async def _leave(self) -> None:
        """Close the provider, also while the consumer is busy with what it got; it is told when it comes back."""
        stream = self._stream and self._stream()
        if getattr(stream, "ag_running", False):
            await self._interruption.interrupt(cast("AsyncGenerator[Any, None]", stream))
        elif self._pieces is not None:
            await close_source(self._pieces, self._source.provider)
            self._end()

    async def _pass(self, renderer: Renderer) -> AsyncGenerator[Any, None]:
        """Yield text as it comes, for no rail sees it."""
        remember = told_first(self.gate.received.texts.append, self.gate.telling)
        came = 0
        async with self as pieces:
            async for piece in pieces:
                chunk = piece if piece.__class__ is Chunk else as_chunk(piece, self._source)
                if text := chunk.text:
                    if text.__class__ is not str:
                        text = plain_text(text)
                    came += len(text)
                    remember(text)
                    yield text
                if chunk.reasoning or chunk.tool_calls or chunk.usage or chunk.finish_reason or chunk.metadata:
                    await self._read_beside(chunk)
                elif came < self._look_at:
                    continue
                async for rendered in self._looked(came, renderer):
                    yield rendered
                if self.gate.ended:
                    break
        for rendered in await self._last(renderer):
            yield rendered
        what_broke(self.gate)

    async def _transform(self, renderer: Renderer) -> AsyncGenerator[Any, None]:
        """Yield what stream rails make of each piece, as it comes."""
        gate, transform = self.gate, told_first(self.gate.transform, self.gate.telling)
        came = 0
        async with self as pieces:
            async for piece in pieces:
                chunk = piece if piece.__class__ is Chunk else as_chunk(piece, self._source)
                if text := chunk.text:
                    if text.__class__ is not str:
                        text = plain_text(text)
                    came += len(text)
                    if len(text) > SLICE:
                        gate.buffer.append(text)
                    elif text := transform(text):
                        yield text
                if chunk.reasoning or chunk.tool_calls or chunk.usage or chunk.finish_reason or chunk.metadata:
                    await self._read_beside(chunk)
                elif came < self._look_at and not (gate.buffer or gate.ended):
                    continue
                async for rendered in self._looked(came, renderer):
                    yield rendered
                if gate.ended:
                    break
        for rendered in await self._last(renderer):
            yield rendered
        what_broke(gate)

    async def _guard(self, renderer: Renderer) -> AsyncGenerator[Any, None]:
        """Yield what the gate lets out."""
        gate, append = self.gate, self.gate.buffer.append
        came, due = 0, 0
        async with self as pieces:
            async for piece in pieces:
                chunk = piece if piece.__class__ is Chunk else as_chunk(piece, self._source)
                if text := chunk.text:
                    append(text)  # refused where it is looked at, if it is no text
                    came += len(text)
                if chunk.reasoning or chunk.tool_calls or chunk.usage or chunk.finish_reason or chunk.metadata:
                    await self._read_beside(chunk)
                elif came < due:
                    continue
                more = True
                while more:  # as in `_looked`, which costs a generator for each window
                    more = await self._check(came)
                    for rendered in take_rendered(self.gate, renderer):
                        yield rendered
                if gate.ended:
                    break
                due = min(gate.due, self._look_at)
        for rendered in await self._last(renderer):
            yield rendered
        what_broke(gate)

    async def _looked(self, came: int, renderer: Renderer) -> AsyncGenerator[Any, None]:
        """Have the gate look at what has come, slice by slice, and yield what it lets out."""
        more = True
        while more:
            more = await self._check(came)
            for rendered in take_rendered(self.gate, renderer):
                yield rendered

    async def __aenter__(self) -> AsyncIterator[Any]:
        """Open the provider's stream, for the loops above."""
        try:
            self._clock = running_clock()
            if self._lifetime is not None:
                self._lifetime.begin(self._stop)
            self._interruption.begin()
            self._pieces = await self._interruption.run(self._source.open(self.gate))
        except BaseException as exc:  # noqa: BLE001  # sorted there
            self._error = self._broken(exc)
        return self._interruption.watch(self._pieces)

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Close the provider's stream; what broke it is kept, and told after what was read.

        No generator of `contextlib`, for a loop that ends closes those that are left in any order.
        """
        try:
            if error is not None:
                self._error = self._broken(error)
        finally:
            await self._close()
        return True

    async def _read_beside(self, chunk: Chunk) -> None:
        while self.gate.look(SLICE):  # what came before
            await self._check()
            await let_others_run()
        for part in parts(chunk):
            self.gate.read(part)
            if part is not chunk:
                await self._check()
                await let_others_run()

    async def _check(self, came: int | None = None) -> bool:
        """Have every check answered that the gate asks for.

        If it is told how many characters of text have come in all, the gate first looks at some of them; returned is
        whether it has left a part for later. Others are let run after a part, for a provider may have all at hand.
        """
        gate, step, more = self.gate, self.gate.step, False
        if came is not None:
            if came + gate.received.beside > self._max_characters:
                raise AnswerTooLongError(self._source.provider, self._max_characters)
            more = gate.look(SLICE)
        while step.start:
            check = step.start.popleft()
            rest = answer_at_once(gate, check, self._clock)
            if rest is not None:
                await ask(gate, check, self._clock, rest)
        step.cancel.clear()
        if step.failures:
            log_failures(gate)
        if came is not None:
            if more or came > self._rest_at:
                await let_others_run()
                self._rest_at = came + LONG_SLICE
            self._look_at = min(self._rest_at, self._max_characters - gate.received.beside) + 1
        return more and not gate.ended

    def _broken(self, error: BaseException) -> BaseException | None:
        """Return what broke the generation, or None after an interruption; raise what is none of the provider's."""
        is_interrupted = self._interruption.is_behind(error)
        broke = None if is_interrupted else kept_error(error, self._source.provider, self._pieces)
        if broke is None:
            self.gate.abandon()
            if not is_interrupted:
                raise error
        return broke

    async def _close(self) -> None:
        pieces, self._pieces = self._pieces, None
        if pieces is not None:
            await close_source(pieces, self._source.provider)
        if self.gate.ended:
            self.gate.received.add_unseen(self.gate.buffer)
        self._source.closed(self.gate.received)
        self._interruption.end()
        self._end()

    def _end(self) -> None:
        if self._lifetime is not None:
            self._lifetime.end()

    async def _last(self, renderer: Renderer) -> list[Any]:
        """Return what goes out once the provider has ended, and what broke the generation where that is rendered."""
        try:
            self.gate.finish(self._error)
        except PluginContractError as exc:  # what came last is no text, and counting its characters has failed
            self.gate.finish(exc)
        await self._check()
        if self.gate.telling is not None:
            self.gate.telling.look()
        rendered = [*take_rendered(self.gate, renderer)]
        try:
            what_broke(self.gate)
        except Exception as exc:  # noqa: BLE001  # raised after what goes out, unless it is rendered
            if (told := renderer.render_error(exc)) is None:
                self.gate.error = exc
            else:
                rendered.append(told)
        return rendered
