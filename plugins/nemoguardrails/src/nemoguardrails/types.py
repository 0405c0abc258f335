"""The records and interfaces of models, for code that brings a model of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]


class Role(StrEnum):
    """Who says a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


@dataclass
class ToolCallFunction:
    """The function of a tool call, with its arguments decoded."""

    name: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass
class ToolCall:
    """A tool call."""

    id: str
    type: str = "function"
    function: ToolCallFunction = field(default_factory=ToolCallFunction)


@dataclass
class UsageInfo:
    """Tokens that a request has cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass
class ChatMessage:
    """One message of a conversation."""

    role: Role
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    provider_metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, message: Mapping[str, Any]) -> ChatMessage:
        """Return a message that is given in OpenAI's form, without tool calls."""
        return cls(
            Role(message["role"]), message.get("content"), None, message.get("tool_call_id"), message.get("name")
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it in OpenAI's form, without tool calls."""
        beside = {"tool_call_id": self.tool_call_id, "name": self.name}
        return {"role": str(self.role), "content": self.content, **{k: v for k, v in beside.items() if v is not None}}


@dataclass
class LLMResponse:
    """A whole answer."""

    content: str
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    model: str | None = None
    finish_reason: FinishReason | None = None
    stop_sequence: str | None = None
    request_id: str | None = None
    usage: UsageInfo | None = None
    provider_metadata: dict[str, Any] | None = None


@dataclass
class LLMResponseChunk:
    """A piece of an answer."""

    delta_content: str | None = None
    delta_reasoning: str | None = None
    delta_tool_calls: list[ToolCall] | None = None
    model: str | None = None
    finish_reason: FinishReason | None = None
    request_id: str | None = None
    usage: UsageInfo | None = None
    provider_metadata: dict[str, Any] | None = None


@runtime_checkable
class LLMModel(Protocol):
    """A model that a program passes as `llm`, or that an engine which it registers makes."""

    async def generate_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> LLMResponse:
        """Return the whole answer."""
        ...

    def stream_async(
        self, prompt: str | Sequence[ChatMessage], *, stop: Sequence[str] | None = None, **kwargs: Any
    ) -> AsyncIterator[LLMResponseChunk]:
        """Yield the answer in pieces."""
        ...
