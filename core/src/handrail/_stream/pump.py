"""Drives a stream with tasks: one reads the provider, others check windows, and the consumer takes items."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from handrail._events import ReasoningDelta
from handrail._stream.backend import Wake, running_clock, wake_factory
from handrail._stream.pipeline import Pipeline
from handrail._stream.source import close_source, not_a_chunk
from handrail._stream.windows import WindowStage
from handrail._stream.workers import Worker
from handrail._types import Chunk, ToolCallDelta
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from handrail._stream.lanes import Check, Lane
    from handrail._stream.pipeline import OnClose, OpenSource
    from handrail._stream.plan import RailPlan
    from handrail._stream.sinks import Item
    from handrail._turn import Turn

_AT_ONCE = -1


class Pump:
    """Runs one stream: `run` in a task of the stream's owner, `take` in the consumer's."""

    def __init__(
        self,
        rails: Sequence[RailPlan],
        turn: Turn,
        open_source: OpenSource,
        *,
        provider: str,
        parallel: bool = False,
        max_pending: int = 2000,
        on_close: OnClose | None = None,
    ) -> None:
        self.pipeline = Pipeline(
            rails,
            turn,
            self._put,
            parallel=parallel,
            start_check=self._start_check,
            ended=self._on_end,
            stop_reading=self._on_stop_reading,
        )
        self.clock: Callable[[], float] = time.monotonic  # the event loop's, once the stream runs
        self.new_wake: Callable[[], Wake] = anyio.Event
        self.closed = False  # True once every task is done and the provider is closed
        self._open_source = open_source
        self._provider = provider
        self._max_pending = max_pending
        self._on_close = on_close
        self._items: deque[Item] = deque()
        self._item_characters = 0
        self._look_at = max_pending  # characters read at which to pause, and see whether too much is pending
        self._characters = 0  # of text that was read by the last pause
        self._beside = 0  # characters of reasoning and tool calls that were read
        self._taker: Wake | None = None  # set when there is something to take
        self._room: Wake | None = None  # set when the reader may go on
        self._tasks: TaskGroup | None = None
        self._reader: anyio.CancelScope | None = None
        self._checks = 0
        self._first_check = True  # whether it is still to come
        self._first_item = True

    async def run(self) -> None:
        """Read, check and deliver until the stream has ended; returns when everything is closed.

        Raises nothing but cancellation and `KeyboardInterrupt`-like exceptions: errors reach the consumer.
        """
        self.clock = self.pipeline.clock = running_clock()
        self.new_wake = wake_factory()
        try:
            async with anyio.create_task_group() as self._tasks:
                await self._read()
            self._refuse_silence()
        except Exception as exc:  # noqa: BLE001  # nobody awaits this task: an error must reach the consumer instead
            self.pipeline.error = self.pipeline.error or exc
        finally:
            self.pipeline.abandon()
            self.closed = True
            self._wake_taker()

    def start_soon(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run something beside the reading, as a task of the stream."""
        if self._tasks is None:  # pragma: no cover  # sources are opened by a task of the stream
            raise RuntimeError("the stream has not started")
        self._tasks.start_soon(function)

    @property
    def waited_for(self) -> bool:
        """True while a task waits for the next item; a second one would take what the first was woken for."""
        return self._taker is not None

    async def take(self) -> Item | None:
        """Wait for the next item; None when the stream is over and everything closed.

        Raises:
            Exception: what broke the generation, after everything that could be delivered.
        """
        if not self._items and not await self._has_items():
            return None
        item = self._items.popleft()
        self._item_characters -= len(item) if type(item) is str else _size(item)
        self._make_room()
        return item

    async def take_all(self) -> list[Item]:
        """Wait for the next item, and give all that there are; none when the stream is over.

        Raises:
            Exception: as `take` does.
        """
        if not self._items:
            await self._has_items()
        items = list(self._items)
        self._items.clear()
        self._item_characters = 0
        self._make_room()
        return items

    async def _has_items(self) -> bool:
        """Wait until there is something to take; False if the stream is over."""
        while not self._items:
            if self.closed:
                if (error := self.pipeline.error) is not None:
                    self.pipeline.error = None
                    raise error
                return False
            wake = self._taker = self.new_wake()
            try:
                await wake.wait()
            finally:
                if self._taker is wake:  # cancelled before there was anything
                    self._taker = None
        return True

    def _refuse_silence(self) -> None:
        """Raise if every task is done and yet nothing ended the stream: never take that for a clean end."""
        if not self.pipeline.ended:
            raise HandrailError("the stream stopped before all of its text was checked")

    async def _read(self) -> None:
        error: Exception | None = None
        with anyio.CancelScope() as self._reader:
            try:
                source = await self._open_source(self.pipeline)
                if source is not None:
                    await self._read_source(source)
            except Exception as exc:  # noqa: BLE001  # the plugin boundary: the consumer gets it after what was read
                error = exc
        if not self.pipeline.ended and not self._reader.cancel_called:
            self.pipeline.finish(error)

    async def _read_source(self, source: AsyncIterator[Chunk]) -> None:
        pipeline, characters = self.pipeline, 0
        try:
            stage = pipeline.text_chain()
            remember, take_in, read_rest = pipeline.raw.append, stage.take_in, pipeline.read_rest
            async for chunk in source:
                if not isinstance(chunk, Chunk):
                    raise not_a_chunk(chunk, self._provider)
                if text := chunk.text:
                    remember(text)
                    take_in(text)
                    characters += len(text)
                    if characters >= stage.due:
                        stage.look()
                if (
                    chunk.reasoning
                    or chunk.tool_calls
                    or chunk.usage is not None
                    or chunk.finish_reason is not None
                    or chunk.metadata is not None
                ):
                    read_rest(chunk)
                    self._count_beside(chunk)
                if pipeline.ended:
                    return
                if characters > self._look_at:
                    self._characters = characters
                    if isinstance(stage, WindowStage):
                        stage.came = characters
                    await self._pause()
        finally:
            await close_source(source, self._provider)
            if self._on_close is not None:
                self._on_close(pipeline)

    def _count_beside(self, chunk: Chunk) -> None:
        """Let what comes beside the text use up room as text does."""
        size = len(chunk.reasoning) + sum(1 + len(call.arguments) for call in chunk.tool_calls)
        self._beside += size
        self._look_at -= size

    async def _pause(self) -> None:
        """Let the first check begin and the first text go out, however much the provider has at hand; wait for room."""
        while self._look_at < 0:
            self._look_at = 0
            await anyio.lowlevel.checkpoint()
        await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        """Wait, if more than `max_pending` is pending, until only half of that is.

        With no check running and nothing to take, only more text can help, so then there is no waiting, whatever
        the sizes of windows.
        """
        room = self._max_pending - self._pending_tokens()
        enough = 0 if room >= 0 else self._max_pending // 2
        while room < enough and (self._checks or self._items):
            self._room = self.new_wake()
            await self._room.wait()
            room = self._max_pending - self._pending_tokens()
        self._look_at = self._characters + max(room, 0)  # a token is at least one character

    def _pending_tokens(self) -> int:
        """Count, never too low, the tokens that were read and wait for a check or for the consumer."""
        read = max(self._characters + self._beside, 1)
        pieces = len(self.pipeline.raw) + len(self.pipeline.aside)
        tokens = pieces + read // 5  # a piece is at least one, and five characters are hardly two
        held = sum(stage.came - stage.released for stage in self.pipeline.window_stages)
        return math.ceil((self._item_characters + held) * tokens / read)

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None

    def _put(self, item: Item) -> None:
        if self.pipeline.ended:  # the reader may have had one more chunk at hand when the stream was stopped
            return
        if self._first_item:
            self._first_item = False
            self._look_at = _AT_ONCE
        self._items.append(item)
        self._item_characters += len(item) if type(item) is str else _size(item)
        self._wake_taker()

    def _wake_taker(self) -> None:
        if self._taker is not None:
            self._taker.set()
            self._taker = None

    def _start_check(self, stage: WindowStage, lane: Lane, check: Check) -> None:
        if self._tasks is None:  # pragma: no cover  # nothing is read before the tasks can run
            raise RuntimeError("the stream has not started")
        self._checks += 1
        if self._first_check:
            self._first_check = False
            self._look_at = _AT_ONCE
        if lane.idle:
            lane.idle.pop().take(check)
        else:
            self._tasks.start_soon(Worker(self, stage, lane, check).run)

    def check_done(self) -> None:
        """Take note that a check has ended."""
        self._checks -= 1
        self._make_room()

    def _on_end(self) -> None:
        if self._tasks is not None:
            self._tasks.cancel_scope.cancel()

    def _on_stop_reading(self) -> None:
        if self._reader is not None:
            self._reader.cancel()


def _size(item: Item) -> int:
    """Give the characters that wait with an item that is no text."""
    if isinstance(item, ReasoningDelta):
        return len(item.text)
    return 1 + len(item.arguments) if isinstance(item, ToolCallDelta) else 0
