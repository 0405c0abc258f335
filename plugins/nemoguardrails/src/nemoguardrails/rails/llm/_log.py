"""The log of a call, in the records that existing code reads, dumps and makes for its tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from nemoguardrails.logging.explain import LLMCallInfo

if TYPE_CHECKING:
    import handrail

_KINDS = ("input", "dialog", "generation", "output")
_LEAST_OVERHEAD = 0.01  # seconds that are worth a line


class ExecutedAction(BaseModel):
    """What a rail did, with the requests to models that it made; times in seconds since the epoch."""

    model_config = ConfigDict(from_attributes=True)

    action_name: str
    action_params: dict[str, Any] = Field(default_factory=dict)
    return_value: Any = None
    llm_calls: list[LLMCallInfo] = Field(default_factory=list)
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None


class ActivatedRail(BaseModel):
    """One rail in one call: all of its checks together.

    Attributes:
        type: "input", "dialog", "generation" or "output".
        stop: whether the rail ended the call, by a refusal or because it failed.
        reason: why it did, for the operator; not part of a dump.
        category: the kind of what it refused, if it says so; not part of a dump.
    """

    model_config = ConfigDict(from_attributes=True)

    type: str
    name: str
    decisions: list[str] = Field(default_factory=list)
    executed_actions: list[ExecutedAction] = Field(default_factory=list)
    stop: bool = False
    additional_info: dict[str, Any] | None = None
    started_at: float | None = None
    finished_at: float | None = None
    duration: float | None = None
    reason: str = Field(default="", exclude=True)
    category: str | None = Field(default=None, exclude=True)

    def summary(self) -> str:
        """Return the rail as a line for people."""
        actions = ", ".join(action.action_name for action in self.executed_actions)
        calls = [call for action in self.executed_actions for call in action.llm_calls]
        seconds = ", ".join(f"{round(call.duration or 0, 2)}s" for call in calls)
        return (
            f"- [{self.duration or 0:.2f}s] {self.type.upper()} ({self.name}): {len(self.executed_actions)} actions "
            f"({actions}), {len(calls)} llm calls [{seconds}]"
        )


class GenerationStats(BaseModel):
    """What a call took: seconds and tokens."""

    model_config = ConfigDict(from_attributes=True)

    input_rails_duration: float | None = None
    dialog_rails_duration: float | None = None
    generation_rails_duration: float | None = None
    output_rails_duration: float | None = None
    total_duration: float | None = None
    llm_calls_duration: float | None = 0
    llm_calls_count: int | None = 0
    llm_calls_total_prompt_tokens: int | None = 0
    llm_calls_total_completion_tokens: int | None = 0
    llm_calls_total_tokens: int | None = 0

    def summary(self) -> Iterable[str]:
        """Yield what the call took as lines for people."""
        total = self.total_duration or 0
        yield f"- Total time: {total:.2f}s"
        told = 0.0
        for kind in _KINDS:
            seconds = getattr(self, f"{kind}_rails_duration")
            if seconds and total:
                told += seconds
                yield f"  - [{seconds:.2f}s][{round(100 * seconds / total, 2)}%]: {kind.upper()} Rails"
        if total - told >= _LEAST_OVERHEAD:
            share = round(100 * (total - told) / total, 2) if told else 100
            yield f"  - [{total - told:.2f}s][{share}%]: Processing overhead "
        if self.llm_calls_count:
            yield (
                f"- {self.llm_calls_count} LLM calls, {self.llm_calls_duration or 0:.2f}s total duration, "
                f"{self.llm_calls_total_prompt_tokens} total prompt tokens, "
                f"{self.llm_calls_total_completion_tokens} total completion tokens, "
                f"{self.llm_calls_total_tokens} total tokens."
            )


class GenerationLog(BaseModel):
    """What happened in one call; of the parts that were not asked for there is nothing."""

    model_config = ConfigDict(from_attributes=True)

    activated_rails: list[ActivatedRail] = Field(default_factory=list)
    stats: GenerationStats = Field(default_factory=GenerationStats)
    llm_calls: list[LLMCallInfo] | None = None
    internal_events: list[dict[str, Any]] | None = None
    colang_history: str | None = None

    @classmethod
    def of(cls, log: handrail.GenerationLog) -> Self:
        """Make one of Handrail's."""
        made = cls.model_validate(log)
        seconds = [rail.duration or 0.0 for rail in made.activated_rails if rail.type == "dialog"]
        made.stats.dialog_rails_duration = sum(seconds) if seconds else None
        return made

    def print_summary(self) -> None:
        """Print what happened, for people at a terminal."""
        rails = (rail.summary() for rail in self.activated_rails)
        lines = ("\n# General stats\n", *self.stats.summary(), "\n# Detailed stats\n", *rails, "\n")
        for line in lines:
            print(line)  # noqa: T201  # what the method is for
