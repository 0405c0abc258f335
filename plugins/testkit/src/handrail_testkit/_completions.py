"""What a model says, in the objects of OpenAI's Chat Completions: as a stream of chunks, and whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from handrail import Chunk, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer as the server of a model would make it.

    Attributes:
        pieces: the text, in the pieces that a chunk each carries; an empty piece is sent as such.
        reasoning: likewise, sent before the text.
        reasoning_field: the name under which `reasoning` is sent; servers differ.
        refusal: likewise, sent in place of text.
        tool_calls: sent after the text, each in an opening fragment and one fragment per eight characters.
        finish_reason: by default "tool_calls" or "stop".
        usage: sent in a chunk without choices, if the request asks for it.
        model: the name that each chunk carries; by default that of the request.
        id: the id that each chunk carries.
    """

    pieces: tuple[str, ...] = ("Hello", ",", " world", "!")
    reasoning: tuple[str, ...] = ()
    reasoning_field: Literal["reasoning_content", "reasoning"] = "reasoning_content"
    refusal: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: Usage = field(default_factory=lambda: Usage(input_tokens=11, output_tokens=7))
    model: str | None = None
    id: str = "chatcmpl-0123456789"

    @property
    def ends_with(self) -> str:
        """The finish reason that is sent."""
        return self.finish_reason or ("tool_calls" if self.tool_calls else "stop")

    def chunks(self, model: str, *, include_usage: bool) -> Iterator[Json]:
        """Yield the chunks of a streamed answer, in the order in which OpenAI sends them."""
        head = _head(self.id, self.model or model)
        null = {"usage": None} if include_usage else {}
        for delta in self._deltas():
            yield {**head, "choices": [_choice(delta)], **null}
        yield {**head, "choices": [_choice({}, self.ends_with)], **null}
        if include_usage:
            yield {**head, "choices": [], "usage": usage_object(self.usage)}

    def whole(self, model: str) -> Json:
        """Return the answer to a request that does not stream."""
        message: Json = {"role": "assistant", "content": "".join(self.pieces) or None, "refusal": None}
        if self.refusal:
            message |= {"content": None, "refusal": "".join(self.refusal)}
        if self.reasoning:
            message[self.reasoning_field] = "".join(self.reasoning)
        if self.tool_calls:
            message["tool_calls"] = [_tool_call(call) for call in self.tool_calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.ends_with}
        head = {**_head(self.id, self.model or model), "object": "chat.completion"}
        return {**head, "choices": [choice], "usage": usage_object(self.usage)}

    def _deltas(self) -> Iterator[Json]:
        yield {"role": "assistant", "content": "", "refusal": None}
        for piece in self.reasoning:
            yield {self.reasoning_field: piece}
        for piece in self.refusal:
            yield {"refusal": piece}
        for piece in () if self.refusal else self.pieces:
            yield {"content": piece}
        for index, call in enumerate(self.tool_calls):
            yield {"tool_calls": [{"index": index, **_tool_call(call, arguments="")}]}
            for at in range(0, len(call.arguments), 8):
                fragment = {"arguments": call.arguments[at : at + 8]}
                yield {"tool_calls": [{"index": index, "function": fragment}]}


def chunk_objects(chunk: Chunk, model: str, *, include_usage: bool) -> Iterator[Json]:
    """Turn what one of Handrail's providers yields into chunks of the protocol."""
    head = _head("chatcmpl-0123456789", model)
    delta: Json = {}
    if chunk.text:
        delta["content"] = chunk.text
    if chunk.reasoning:
        delta["reasoning_content"] = chunk.reasoning
    if chunk.tool_calls:
        delta["tool_calls"] = [
            {
                "index": call.index,
                **({"id": call.id, "type": "function"} if call.id is not None else {}),
                "function": {
                    **({"name": call.name} if call.name is not None else {}),
                    "arguments": call.arguments,
                },
            }
            for call in chunk.tool_calls
        ]
    if delta or chunk.finish_reason is not None:
        yield {**head, "choices": [_choice(delta, chunk.finish_reason)]}
    if chunk.usage is not None and include_usage:
        yield {**head, "choices": [], "usage": usage_object(chunk.usage)}


def usage_object(usage: Usage) -> Json:
    """Return the protocol's `usage`."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def error_object(message: str, *, type: str, code: str | int | None = None, param: str | None = None) -> Json:  # noqa: A002  # the protocol's own word
    """Return an error as the protocol has it, both as a body and as an event."""
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def _head(id: str, model: str) -> Json:  # noqa: A002  # the protocol's own word
    return {
        "id": id,
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }


def _choice(delta: Json, finish_reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _tool_call(call: ToolCall, *, arguments: str | None = None) -> Json:
    function = {"name": call.name, "arguments": call.arguments if arguments is None else arguments}
    return {"id": call.id, "type": "function", "function": function}
