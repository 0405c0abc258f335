"""The result of a call: what was delivered, how it ended, and its log; the same for a stream and for a whole answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail._call.log import GenerationLog, build_log
from handrail._call.options import LogOptions
from handrail._compose.completion import ToolCallAssembler
from handrail._events import (
    Blocked,
    Event,
    Finished,
    Outcome,
    RailFailed,
    ReasoningDelta,
    Retraction,
    TextDelta,
    outcome_of,
)
from handrail._records import CheckRecord
from handrail._stream.backend import running_clock
from handrail._turn import LLMCall
from handrail._types import Message, ToolCall, ToolCallDelta, Usage

if TYPE_CHECKING:
    from handrail._call.call import Call
    from handrail._stream.steps import Item

_SHOWN = 32  # characters of a text in a repr


@dataclass(frozen=True, slots=True, repr=False)
class GenerationResponse:
    """What came of a call.

    Attributes:
        response: the answer as the caller gets it: a text for a prompt, a list with one message for messages. After a
            block it is the refusal.
        text: the text of the model that was delivered, less what was retracted.
        user_message: the user's message as the input rails let it through.
        messages: the conversation that the model was asked with, less instructions: what to keep in a history.
        outcome: how it ended; "timed out" after the call's own `timeout`, "left" if the consumer went before the end.
        stop: the block or failure that ended it early.
        error: what broke the generation, or the consumer.
        finish_reason: as the provider gave it.
        usage: tokens of the answer.
        reasoning_content: the reasoning that was delivered.
        tool_calls: the tool calls that were delivered.
        llm_output: what the provider sent beside the text, if it was asked for; without what no rail has judged.
        llm_metadata: the same, always.
        output_data: the variables that were asked for.
        log: which rails ran and what they decided, which models were asked, what it took.
        state: kept for existing code.
        llm_calls: every request to a model, a rail's own included.
        rail_runs: every check.
        unguarded: what the model may have written beside the answer, such as citations, by its place in the provider's
            protocol. No rail has judged it: never show it to anybody as it is.
    """

    response: str | list[Message] = ""
    text: str = ""
    user_message: str = ""
    messages: tuple[Message, ...] = ()
    outcome: Outcome = "left"
    stop: Blocked | RailFailed | None = None
    error: BaseException | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    reasoning_content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    llm_output: Mapping[str, Any] | None = None
    llm_metadata: Mapping[str, Any] | None = None
    output_data: Mapping[str, Any] | None = None
    log: GenerationLog | None = None
    state: Any = None
    llm_calls: tuple[LLMCall, ...] = ()
    rail_runs: tuple[CheckRecord, ...] = ()
    unguarded: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        by = f" by {self.stop.rail!r}" if self.stop is not None else ""
        counts = ((len(self.text), "character"), (len(self.rail_runs), "check"), (self.usage.total_tokens, "token"))
        told = ", ".join(f"{count} {what}{'s' * (count != 1)}" for count, what in counts)
        return f"<{type(self).__name__} {self.outcome}{by}: {shortened(self.text)}, {told}>"

    @property
    def partial(self) -> bool:
        """True unless the whole answer was delivered."""
        return self.outcome != "finished"

    @property
    def reasoning(self) -> str:
        """The reasoning that was delivered; empty if there was none."""
        return self.reasoning_content or ""


def stream_line(stream: object, outcome: Outcome, delivered: int, held: int, *, begun: bool, over: bool) -> str:
    """Return how far a stream is, in a line."""
    state: str = outcome
    if outcome == "left" and not over:
        state = "running" if begun else "not begun"
    return f"<{type(stream).__name__} {state}: {delivered} characters delivered, {held} held>"


def shortened(text: str) -> str:
    """Return how a text begins, as a literal that fits a line."""
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")


class ResponseBuilder:
    """Collects the items of one call into its response.

    Attributes:
        delivered: characters of text that were delivered, retracted ones included.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._clock: Callable[[], float] | None = None  # the event loop's, once the call has begun
        self._started = 0.0
        self._duration: float | None = None
        self.delivered = 0
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls = ToolCallAssembler()
        self._stop: Blocked | RailFailed | None = None
        self._broken_by: BaseException | None = None
        self._left_with: BaseException | None = None
        self._finished: Finished | None = None

    @property
    def outcome(self) -> Outcome:
        """How the call has ended; "left" as long as it goes on."""
        return outcome_of(self._stop, self._broken_by, complete=self._finished is not None)

    def begin(self) -> None:
        """Record that the call begins."""
        self._clock = running_clock()
        self._started = self._clock()

    def event(self, item: Item) -> Event:
        """Take what was delivered, and return it as an event."""
        self.add(item)
        return TextDelta(item, self.delivered - len(item)) if isinstance(item, str) else item

    def add(self, item: Item) -> None:
        """Take what was delivered: a text, or an event."""
        if isinstance(item, str):
            self._text.append(item)
            self.delivered += len(item)
        elif isinstance(item, ReasoningDelta):
            self._reasoning.append(item.text)
        elif isinstance(item, ToolCallDelta):
            self._tool_calls.add((item,))
        elif isinstance(item, Retraction):
            self._retract(item)
        elif isinstance(item, Finished):
            self._finished = item
        elif isinstance(item, Blocked | RailFailed):
            self._stop = item

    def fail(self, error: BaseException) -> None:
        """Take what broke the generation."""
        if not isinstance(error, StopAsyncIteration):
            self._broken_by = error

    def leave(self, error: BaseException | None) -> None:
        """Record that the call is over, and whether an error of the consumer ended it."""
        self._duration = self._elapsed()
        if self._left_with is None and self.outcome == "left":
            self._left_with = error

    def answer(self) -> str | list[Message]:
        """Return what the caller of a whole answer gets."""
        return self._call.answer("".join(self._text), self._stop, self._tool_calls.calls())

    def build(self, log: LogOptions) -> GenerationResponse:
        """Return the response as far as the call has come, with these parts of the log."""
        journal = self._call.journal
        text = "".join(self._text)
        finished = self._finished or Finished()
        beside, unguarded = _judged_and_not(finished.metadata)
        metadata = {"finish_reason": finished.finish_reason, **beside}
        return GenerationResponse(
            response=self.answer(),
            text=text,
            user_message=self._call.user_message,
            messages=self._call.turn.messages,
            outcome=self.outcome,
            stop=self._stop,
            error=self._broken_by or self._left_with,
            finish_reason=finished.finish_reason,
            usage=finished.usage or self._call.usage() or Usage(),
            reasoning_content="".join(self._reasoning) or None,
            tool_calls=self._tool_calls.calls(),
            llm_output=metadata if self._call.options.llm_output else None,
            llm_metadata=metadata,
            output_data=self._call.variables(text, self._stop),
            log=build_log(journal, log, self._elapsed() if self._duration is None else self._duration),
            llm_calls=tuple(journal.llm_calls),
            rail_runs=tuple(journal.rail_runs),
            unguarded=unguarded,
        )

    def _elapsed(self) -> float:
        return 0.0 if self._clock is None else self._clock() - self._started

    def _retract(self, retraction: Retraction) -> None:
        if retraction.channel == "text":
            self._text = ["".join(self._text)[: retraction.start]]
        elif retraction.channel == "reasoning":
            self._reasoning = ["".join(self._reasoning)[: retraction.start]]


def _judged_and_not(metadata: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what a provider sent without what no rail has judged, and that."""
    wire = metadata.get("wire")
    if not isinstance(wire, Mapping) or "unguarded" not in wire:
        return metadata, {}
    unguarded = wire["unguarded"]
    left = {name: value for name, value in wire.items() if name != "unguarded"}
    return {**metadata, "wire": left}, unguarded if isinstance(unguarded, Mapping) else {}
