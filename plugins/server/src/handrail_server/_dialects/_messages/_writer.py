"""Writes a message as a stream: one block after another, each opened and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from handrail import ReasoningDelta

from handrail_server._dialects._messages._output import (
    NO_ARGUMENTS,
    beside_of,
    message_object,
    signature_of,
    stop_of,
    tool_uses,
    usage_of,
)
from handrail_server._dialects._writing import ItemWriter
from handrail_server._errors import ApiError
from handrail_server._sse import named_event, to_json

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Ended, Heading

_EMPTY_USAGE = {"input_tokens": 0, "output_tokens": 0}
_EMPTY = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}
_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


class MessageWriter(ItemWriter):
    """Writes the events of one message.

    Tool calls are written when the answer has ended and no rail has stopped it: a client acts on a block once it is
    closed, whatever the message says later.

    Args:
        heading: what names it.
        error_body: makes the body of an error.
    """

    keep_alive = named_event(b"ping", {"type": "ping"})

    def __init__(self, heading: Heading, error_body: Callable[[ApiError], Mapping[str, Any]]) -> None:
        super().__init__()
        self._heading = heading
        self._error_body = error_body
        self._wire: Mapping[str, Any] = {}
        self._index = -1  # of the block that was opened last
        self._kind: str | None = None  # of the block that is open
        self._head = b""
        self._thought = 0  # characters

    def begin(self) -> bytes:
        """Return the event that a message begins with."""
        message = message_object(self._heading, [], _EMPTY_USAGE)
        return _event("message_start", {"message": message})

    def learn(self, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]) -> None:  # noqa: ARG002  # the protocol's
        """Take what the model's server has said of the answer by now."""
        self._wire = wire

    def text(self, text: str) -> bytes:
        """Return the event for text of the answer."""
        self.has_text = True
        return self._said("text", text)

    def other(self, item: object) -> bytes:
        """Return the events for thinking; tool calls wait for the end."""
        if not isinstance(item, ReasoningDelta):
            return b""
        self._thought += len(item.text)
        return self._said("thinking", item.text)

    def finish(self, ended: Ended, error: ApiError | None) -> bytes:
        """Return the events that close the message, or the error that stands in place of its end."""
        try:
            calls = tool_uses(ended)
        except ApiError as broken:
            return self._close() + self._error(broken)
        parts = [self._tool_use(call.arguments, block) for call, block in zip(ended.calls_given, calls, strict=True)]
        if ended.refusal is not None and ended.refusal.as_text:
            parts.append(self.text(self.apart(ended.refusal)))
        parts.append(self._close())
        last = {"delta": stop_of(ended), "usage": usage_of(ended), **beside_of(ended)}
        parts.append(_event("message_delta", last))
        parts.append(_event("message_stop", {}) if error is None else self._error(error))
        return b"".join(parts)

    def fail(self, error: ApiError) -> bytes:
        """Return the event that ends a stream which has failed."""
        return self._error(error)

    def _error(self, error: ApiError) -> bytes:
        return named_event(b"error", self._error_body(error))

    def _said(self, kind: str, text: str) -> bytes:
        opened = self._open(kind, _EMPTY[kind]) if self._kind != kind else b""
        return opened + self._delta(text)

    def _tool_use(self, arguments: str, block: Mapping[str, Any]) -> bytes:
        opened = self._open("tool_use", {**block, "input": {}})
        return opened + (b"" if arguments.strip() in NO_ARGUMENTS else self._delta(arguments))

    def _open(self, kind: str, block: Mapping[str, Any]) -> bytes:
        closed = self._close()
        self._kind = kind
        self._index += 1
        name, field = (word.encode() for word in _DELTAS[kind])
        start = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,' % self._index
        self._head = start + b'"delta":{"type":"%b","%b":' % (name, field)
        return closed + _event("content_block_start", {"index": self._index, "content_block": block})

    def _delta(self, text: str) -> bytes:
        return self._head + to_json(text) + b"}}\n\n"

    def _close(self) -> bytes:
        if self._kind is None:
            return b""
        signed = b""
        if self._kind == "thinking" and (signature := signature_of(self._wire, self._thought)):
            delta = {"type": "signature_delta", "signature": signature}
            signed = _event("content_block_delta", {"index": self._index, "delta": delta})
        self._kind = None
        return signed + _event("content_block_stop", {"index": self._index})


def _event(kind: str, fields: Mapping[str, Any]) -> bytes:
    return named_event(kind.encode(), {"type": kind, **fields})
