"""What rails release of an answer, as messages of LangChain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from handrail import Blocked, Event, Finished, ReasoningDelta, ToolCallDelta
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from handrail_hosts._envelope import plain
from handrail_hosts._langchain import Inner, kept_metadata
from handrail_hosts._langchain_signed import Placing, Signatures, text_part

if TYPE_CHECKING:
    from handrail import GenerationResponse

REFUSED = "content_filter"


class Writer:
    """Writes what is released as chunks of an answer; tool calls wait for the end."""

    def __init__(self, inner: Inner, refusal: Callable[[Blocked], str]) -> None:
        self._inner = inner
        self._refusal = refusal
        self._calls: list[ToolCallDelta] = []
        self._placing = Placing(inner.signatures)
        self._begun = False
        self._is_empty_list = False  # what was told is one, to which LangChain adds no text
        self._in_parts = 0  # parts of the content that were told, from the first on in which texts are parts, too
        self._text: ChatGenerationChunk | None = None  # one with text and nothing else, of which others are copies

    def write(self, item: str | Event) -> list[ChatGenerationChunk]:
        """Return chunks for what was released."""
        if isinstance(item, str):
            return [*map(self._said, self._placing.before(item))]
        if isinstance(item, ReasoningDelta):
            return [self._thought(item.text)]
        if isinstance(item, ToolCallDelta):
            self._calls.append(item)
        if isinstance(item, Finished):
            return self._end()
        if isinstance(item, Blocked):
            text = self._refusal(item)
            text = f"\n\n{text}" if self._placing.told else text
            content: Any = [text_part(text, self._in_parts)] if self._is_empty_list or self._in_parts else text
            return [self._chunk(content=content, response_metadata={"finish_reason": REFUSED})]
        return []

    def _thought(self, text: str) -> ChatGenerationChunk:
        """Return thinking; as long as there is nothing else, beside an empty list if the model has it in parts.

        LangChain puts a list behind a text that came before it, and be it empty; a signed part has to come first.
        """
        self._placing.think(text)
        self._is_empty_list = not self._begun and self._inner.signatures.thinks_in_parts
        self._begun = not self._is_empty_list
        return self._chunk(content=[] if self._is_empty_list else "", additional_kwargs={"reasoning_content": text})

    def _said(self, said: str | dict[str, Any]) -> ChatGenerationChunk:
        self._in_parts += self._is_empty_list
        self._is_empty_list, self._begun = False, True
        if not isinstance(said, str):
            self._in_parts += 1
            return self._chunk(content=[said], response_metadata=self._provider())
        return self._chunk(content=[text_part(said, self._in_parts)]) if self._in_parts else self._of_text(said)

    def _provider(self) -> dict[str, Any]:
        return {name: value for name, value in self._inner.metadata.items() if name == "model_provider"}

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
        signed = inner.signatures.calls({call["id"]: call["args"] for call in calls.values()})
        return [
            *map(self._said, self._placing.rest()),
            self._chunk(
                content="",
                additional_kwargs=signed,
                tool_call_chunks=list(calls.values()),
                usage_metadata=inner.usage,
                response_metadata=inner.metadata,
                chunk_position="last",
            ),
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
    """Return a whole answer as the rails let it through, with what its model wants back of it."""
    chunk = AIMessageChunk(
        content="",
        tool_call_chunks=[
            {"index": n, "id": call.id, "name": call.name, "args": call.arguments, "type": "tool_call_chunk"}
            for n, call in enumerate(guarded.tool_calls)
        ],
    )
    reasoning = "" if without_reasoning else guarded.reasoning_content or ""
    signatures = Signatures()
    signatures.read(answer)
    signed = signatures.calls({call.id: call.arguments for call in guarded.tool_calls})
    return AIMessage(
        id=plain(answer.id) or None,
        content=signatures.content(guarded.text, reasoning),
        tool_calls=chunk.tool_calls,
        invalid_tool_calls=chunk.invalid_tool_calls,
        additional_kwargs={**({"reasoning_content": reasoning} if reasoning else {}), **signed},
        usage_metadata=plain(answer.usage_metadata),
        response_metadata=kept_metadata(answer),
    )
