"""The result of a call: what was delivered, and the log that tells what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail._events import Blocked, Event, Finished, RailFailed, ReasoningDelta, Retraction, TextDelta
from handrail._model import ToolCallAssembler
from handrail._turn import LLMCall, RailRun
from handrail._types import ToolCall, ToolCallDelta, Usage

if TYPE_CHECKING:
    from handrail._call import Call

Outcome: TypeAlias = Literal["finished", "blocked", "rail failed", "generation failed", "left"]


@dataclass(frozen=True, slots=True)
class GenerationResponse:
    """What came of a call.

    Attributes:
        text: the text that was delivered, less what was retracted.
        outcome: how it ended; "left" if the consumer went before the end.
        reasoning: the reasoning that was delivered.
        tool_calls: the tool calls that were delivered.
        stop: the block or failure that ended it early.
        error: what broke the generation.
        finish_reason: as the provider gave it.
        usage: tokens of the answer.
        llm_calls: every request to a model, a rail's own included.
        rail_runs: every check.
    """

    text: str = ""
    outcome: Outcome = "left"
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Blocked | RailFailed | None = None
    error: BaseException | None = None
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    llm_calls: tuple[LLMCall, ...] = ()
    rail_runs: tuple[RailRun, ...] = ()

    @property
    def partial(self) -> bool:
        """True unless the whole answer was delivered."""
        return self.outcome != "finished"


class ResponseBuilder:
    """Collects the events of one stream into its response."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls = ToolCallAssembler()
        self._outcome: Outcome = "left"
        self._stop: Blocked | RailFailed | None = None
        self._error: BaseException | None = None
        self._finished = Finished()

    def add(self, event: Event) -> None:
        """Take an event that was delivered."""
        if isinstance(event, TextDelta):
            self._text.append(event.text)
        elif isinstance(event, ReasoningDelta):
            self._reasoning.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self._tool_calls.add((event,))
        elif isinstance(event, Retraction):
            self._retract(event)
        elif isinstance(event, Finished):
            self._finished, self._outcome = event, "finished"
        else:
            self._stop = event
            self._outcome = "blocked" if isinstance(event, Blocked) else "rail failed"

    def fail(self, error: BaseException) -> None:
        """Take what broke the generation."""
        if not isinstance(error, StopAsyncIteration):
            self._error, self._outcome = error, "generation failed"

    def leave(self, error: BaseException | None) -> None:
        """Take note that the consumer has gone."""
        if self._error is None and self._outcome == "left":
            self._error = error

    def build(self) -> GenerationResponse:
        """Give the response as far as the stream has come."""
        journal = self._call.journal
        main = next((call for call in journal.llm_calls if call.task == "general"), None)
        return GenerationResponse(
            text="".join(self._text),
            outcome=self._outcome,
            reasoning="".join(self._reasoning),
            tool_calls=self._tool_calls.calls(),
            stop=self._stop,
            error=self._error,
            finish_reason=self._finished.finish_reason,
            usage=self._finished.usage or (main.usage if main else Usage()),
            llm_calls=tuple(journal.llm_calls),
            rail_runs=tuple(journal.rail_runs),
        )

    def _retract(self, retraction: Retraction) -> None:
        if retraction.channel == "text":
            self._text = ["".join(self._text)[: retraction.start]]
        elif retraction.channel == "reasoning":
            self._reasoning = ["".join(self._reasoning)[: retraction.start]]
