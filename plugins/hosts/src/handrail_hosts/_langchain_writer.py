"""What rails release of an answer, as messages of LangChain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from handrail import Blocked, Event, Finished, ReasoningDelta, ToolCallDelta
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from handrail_hosts._envelope import plain
from handrail_hosts._langchain import Inner, kept_metadata

if TYPE_CHECKING:
    from handrail import GenerationResponse

REFUSED = "content_filter"


class Writer:
    """Writes what is released as chunks of an answer; tool calls wait for the end."""

    def __init__(self, inner: Inner, refusal: Callable[[Blocked], str]) -> None:
        self._inner = inner
        self._refusal = refusal
        self._calls: list[ToolCallDelta] = []
        self._text: ChatGenerationChunk | None = None  # one with text and nothing else, of which others are copies

    def write(self, item: str | Event) -> list[ChatGenerationChunk]:
        """Return chunks for what was released."""
        if isinstance(item, str):
            return [self._of_text(item)]
        if isinstance(item, ReasoningDelta):
            return [self._chunk(content="", additional_kwargs={"reasoning_content": item.text})]
        if isinstance(item, ToolCallDelta):
            self._calls.append(item)
        if isinstance(item, Finished):
            return self._end()
        if isinstance(item, Blocked):
            text = self._refusal(item)
            text = f"\n\n{text}" if self._text is not None else text
            return [self._chunk(content=text, response_metadata={"finish_reason": REFUSED})]
        return []

    def _of_text(self, text: str) -> ChatGenerationChunk:
        """Return a chunk with a text, which the host may change: the model's, if it has nothing else, or else a copy.

        A copy costs half of validating another.
        """
        first, last = self._text, self._inner.last
        if first is None or first.message.id != self._inner.id:
            first = self._text = self._chunk(content=text)
        if last is not None and last.text == text and _is_same(last, first):
            self._inner.last = None
            return last
        fresh: dict[str, Any] = {"additional_kwargs": {}, "response_metadata": {}, "tool_call_chunks": [],
                                 "tool_calls": [], "invalid_tool_calls": []}  # fmt: skip
        message = first.message.model_copy(update={"content": text, **fresh})
        return first.model_copy(update={"message": message, "text": text})

    def _end(self) -> list[ChatGenerationChunk]:
        calls: dict[int, dict[str, Any]] = {}
        for call in self._calls:  # LangChain reads each chunk of a message by itself
            fields = {"index": call.index, "id": call.id, "name": call.name, "args": "", "type": "tool_call_chunk"}
            calls.setdefault(call.index, fields)["args"] += call.arguments
        inner = self._inner
        return [
            self._chunk(
                content="",
                tool_call_chunks=list(calls.values()),
                usage_metadata=inner.usage,
                response_metadata=inner.metadata,
                chunk_position="last",
            )
        ]

    def _chunk(self, **fields: Any) -> ChatGenerationChunk:
        return ChatGenerationChunk(message=AIMessageChunk(id=self._inner.id, **fields))


def _is_same(chunk: ChatGenerationChunk, other: ChatGenerationChunk) -> bool:
    """Return whether two chunks differ in nothing but their text."""
    message, like = chunk.message, other.message
    return (
        type(chunk) is ChatGenerationChunk
        and type(message) is AIMessageChunk
        and not chunk.generation_info
        and not message.model_extra
        and {**vars(message), "content": ""} == {**vars(like), "content": ""}
        and message.content == chunk.text
    )


def facts_of(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what rails are told of a request beside its conversation."""
    tools = [tool for tool in kwargs.get("tools") or () if isinstance(tool, Mapping) and "function" in tool]
    wanted = kwargs.get("response_format")
    return {"tools": tools, "response_format": wanted if isinstance(wanted, Mapping) else None}


def whole_message(answer: AIMessage, guarded: GenerationResponse, *, without_reasoning: bool) -> AIMessage:
    chunk = AIMessageChunk(
        content="",
        tool_call_chunks=[
            {"index": n, "id": call.id, "name": call.name, "args": call.arguments, "type": "tool_call_chunk"}
            for n, call in enumerate(guarded.tool_calls)
        ],
    )
    reasoning = None if without_reasoning else guarded.reasoning_content
    return AIMessage(
        id=plain(answer.id) or None,
        content=guarded.text,
        tool_calls=chunk.tool_calls,
        invalid_tool_calls=chunk.invalid_tool_calls,
        additional_kwargs={"reasoning_content": reasoning} if reasoning else {},
        usage_metadata=plain(answer.usage_metadata),
        response_metadata=kept_metadata(answer),
    )
