"""What `explain()` gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import handrail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handrail import Message

__all__ = ["ExplainInfo", "LLMCallInfo"]


@dataclass(frozen=True, slots=True)
class LLMCallInfo(handrail.LLMCallInfo):
    """A request to a model; with nothing but its task, the name that an action gives its next request."""

    duration: float = 0.0
    total_tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    id: str | None = None
    prompt: str = ""
    completion: str = ""
    llm_model_name: str = ""
    llm_provider_name: str = ""


class ExplainInfo:
    """The requests of the call that began last, and its conversation.

    Args:
        explanation: Handrail's.
        spoken: the conversation, with the answer if it was whole.
    """

    def __init__(self, explanation: Any, spoken: Sequence[Message]) -> None:
        self._explanation = explanation
        self._spoken = tuple(spoken)

    @property
    def llm_calls(self) -> list[handrail.LLMCallInfo]:
        """Every request so far, in order."""
        return list(self._explanation.llm_calls)

    @property
    def colang_history(self) -> str:
        """The conversation in Colang's form. A streamed answer, which nobody has kept, is no part of it."""
        return history_of(self._spoken)

    def print_llm_calls_summary(self) -> None:
        """Print the requests, for people at a terminal."""
        self._explanation.print_llm_calls_summary()


def history_of(spoken: Sequence[Message]) -> str:
    """Return a conversation in Colang's form; an answer, which has no intent of its own, is indented."""
    who = {"user": "user", "assistant": " "}
    lines = ((who.get(str(message.get("role"))), message.get("content")) for message in spoken)
    return "".join(f'{speaker} "{text}"\n' for speaker, text in lines if speaker and isinstance(text, str))
