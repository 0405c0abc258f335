"""One guarded stream without its tasks: chains of stages, one for each channel, between what is read and delivered."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail._events import Blocked, Finished, RailFailed
from handrail._stream.plan import RailPlan, stage_plans
from handrail._stream.sessions import SessionStage
from handrail._stream.sinks import Put, ReasoningSink, Stage, TextSink, ToolCallSink
from handrail._stream.windows import WindowStage
from handrail._types import Channel, Chunk, ToolCallDelta, Usage
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from handrail._stream.lanes import Check, Lane
    from handrail._turn import Turn

logger = logging.getLogger("handrail")

Stop: TypeAlias = Blocked | RailFailed

StartCheck: TypeAlias = Callable[[WindowStage, "Lane", "Check"], None]

OpenSource: TypeAlias = Callable[["Pipeline"], Awaitable[AsyncIterator[Chunk] | None]]
"""Gives the provider's stream once it may be read; None if the stream ended before it began."""

OnClose: TypeAlias = Callable[["Pipeline"], None]
"""Called when the provider's stream was closed, however it ended."""


class Pipeline:
    """Takes chunks, gives items. Belongs to one stream; nothing in it is shared."""

    def __init__(
        self,
        rails: Sequence[RailPlan],
        turn: Turn,
        put: Put,
        *,
        parallel: bool = False,
        start_check: StartCheck | None = None,
        ended: Callable[[], None] | None = None,
        stop_reading: Callable[[], None] | None = None,
    ) -> None:
        self.turn = turn
        self.put = put
        self.ended = False
        self.stop: Stop | None = None  # why the stream ended early
        self.cause: BaseException | None = None  # the error behind a failed rail
        self.error: Exception | None = None  # what broke the generation
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self.metadata: dict[str, Any] = {}
        self.describe: Callable[[Stop], Stop] = lambda event: event  # adds what a user is to be told
        self.clock: Callable[[], float] = time.monotonic  # the event loop's, once the stream runs
        self.window_stages: list[WindowStage] = []
        self.raw: list[str] = []  # the text as the provider sent it
        self.aside: list[str] = []  # reasoning and tool calls, as it sent them
        self._rails = tuple(rails)
        self._parallel = parallel
        self._on_end = ended
        self._on_stop_reading = stop_reading
        self._start_check = start_check
        self._chains: dict[tuple[Channel, int], Stage] = {}
        self._without_arguments: set[int] = set()  # guarded tool calls that have none so far
        self._open = 1  # chains that have not finished, and the reading itself
        self._feed_text: Callable[[str], None] | None = None

    @property
    def held(self) -> int:
        """How many characters were read and wait for a window rail."""
        return sum(stage.held for stage in self.window_stages)

    def guards(self, channel: Channel) -> bool:
        """Tell whether any rail sees this channel."""
        return any(channel in rail.channels for rail in self._rails)

    def read(self, chunk: Chunk) -> None:
        """Take what a provider sent."""
        if text := chunk.text:
            self.raw.append(text)
            (self._feed_text or self.text_chain().feed)(text)
        if (
            chunk.reasoning
            or chunk.tool_calls
            or chunk.usage is not None
            or chunk.finish_reason is not None
            or chunk.metadata is not None
        ):
            self.read_rest(chunk)

    def text_chain(self) -> Stage:
        """Give the chain that the answer's text goes through."""
        chain = self._chain("text", 0, self._text_sink)
        self._feed_text = chain.feed
        return chain

    def _text_sink(self) -> TextSink:
        return TextSink(self.put, self._chain_finished, counts=any(rail.stream_first for rail in self._rails))

    def read_rest(self, chunk: Chunk) -> None:
        """Take what came beside the text."""
        if chunk.reasoning:
            self.aside.append(chunk.reasoning)
            if not self.ended:
                chain = self._chain("reasoning", 0, lambda: ReasoningSink(self.put, self._chain_finished))
                chain.feed(chunk.reasoning)
        for call in chunk.tool_calls:
            if not self.ended:
                self._read_tool_call(call)
        if chunk.usage is not None:
            self.usage = chunk.usage
        if chunk.finish_reason is not None:
            self.finish_reason = chunk.finish_reason
        if chunk.metadata:
            self.metadata.update(chunk.metadata)

    def finish(self, error: Exception | None = None) -> None:
        """Take note that the provider has ended, or broken; what was read is still checked and delivered."""
        self.error = error
        for index in self._without_arguments:  # so that rails see the call at all
            self._chains["tool_calls", index].feed("{}")
        for chain in tuple(self._chains.values()):
            if self.ended:  # the chain before was blocked at its end: nothing of the others may follow
                return
            chain.finish()
        self._chain_finished()

    def end(self, event: Stop, cause: BaseException | None = None) -> None:
        """End the stream early: nothing that is still held goes out."""
        if self.ended:
            return
        self.stop, self.cause = self.describe(event), cause
        self.put(self.stop)
        self._ended()

    def abandon(self) -> None:
        """Take note that nobody wants the stream any more."""
        self.ended = True

    def stop_reading(self) -> None:
        """A window did not pass: whatever else the provider would say cannot be delivered."""
        if self._on_stop_reading is not None:
            self._on_stop_reading()

    def start_check(self, stage: WindowStage, lane: Lane, check: Check) -> None:
        """Have a check run as a task of the stream."""
        if self._start_check is None:  # pragma: no cover  # window rails are only ever driven by a pump
            raise PluginContractError("a window rail needs a stream with tasks")
        self._start_check(stage, lane, check)

    def log_allowed(self, plan: RailPlan, error: str) -> None:
        """Tell that a rail failed and its configuration let the text pass."""
        logger.warning("rail %r failed and its configuration lets the text pass: %s", plan.name, error)

    def _read_tool_call(self, call: ToolCallDelta) -> None:
        if not isinstance(call, ToolCallDelta):
            raise PluginContractError(f"a chunk has the tool call {call!r}; it must be a ToolCallDelta")
        self.aside += (call.name or "", call.arguments)
        if ("tool_calls", call.index) not in self._chains and self.guards("tool_calls"):
            self._without_arguments.add(call.index)
        chain = self._chain(
            "tool_calls", call.index, lambda: ToolCallSink(self.put, self._chain_finished, call), call.name
        )
        if call.arguments:
            self._without_arguments.discard(call.index)
            chain.feed(call.arguments)

    def _chain(
        self, channel: Channel, index: int, make_sink: Callable[[], Stage], tool_name: str | None = None
    ) -> Stage:
        chain = self._chains.get((channel, index))
        if chain is None:
            chain = make_sink()
            rails = tuple(rail for rail in self._rails if channel in rail.channels)
            for plans in reversed(stage_plans(rails, parallel=self._parallel)):
                if plans[0].is_stream_rail:
                    chain = SessionStage(plans[0], self, chain, channel)
                else:
                    chain = WindowStage(plans, self, chain, channel, tool_name)
                    self.window_stages.append(chain)
            self._chains[channel, index] = chain
            self._open += 1
        return chain

    def _chain_finished(self) -> None:
        self._open -= 1
        if self._open or self.ended:
            return
        if self.error is None:
            self.put(Finished(self.finish_reason, self.usage, self.metadata))
        self._ended()

    def _ended(self) -> None:
        self.ended = True
        if self._on_end is not None:
            self._on_end()
