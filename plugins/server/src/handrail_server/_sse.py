"""Server-sent events in OpenAI's form, written by hand: a text becomes JSON inside an event, and never the event."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from handrail import ReasoningDelta, Retraction, ToolCall, ToolCallDelta, Usage

from handrail_server._beside import Beside

_encode = msgspec.json.encode

FUNCTION_CALL = "function_call"
"""The type of a call in the form that OpenAI had before `tool_calls`."""

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
    """Return a value as one event. JSON has no raw line breaks, so nothing in it can end the event."""
    return b"data: %b\n\n" % to_json(value)


class ChunkWriter:
    """Writes the events of one answer: each is a `chat.completion.chunk`.

    Args:
        id: the answer's id.
        created: when it was asked for, in seconds since the epoch.
        model: the model's name, as the client sees it.
        include_usage: whether a chunk with the tokens used comes last, and all others say that they have none.
        withheld: channels of the answer that are not sent.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  # OpenAI's
        created: int,
        model: str,
        *,
        include_usage: bool,
        withheld: Collection[str] = (),
    ) -> None:
        self._gives_reasoning = "reasoning" not in withheld
        self._named = {"id": id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._text_end = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._calls: Mapping[int, Mapping[str, Any]] = {}
        self.learn({}, {}, refused=False)

    def learn(self, head: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]], *, refused: bool) -> None:
        """Take what the model's server has said of the answer by now.

        Args:
            head: further fields of each chunk.
            calls: what tool calls have beside id, name and arguments, by their index.
            refused: the text is the model's refusal.
        """
        self._head = b"data: %b," % to_json({**self._named, **head})[:-1]
        field = b"refusal" if refused else b"content"
        self._text_start = self._head + b'"choices":[{"index":0,"delta":{"%b":' % field
        self._calls = calls

    def role(self) -> bytes:
        """Return the first chunk."""
        return self._delta({"role": "assistant", "content": ""})

    def items(self, items: Sequence[object]) -> bytes:
        """Return events for what was delivered together: text that follows on text goes into one."""
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
        """Return a chunk with text."""
        return self._text_start + to_json(text) + self._text_end

    def finish(self, ending: Mapping[str, Any], guardrails: Mapping[str, Any], beside: Beside | None = None) -> bytes:
        """Return the chunk that ends the answer, with what the rails have to say beside it.

        Args:
            ending: why it ended, as fields of the choice.
            guardrails: what is Handrail's own.
            beside: what the model's server has sent beside text, reasoning and tool calls.
        """
        found = beside or Beside()
        before = self._chunk([_choice(found.message)], None) if found.message else b""
        return before + self._chunk([{**_choice({}), **found.choice, **ending}], guardrails, found.answer)

    def usage(self, usage: Usage, told: Mapping[str, Any] | None = None) -> bytes:
        """Return the chunk with the tokens used."""
        return self._head + b'"choices":[],"usage":' + to_json(usage_fields(usage, told)) + b"}\n\n"

    def aside(self, guardrails: Mapping[str, Any]) -> bytes:
        """Return a chunk without a choice: something about the answer that is no part of it."""
        return self._chunk([], guardrails)

    def _other(self, item: object) -> bytes:
        if isinstance(item, ReasoningDelta):
            return self._delta({"reasoning_content": item.text}) if self._gives_reasoning else b""
        if isinstance(item, ToolCallDelta):
            return self._delta(_tool_call(item, self._calls.get(item.index, {})))
        if isinstance(item, Retraction):
            return self.aside({"retraction": {"channel": item.channel, "start": item.start, "end": item.end}})
        return b""

    def _delta(self, delta: Mapping[str, Any]) -> bytes:
        return self._chunk([_choice(delta)], None)

    def _chunk(
        self,
        choices: Sequence[Mapping[str, Any]],
        guardrails: Mapping[str, Any] | None,
        more: Mapping[str, Any] | None = None,
    ) -> bytes:
        beside = {**(more or {}), **({} if guardrails is None else {"guardrails": guardrails})}
        fields = b"," + to_json(beside)[1:-1] if beside else b""
        return self._head + b'"choices":' + to_json(choices) + fields + self._tail


def usage_fields(usage: Usage, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return tokens as OpenAI does, with all that the model's server has told of them unless they were counted here."""
    counted: dict[str, Any] = {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    if usage.estimated:
        return {**counted, "estimated": True}
    if told:
        counted["total_tokens"] = told.get("total_tokens") or usage.total_tokens
        return {**told, **counted}
    if usage.cached_tokens:
        counted["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens:
        counted["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counted


def call_fields(call: ToolCall, beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole tool call in the form in which the model's server sent it."""
    return _call(beside, call.arguments, {"id": call.id}, call.name)


def _choice(delta: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}


def _tool_call(delta: ToolCallDelta, beside: Mapping[str, Any]) -> dict[str, Any]:
    opens = delta.name is not None
    first = {"index": delta.index, "id": delta.id} if opens else {"index": delta.index}
    fields = _call(beside if opens else {"type": beside.get("type")}, delta.arguments, first, delta.name)
    if beside.get("type") == FUNCTION_CALL:
        return {"function_call": fields["function"]}
    return {"tool_calls": [fields]}


def _call(beside: Mapping[str, Any], arguments: str, first: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    """Return a call, or a fragment of one; what opens a call has the name."""
    kind = "custom" if beside.get("type") == "custom" else "function"
    inside: dict[str, Any] = {"input" if kind == "custom" else "arguments": arguments}
    if name is None:
        return {**first, kind: inside}
    further = {key: value for key, value in beside.items() if key not in ("type", "function")}
    inside = {"name": name, **inside, **beside.get("function", {})}
    return {**first, "type": kind, kind: inside, **further}
