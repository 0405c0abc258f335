"""The records and interfaces of models, for code that brings a model of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from handrail.errors import InvalidArgumentError

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]


class Role(StrEnum):
    """Who says a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


_ROLES = {
    **{role.value: role for role in Role},
    "bot": Role.ASSISTANT,
    "human": Role.USER,
    "developer": Role.SYSTEM,
}
_KEYS = ("role", "type", "content", "tool_calls", "tool_call_id", "name", "provider_metadata")


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

    def to_dict(self) -> dict[str, Any]:
        """Return it in OpenAI's form, with its arguments as an object."""
        function = {"name": self.function.name, "arguments": self.function.arguments}
        return {"id": self.id, "type": self.type, "function": function}

    @classmethod
    def from_dict(cls, call: Mapping[str, Any]) -> ToolCall:
        """Return a call that is given in OpenAI's form, or flat with `name` and `args`.

        Raises:
            ValueError: the arguments are neither an object nor one as JSON.
        """
        InvalidArgumentError.unless(isinstance(call, Mapping), "call", call, "a mapping")
        function = call.get("function") or {"name": call.get("name", ""), "arguments": call.get("args", {})}
        arguments = function.get("arguments", {})
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments or "{}")
            except ValueError as exc:
                raise ValueError("the arguments of a tool call are not valid JSON") from exc
        if not isinstance(arguments, dict):
            raise ValueError(  # noqa: TRY004  # what was read, not what was passed
                f"the arguments of a tool call are {type(arguments).__name__}; pass an object"
            )
        named = ToolCallFunction(str(function.get("name") or ""), arguments)
        return cls(str(call.get("id") or ""), str(call.get("type") or "function"), named)


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
    def from_user(cls, content: str, **others: Any) -> ChatMessage:
        """Return what a user says."""
        return cls(Role.USER, content, **others)

    @classmethod
    def from_assistant(cls, content: str, **others: Any) -> ChatMessage:
        """Return what a model says."""
        return cls(Role.ASSISTANT, content, **others)

    @classmethod
    def from_system(cls, content: str, **others: Any) -> ChatMessage:
        """Return what a model is told."""
        return cls(Role.SYSTEM, content, **others)

    @classmethod
    def from_tool(cls, content: str, tool_call_id: str, **others: Any) -> ChatMessage:
        """Return the result of a tool."""
        return cls(Role.TOOL, content, tool_call_id=tool_call_id, **others)

    @classmethod
    def from_dict(cls, message: Mapping[str, Any]) -> ChatMessage:
        """Return a message that is given in OpenAI's form; what that form does not have is in `provider_metadata`.

        Raises:
            ValueError: its role is missing or unknown, or the arguments of a tool call cannot be read.
        """
        InvalidArgumentError.unless(isinstance(message, Mapping), "message", message, "a mapping")
        given = message.get("role") or message.get("type")
        role = _ROLES.get(str(given))
        if role is None:
            raise ValueError(f"unknown role {given!r}; roles are {', '.join(_ROLES)}")
        calls = message.get("tool_calls")
        others = {key: value for key, value in message.items() if key not in _KEYS}
        return cls(
            role,
            message.get("content"),
            None if calls is None else [ToolCall.from_dict(call) for call in calls],
            message.get("tool_call_id"),
            message.get("name"),
            {**others, **(message.get("provider_metadata") or {})},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it in OpenAI's form, without what it does not have."""
        calls = None if self.tool_calls is None else [call.to_dict() for call in self.tool_calls]
        beside = {
            "content": self.content,
            "tool_calls": calls,
            "tool_call_id": self.tool_call_id,
            "name": self.name,
            "provider_metadata": self.provider_metadata or None,
        }
        return {"role": self.role.value, **{key: value for key, value in beside.items() if value is not None}}


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
