"""Drives a stream of which nothing goes out before its end: reads it to the end, then runs the checks, stage by stage.

It needs no task to read and none to check, except where several checks run at once.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import anyio

from handrail._stream.backend import Wake, running_clock
from handrail._stream.pipeline import Pipeline
from handrail._stream.source import close_source, not_a_chunk
from handrail._stream.workers import Worker
from handrail._types import Chunk
from handrail.errors import HandrailError

if TYPE_CHECKING:
    from handrail._stream.lanes import Check, Lane
    from handrail._stream.pipeline import OnClose, OpenSource
    from handrail._stream.plan import RailPlan
    from handrail._stream.sinks import Item
    from handrail._stream.windows import WindowStage
    from handrail._turn import Turn


class Batch:
    """Runs one stream whose window rails ask about everything at once."""

    def __init__(
        self,
        rails: Sequence[RailPlan],
        turn: Turn,
        open_source: OpenSource,
        *,
        provider: str,
        parallel: bool = False,
        on_close: OnClose | None = None,
    ) -> None:
        self._items: list[Item] = []
        self._waiting: list[Worker] = []  # checks that can run now
        self._scope: anyio.CancelScope | None = None  # of checks that run at once
        self.pipeline = Pipeline(
            rails, turn, self._put, parallel=parallel, start_check=self._start_check, ended=self._on_end
        )
        self.clock: Callable[[], float] = time.monotonic  # the event loop's, once the stream runs
        self.new_wake: Callable[[], Wake] = anyio.Event  # for workers that wait, of which there are none here
        self._open_source = open_source
        self._provider = provider
        self._on_close = on_close
        self._blocks_early = any(rail.is_stream_rail for rail in rails)

    async def run(self) -> list[Item]:
        """Read and check; give every item.

        Raises:
            Exception: what broke the generation.
        """
        self.clock = self.pipeline.clock = running_clock()
        pipeline = self.pipeline
        try:
            error = await self._read()
            if not pipeline.ended:
                pipeline.finish(error)
            while self._waiting and not pipeline.ended:
                await self._run_checks()
            if not pipeline.ended:
                raise HandrailError("the stream stopped before all of its text was checked")
        finally:
            pipeline.abandon()
        if pipeline.error is not None and pipeline.stop is None:
            raise pipeline.error
        return self._items

    def check_done(self) -> None:
        """Take note that a check has ended; nobody waits for that."""

    async def _read(self) -> Exception | None:
        try:
            source = await self._open_source(self.pipeline)
            if source is not None:
                await self._read_source(source)
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: the caller gets it after what was read
            return exc
        return None

    async def _read_source(self, source: AsyncIterator[Chunk]) -> None:
        pipeline = self.pipeline
        pieces: list[str] = []
        keep = pieces.append
        try:
            async for chunk in source:
                if not isinstance(chunk, Chunk):
                    raise not_a_chunk(chunk, self._provider)
                if self._blocks_early:
                    pipeline.read(chunk)
                    if pipeline.ended:
                        return
                    continue
                keep(chunk.text)
                if (
                    chunk.reasoning
                    or chunk.tool_calls
                    or chunk.usage is not None
                    or chunk.finish_reason is not None
                    or chunk.metadata is not None
                ):
                    pipeline.read_rest(chunk)
        finally:
            if pieces:
                pipeline.read(Chunk("".join(pieces)))
            await close_source(source, self._provider)
            if self._on_close is not None:
                self._on_close(pipeline)

    def _put(self, item: Item) -> None:
        if not self.pipeline.ended:
            self._items.append(item)

    def _start_check(self, stage: WindowStage, lane: Lane, check: Check) -> None:
        self._waiting.append(Worker(self, stage, lane, check))

    async def _run_checks(self) -> None:
        workers, self._waiting = self._waiting, []
        if len(workers) == 1:
            await workers[0].run_once()
            return
        async with anyio.create_task_group() as tasks:
            self._scope = tasks.cancel_scope
            for worker in workers:
                tasks.start_soon(worker.run_once)
        self._scope = None

    def _on_end(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
