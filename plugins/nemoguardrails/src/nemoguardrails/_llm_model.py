"""A model of the interface `LLMModel` as a provider of Handrail."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from handrail import Chunk, ToolCallDelta, Usage
from handrail.errors import HandrailError, ProviderBadRequestError, ProviderError, message_of

from nemoguardrails.types import ChatMessage, LLMResponse, LLMResponseChunk, ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from handrail import Message

    from nemoguardrails.types import LLMModel, UsageInfo

answers_whole: ContextVar[bool] = ContextVar("answers_whole", default=False)
"""Whether the call that is running needs no stream, so that a model is asked for its answer as a whole."""


class LLMModelProvider:
    """Asks such a model, for a stream or as a whole: models may do either better, and some can do only one.

    Args:
        model: the model.
    """

    def __init__(self, model: LLMModel) -> None:
        self.name = str(getattr(model, "model_name", None) or type(model).__name__)
        self._model = model

    async def stream(self, messages: Sequence[Message], params: Mapping[str, Any]) -> AsyncIterator[Chunk]:
        """Yield the answer to a conversation.

        Raises:
            ProviderError: the model has raised.
        """
        given = dict(params)
        stop = given.pop("stop", None)
        try:
            chunks = self._chunks([_chat(message) for message in messages], stop, given)
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except HandrailError:
            raise
        except Exception as exc:
            raise ProviderError(f"the model {self.name!r} failed: {type(exc).__name__}: {message_of(exc)}") from exc

    async def _chunks(
        self, messages: list[ChatMessage], stop: Sequence[str] | None, params: Mapping[str, Any]
    ) -> AsyncGenerator[Chunk, None]:
        if self._is_asked_whole():
            yield _whole(await self._model.generate_async(messages, stop=stop, **params))
            return
        chunks = self._model.stream_async(messages, stop=stop, **params)
        try:
            async for chunk in chunks:
                yield _chunk(chunk)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    def _is_asked_whole(self) -> bool:
        if not callable(getattr(self._model, "stream_async", None)):
            return True
        return answers_whole.get() and callable(getattr(self._model, "generate_async", None))


def _chat(message: Message) -> ChatMessage:
    try:
        return ChatMessage.from_dict(message)
    except ValueError as exc:
        raise ProviderBadRequestError(f"the conversation cannot be passed on: {message_of(exc)}") from exc


def _chunk(chunk: LLMResponseChunk) -> Chunk:
    return Chunk(
        chunk.delta_content or "",
        chunk.delta_reasoning or "",
        _calls(chunk.delta_tool_calls),
        _usage(chunk.usage),
        chunk.finish_reason,
        chunk.provider_metadata,
    )


def _whole(answer: LLMResponse) -> Chunk:
    return Chunk(
        answer.content or "",
        answer.reasoning or "",
        _calls(answer.tool_calls),
        _usage(answer.usage),
        answer.finish_reason or "stop",
        answer.provider_metadata,
    )


def _calls(calls: Sequence[ToolCall] | None) -> tuple[ToolCallDelta, ...]:
    return tuple(
        ToolCallDelta(index, call.id, call.function.name, json.dumps(call.function.arguments))
        for index, call in enumerate(calls or ())
    )


def _usage(usage: UsageInfo | None) -> Usage | None:
    return None if usage is None else Usage(usage.input_tokens, usage.output_tokens)
