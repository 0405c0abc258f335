"""What was asked of models, and what `explain()` gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from handrail import Message


class LLMCallSummary(BaseModel):
    """What a request to a model has taken: seconds and tokens."""

    model_config = ConfigDict(from_attributes=True)

    task: str | None = None
    duration: float | None = None
    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    started_at: float | None = 0
    finished_at: float | None = 0


class LLMCallInfo(LLMCallSummary):
    """A request to a model; with nothing but its task, the name that an action gives its next request.

    Attributes:
        estimated: the tokens were counted here, because the provider has not said them; not part of a dump.
    """

    id: str | None = None
    request_id: str | None = None
    prompt: str | None = None
    completion: str | None = None
    raw_response: dict[str, Any] | None = None
    llm_model_name: str | None = "unknown"
    llm_provider_name: str | None = "unknown"
    from_cache: bool = False
    estimated: bool = Field(default=False, exclude=True)


class ExplainInfo(BaseModel):
    """The requests of a call, and its conversation, of which a streamed answer is no part."""

    llm_calls: list[LLMCallInfo] = Field(default_factory=list)
    colang_history: str | None = None

    @classmethod
    def of(cls, explanation: Any, spoken: Sequence[Message]) -> Self:
        """Make one of Handrail's explanation and of the conversation, with the answer if it was whole."""
        calls = [LLMCallInfo.model_validate(call) for call in explanation.llm_calls]
        return cls(llm_calls=calls, colang_history=history_of(spoken))

    def print_llm_calls_summary(self) -> None:
        """Print the requests, for people at a terminal."""
        for line in self._lines():
            print(line)  # noqa: T201  # what the method is for

    def _lines(self) -> list[str]:
        if not self.llm_calls:
            return ["No LLM calls were made."]
        tokens = sum(call.total_tokens or 0 for call in self.llm_calls)
        took = _took(sum(call.duration or 0 for call in self.llm_calls), tokens, counted=bool(tokens))
        calls = (
            f"{number}. Task `{call.task}` {_took(call.duration or 0, call.total_tokens, counted=bool(tokens))}"
            for number, call in enumerate(self.llm_calls, 1)
        )
        return [f"Summary: {len(self.llm_calls)} LLM call(s) {took}\n", *calls, ""]


def _took(seconds: float, tokens: int | None, *, counted: bool) -> str:
    return f"took {seconds:.2f} seconds " + (f"and used {tokens} tokens." if counted else ".")


def history_of(spoken: Sequence[Message]) -> str:
    """Return a conversation in Colang's form; an answer, which has no intent of its own, is indented."""
    who = {"user": "user", "assistant": " "}
    lines = ((who.get(str(message.get("role"))), message.get("content")) for message in spoken)
    return "".join(f'{speaker} "{text}"\n' for speaker, text in lines if speaker and isinstance(text, str))
