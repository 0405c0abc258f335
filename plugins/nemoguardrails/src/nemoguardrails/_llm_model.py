"""A model of the interface `LLMModel` as a provider of Handrail."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail import Chunk, ToolCallDelta, Usage
from handrail.errors import ProviderBadRequestError

from nemoguardrails.types import ChatMessage, Role, ToolCall, ToolCallFunction

if TYPE_CHECKING:
    from handrail import Message

    from nemoguardrails.types import LLMModel, LLMResponseChunk


class LLMModelProvider:
    """Streams what such a model streams.

    Args:
        model: the model.
    """

    def __init__(self, model: LLMModel) -> None:
        self.name = str(getattr(model, "model_name", None) or type(model).__name__)
        self._model = model

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Yield the answer to a conversation."""
        given = dict(params)
        stop = given.pop("stop", None)
        chunks = self._model.stream_async([_chat(message) for message in messages], stop=stop, **given)
        try:
            async for chunk in chunks:
                yield _chunk(chunk)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()


def _chat(message: Message) -> ChatMessage:
    role = "system" if message["role"] == "developer" else message["role"]
    calls = [_call(call) for call in message.get("tool_calls") or ()]
    return ChatMessage(
        Role(role), message.get("content"), calls or None, message.get("tool_call_id"), message.get("name")
    )


def _call(call: Mapping[str, Any]) -> ToolCall:
    function = call["function"]
    try:
        arguments = json.loads(function["arguments"] or "{}")
    except ValueError as exc:
        raise ProviderBadRequestError("the arguments of a tool call in the conversation are not valid JSON") from exc
    return ToolCall(str(call.get("id") or ""), function=ToolCallFunction(function["name"], arguments))


def _chunk(chunk: LLMResponseChunk) -> Chunk:
    usage = chunk.usage
    return Chunk(
        chunk.delta_content or "",
        chunk.delta_reasoning or "",
        tuple(
            ToolCallDelta(index, call.id, call.function.name, json.dumps(call.function.arguments))
            for index, call in enumerate(chunk.delta_tool_calls or ())
        ),
        None if usage is None else Usage(usage.input_tokens, usage.output_tokens),
        chunk.finish_reason,
        chunk.provider_metadata,
    )
