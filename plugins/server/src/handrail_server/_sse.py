"""Server-sent events in OpenAI's form, written by hand: a text becomes JSON inside an event, and never the event."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from handrail import ReasoningDelta, Retraction, ToolCallDelta, Usage

_encode = msgspec.json.encode

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": waiting\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]


def to_json(value: object) -> bytes:
    """Encode, also text that no UTF-8 can hold, such as half a surrogate pair."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode("ascii")


def event(value: object) -> bytes:
    """Give a value as one event. JSON has no raw line breaks, so nothing in it can end the event."""
    return b"data: %b\n\n" % to_json(value)


class ChunkWriter:
    """Writes the events of one answer: each is a `chat.completion.chunk`.

    Args:
        id: the answer's id.
        created: when it was asked for, in seconds since the epoch.
        model: the model's name, as the client sees it.
        include_usage: whether a chunk with the tokens used comes last, and all others say that they have none.
    """

    def __init__(self, id: str, created: int, model: str, *, include_usage: bool) -> None:  # noqa: A002  # OpenAI's
        head = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._head = b"data: %b," % to_json(head)[:-1]
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._text_start = self._head + b'"choices":[{"index":0,"delta":{"content":'
        self._text_end = b'},"logprobs":null,"finish_reason":null}]' + self._tail

    def role(self) -> bytes:
        """Give the first chunk."""
        return self._delta({"role": "assistant", "content": ""})

    def items(self, items: Sequence[object]) -> bytes:
        """Give events for what was delivered together: text that follows on text goes into one."""
        parts: list[bytes] = []
        texts: list[str] = []
        for item in items:
            if type(item) is str:
                texts.append(item)
                continue
            if texts:
                parts.append(self.text("".join(texts)))
                texts.clear()
            parts.append(self._other(item))
        if texts:
            parts.append(self.text("".join(texts)))
        return b"".join(parts)

    def text(self, text: str) -> bytes:
        """Give a chunk with text."""
        return self._text_start + to_json(text) + self._text_end

    def finish(self, reason: str, guardrails: Mapping[str, Any]) -> bytes:
        """Give the chunk that ends the answer, with what the rails have to say beside it."""
        return self._chunk([_choice({}, reason)], guardrails)

    def usage(self, usage: Usage) -> bytes:
        """Give the chunk with the tokens used."""
        return self._head + b'"choices":[],"usage":' + to_json(usage_fields(usage)) + b"}\n\n"

    def aside(self, guardrails: Mapping[str, Any]) -> bytes:
        """Give a chunk without a choice: something about the answer that is no part of it."""
        return self._chunk([], guardrails)

    def _other(self, item: object) -> bytes:
        if isinstance(item, ReasoningDelta):
            return self._delta({"reasoning_content": item.text})
        if isinstance(item, ToolCallDelta):
            return self._delta({"tool_calls": [_tool_call(item)]})
        if isinstance(item, Retraction):
            return self.aside({"retraction": {"channel": item.channel, "start": item.start, "end": item.end}})
        return b""

    def _delta(self, delta: Mapping[str, Any]) -> bytes:
        return self._chunk([_choice(delta, None)], None)

    def _chunk(self, choices: Sequence[Mapping[str, Any]], guardrails: Mapping[str, Any] | None) -> bytes:
        beside = b"" if guardrails is None else b',"guardrails":' + to_json(guardrails)
        return self._head + b'"choices":' + to_json(choices) + beside + self._tail


def usage_fields(usage: Usage) -> dict[str, int]:
    """Give tokens as OpenAI does."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def _choice(delta: Mapping[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _tool_call(delta: ToolCallDelta) -> dict[str, Any]:
    function: dict[str, Any] = {"arguments": delta.arguments}
    fields: dict[str, Any] = {"index": delta.index, "function": function}
    if delta.name is not None:
        function = {"name": delta.name, **function}
        fields = {"index": delta.index, "id": delta.id, "type": "function", "function": function}
    return fields
