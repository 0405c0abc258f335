"""Messages: the events and blocks of Anthropic's API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from handrail import Blocked, Chunk, Event, Finished, ReasoningDelta, ToolCall, ToolCallDelta, Usage

from handrail_hosts._dialects._base import (
    BROKE_OFF,
    Calls,
    Dialect,
    ErrorKind,
    ModelError,
    Value,
    only_text,
    says_failed,
    text_of,
)
from handrail_hosts._dialects._messages_request import conversation_of, facts_of, put_back
from handrail_hosts._envelope import name_of, plain, plain_fields, reason_of, settled
from handrail_hosts._errors import GuardFailedError
from handrail_hosts._sse import Frame

_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}
_HEAD = ("id", "type", "role", "model", "usage")
_REFUSED: Value = {"stop_reason": "refusal", "stop_sequence": None}
_CACHED = "cache_read_input_tokens"


class MessagesDialect(Dialect):
    """One message. Blocks that are neither text, thinking nor a call of a tool cannot be judged, and are refused."""

    def __init__(self) -> None:
        self._head: Value = {"id": "msg_guarded", "type": "message", "role": "assistant", "model": ""}
        self._usage: Value = {}
        self._stop: Value = {}
        self._calls = Calls()
        self._numbers: dict[int, int] = {}  # of calls, by the index of their block
        self._signature: str | None = None
        self._begun = False
        self._blocks = 0
        self._open: str | None = None
        self._frame: Frame | None = None  # of the block of text that is open
        self._reads = {
            "message_start": self._start,
            "content_block_start": self._block,
            "content_block_delta": self._delta,
            "message_delta": self._end,
        }

    def read(self, value: Value) -> Iterable[Chunk]:
        """Take an event."""
        if says_failed(value):
            raise ModelError
        reader = self._reads.get(str(value.get("type")))
        return reader(value) if reader is not None else ()

    def text_in(self, value: Value) -> str | None:
        """Return the text of an event that has nothing else."""
        delta = value["delta"] if value.get("type") == "content_block_delta" else {}
        text = delta.get("text") if delta.get("type") == "text_delta" else None
        return text if type(text) is str else None

    def write(self, items: Sequence[str | Event]) -> list[Value]:
        """Return events for what was released."""
        events: list[Value] = []
        items = self.with_calls_last(items)
        if text := "".join(item for item in items if isinstance(item, str)):
            events += self._text(text)
        for item in items:
            if isinstance(item, ReasoningDelta):
                events += self._opened("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                events.append(self._of({"type": "thinking_delta", "thinking": item.text}))
            elif isinstance(item, ToolCallDelta):
                events += self._call(item)
            elif isinstance(item, Finished) and self.broke_off(item):
                events.append(self.error(BROKE_OFF, "internal_error"))
            elif isinstance(item, Finished):
                events += self._begin() + self._close() + self._last(self._stop)
            elif isinstance(item, Blocked):
                events += self.refuse(item)
        return events

    def broke_off(self, end: Finished) -> bool:
        """Return whether the answer is not complete."""
        return end.finish_reason is None and not self._stop

    def sent(self, items: Sequence[str | Event]) -> bytes:
        """Return what `write` returns, as it is sent."""
        text = only_text(items)
        if not text or self._open != "text":
            return super().sent(items)
        self._frame = self._frame or Frame(lambda text: self._of({"type": "text_delta", "text": text}))
        return self._frame.event(text)

    def refuse(self, blocked: Blocked) -> list[Value]:
        """Return the refusal as a block of text, and an end that is a refusal; a call that was begun stays open."""
        events = self._begin()
        if (self._open or "").startswith("call"):
            self._open, self._blocks = None, self._blocks + 1
        events += self._close() + self._text(blocked.message) + self._close()
        return [*events, *self._last({**_REFUSED, **_details(blocked)})]

    def fail(self, message: str) -> list[Value]:
        """Return an error in the place of what would come."""
        return [self.error(message, "internal_error")]

    def error(self, message: str, kind: ErrorKind) -> Value:
        """Return the body of an error."""
        named = "api_error" if kind == "internal_error" else kind
        return {"type": "error", "error": {"type": named, "message": message}}

    def messages(self, body: Value) -> list[Value]:
        """Return the messages of a request."""
        return conversation_of(body).messages

    def put_back(self, body: Value, messages: Sequence[Mapping[str, Any]]) -> Value:
        """Return the request with other messages."""
        return put_back(body, messages)

    def facts(self, body: Value) -> Value:
        """Return the tools as Chat Completions has them."""
        return facts_of(body)

    def read_whole(self, body: Value) -> Chunk:
        """Take a whole message."""
        if says_failed(body):
            raise ModelError
        texts, thoughts, calls = list[str](), list[str](), list[ToolCallDelta]()
        for block in body["content"]:
            if block["type"] == "text":
                texts.append(block["text"])
            elif block["type"] == "thinking":
                thoughts.append(block["thinking"])
            elif block["type"] == "tool_use":
                calls.append(
                    ToolCallDelta(len(calls), plain(block["id"]), name_of(block["name"]), json.dumps(block["input"]))
                )
            elif block["type"] != "redacted_thinking":
                raise _not_judged(block)
        self._usage = plain(body.get("usage") or {})
        reason = _stop_of(body)["stop_reason"]
        return Chunk("".join(texts), "".join(thoughts), tuple(calls), self._tokens(), reason)

    def write_whole(self, body: Value, text: str, reasoning: str | None, calls: Sequence[ToolCall]) -> Value:
        """Return the message with what the rails let through."""
        content, left = list[Value](), iter(calls)
        for block in body["content"]:
            if block["type"] == "text" and text:
                content.append({"type": "text", "text": text})
                text = ""  # the texts of several blocks go into the first
            elif block["type"] == "thinking" and reasoning:
                content.append({**plain_fields(block, ("type", "signature")), "thinking": reasoning})
                reasoning = None
            elif block["type"] == "tool_use":
                call = next(left)
                given = json.loads(call.arguments)
                content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
            elif block["type"] == "redacted_thinking":
                content.append(plain_fields(block, ("type", "data")))
        return {**plain_fields(body, _HEAD), **_stop_of(body), "content": content}

    def refuse_whole(self, body: Value | None, blocked: Blocked) -> Value:
        """Return a message with the refusal as its text."""
        usage = {"input_tokens": 0, "output_tokens": 0}
        content = [{"type": "text", "text": blocked.message}]
        return {
            **self._head,
            "usage": usage,
            **plain_fields(body or {}, _HEAD),
            "content": content,
            **_REFUSED,
            **_details(blocked),
        }

    def _start(self, value: Value) -> Iterator[Chunk]:
        message = value["message"]
        self._head |= plain_fields(message, ("id", "model"))
        self._usage |= plain(message.get("usage") or {})
        yield Chunk(usage=self._tokens())

    def _block(self, value: Value) -> Iterator[Chunk]:
        block = value["content_block"]
        if block["type"] == "text":
            yield Chunk(text_of(block.get("text")))
        elif block["type"] == "thinking":
            yield Chunk(reasoning=text_of(block.get("thinking")))
        elif block["type"] == "tool_use":
            number = self._numbers.setdefault(value["index"], len(self._numbers))
            given = block.get("input") or None  # a few servers send all of it at once
            fragments = self._calls.feed(number, id=block["id"], name=block["name"], arguments=given)
            yield Chunk(tool_calls=tuple(fragments))
        elif block["type"] != "redacted_thinking":
            raise _not_judged(block)

    def _delta(self, value: Value) -> Iterator[Chunk]:
        delta = value["delta"]
        if delta["type"] == "text_delta":
            yield Chunk(text_of(delta["text"]))
        elif delta["type"] == "input_json_delta":
            number = self._numbers[value["index"]]
            yield Chunk(tool_calls=tuple(self._calls.feed(number, arguments=delta["partial_json"])))
        elif delta["type"] == "thinking_delta":
            yield Chunk(reasoning=text_of(delta["thinking"]))
        elif delta["type"] == "signature_delta":
            self._signature = plain(delta["signature"])

    def _end(self, value: Value) -> Iterator[Chunk]:
        stop = _stop_of(value["delta"])
        self._usage |= plain(value.get("usage") or {})
        if (reason := stop["stop_reason"]) is None:  # it goes on
            yield Chunk(usage=self._tokens())
            return
        told = self._stop.get("stop_reason")
        if (reason := settled(told, reason)) != told:
            self._stop = stop
        calls = tuple(self._calls.finish())
        yield Chunk(tool_calls=calls, usage=self._tokens(), finish_reason=_REASONS.get(str(reason), reason))

    def _text(self, text: str) -> list[Value]:
        events = self._opened("text", {"type": "text", "text": ""})
        return [*events, self._of({"type": "text_delta", "text": text})]

    def _call(self, delta: ToolCallDelta) -> list[Value]:
        key = f"call {delta.index}"
        if delta.name is None and self._open != key:
            raise GuardFailedError("a tool call goes on after another block has begun")
        block: Value = {"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}}
        events = self._opened(key, block)
        if delta.arguments:
            events.append(self._of({"type": "input_json_delta", "partial_json": delta.arguments}))
        return events

    def _begin(self) -> list[Value]:
        if self._begun:
            return []
        self._begun = True
        usage = {"input_tokens": 0, "output_tokens": 0, **self._usage}
        message = {**self._head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        return [{"type": "message_start", "message": message}]

    def _opened(self, key: str, block: Value) -> list[Value]:
        if self._open == key:
            return []
        events = self._begin() + self._close()
        self._open, self._frame = key, None
        return [*events, {"type": "content_block_start", "index": self._blocks, "content_block": block}]

    def _of(self, delta: Value) -> Value:
        return {"type": "content_block_delta", "index": self._blocks, "delta": delta}

    def _close(self) -> list[Value]:
        if self._open is None:
            return []
        events: list[Value] = []
        if self._open == "thinking" and self._signature:
            events.append(self._of({"type": "signature_delta", "signature": self._signature}))
        self._open, self._blocks = None, self._blocks + 1
        return [*events, {"type": "content_block_stop", "index": self._blocks - 1}]

    def _last(self, stop: Value) -> list[Value]:
        usage = {"output_tokens": 0, **self._usage}
        return [{"type": "message_delta", "delta": stop, "usage": usage}, {"type": "message_stop"}]

    def _tokens(self) -> Usage:
        prompt, completion, cached = (self._usage.get(name) or 0 for name in ("input_tokens", "output_tokens", _CACHED))
        return Usage(prompt, completion, cached_tokens=cached)


def _not_judged(block: Value) -> GuardFailedError:
    return GuardFailedError(f"a block of the type {block.get('type')!r} is not supported, for rails cannot judge it")


def _stop_of(value: Mapping[str, Any]) -> Value:
    return {
        "stop_reason": reason_of(value.get("stop_reason")),
        "stop_sequence": plain(value.get("stop_sequence")) or None,
    }


def _details(blocked: Blocked) -> Value:
    return {"stop_details": {"type": "refusal", "category": None, "explanation": blocked.message}}
