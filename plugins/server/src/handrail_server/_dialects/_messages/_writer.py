"""Writes a message as a stream: one block after another, each opened and closed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail import ReasoningDelta, ToolCallDelta

from handrail_server._dialects._messages._output import beside_of, message_object, signature_of, stop_of, usage_of
from handrail_server._sse import named_event, to_json

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Ended, Heading
    from handrail_server._errors import ApiError

PARAGRAPH = "\n\n"
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


class MessageWriter:
    """Writes the events of one message.

    Args:
        heading: what names it.
        error_body: makes the body of an error.
    """

    keep_alive = named_event(b"ping", {"type": "ping"})

    def __init__(self, heading: Heading, error_body: Any) -> None:
        self._heading = heading
        self._error_body = error_body
        self._wire: Mapping[str, Any] = {}
        self._index = -1  # of the block that was opened last
        self._kind: str | None = None  # of the block that is open
        self._head = b""
        self._thought = 0  # characters
        self._has_text = False
        self._calls = _Calls()
        self._later: list[tuple[str, str]] = []

    def begin(self) -> bytes:
        """Return the event that a message begins with."""
        message = message_object(self._heading, [], _EMPTY_USAGE)
        return _event("message_start", {"message": message})

    def learn(self, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]) -> None:  # noqa: ARG002  # the protocol's
        """Take what the model's server has said of the answer by now."""
        self._wire = wire

    def items(self, items: Sequence[object]) -> bytes:
        """Return events for what was delivered together: text that follows on text goes into one."""
        parts: list[bytes] = []
        texts: list[str] = []
        for item in items:
            if type(item) is str:
                texts.append(item)
                continue
            if texts:
                parts.append(self._text("".join(texts)))
                texts.clear()
            parts.append(self._other(item))
        if texts:
            parts.append(self._text("".join(texts)))
        return b"".join(parts)

    def aside(self, guardrails: Mapping[str, Any]) -> bytes:  # noqa: ARG002  # the protocol's
        """Return nothing: no event of the protocol is about the answer and no part of it."""
        return b""

    def finish(self, ended: Ended, error: ApiError | None) -> bytes:
        """Return the events that close the message, or the error that stands in place of its end."""
        parts = [self._left() if ended.response.stop is None else self._waited()]
        if ended.refusal is not None and ended.refusal.as_text:
            said = PARAGRAPH + ended.refusal.message if self._has_text else ended.refusal.message
            parts += [self._close(), self._text(said)] if self._kind != "text" else [self._text(said)]
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

    def _text(self, text: str) -> bytes:
        self._has_text = True
        return self._said("text", text)

    def _said(self, kind: str, text: str) -> bytes:
        """Return text or thinking; while the arguments of a call are not whole, it waits for them."""
        if self._kind == kind:
            return self._delta(text)
        if self._kind == "tool_use" and not self._calls.end():
            self._later.append((kind, text))
            return b""
        return self._open(kind) + self._delta(text)

    def _other(self, item: object) -> bytes:
        if isinstance(item, ReasoningDelta):
            self._thought += len(item.text)
            return self._said("thinking", item.text)
        if not isinstance(item, ToolCallDelta):
            return b""
        written = b"".join(self._call(piece) for piece in self._calls.take(item))
        return written + self._waited() if self._later and self._calls.end() else written

    def _left(self) -> bytes:
        """Return what had to wait, calls first."""
        return b"".join(self._call(piece) for piece in self._calls.left()) + self._waited()

    def _waited(self) -> bytes:
        waited, self._later = self._later, []
        return b"".join((self._open(kind) if self._kind != kind else b"") + self._delta(text) for kind, text in waited)

    def _call(self, delta: ToolCallDelta) -> bytes:
        opened = b""
        if delta.name is not None:
            block = {"type": "tool_use", "id": delta.id or "", "name": delta.name, "input": {}}
            opened = self._open("tool_use", block)
        return opened + (self._delta(delta.arguments) if delta.arguments else b"")

    def _open(self, kind: str, block: Mapping[str, Any] | None = None) -> bytes:
        closed = self._close()
        self._kind = kind
        self._index += 1
        name, field = _DELTAS[kind]
        self._head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":'
            % (
                self._index,
                name.encode(),
                field.encode(),
            )
        )
        return closed + _event("content_block_start", {"index": self._index, "content_block": block or _EMPTY[kind]})

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


class _Calls:
    """Brings fragments of tool calls into an order in which one call ends before the next begins."""

    def __init__(self) -> None:
        self._current: int | None = None
        self._said = ""
        self._ended: set[int] = set()
        self._waiting: dict[int, list[ToolCallDelta]] = {}

    def take(self, delta: ToolCallDelta) -> list[ToolCallDelta]:
        """Return what can be written now: fragments of the call that is open, or of others once that one is whole."""
        if delta.index in self._ended:  # its arguments were whole, so this is white space
            return []
        if self._current is None:
            self._current, self._said = delta.index, ""
        if delta.index == self._current:
            self._said += delta.arguments
            return [delta]
        self._waiting.setdefault(delta.index, []).append(delta)
        return self._next() if self.end() else []

    def end(self) -> bool:
        """End the call that is open, if its arguments are whole; True if none is open."""
        if self._current is None:
            return True
        try:
            json.loads(self._said or "{}")
        except (ValueError, RecursionError):  # not whole, or too deep to tell
            return False
        self._ended.add(self._current)
        self._current = None
        return True

    def left(self) -> list[ToolCallDelta]:
        """Return what had to wait."""
        return [piece for index in sorted(self._waiting) for piece in self._waiting[index]]

    def _next(self) -> list[ToolCallDelta]:
        pieces: list[ToolCallDelta] = []
        while self._waiting and self.end():
            self._current = min(self._waiting)
            ready = self._waiting.pop(self._current)
            self._said = "".join(piece.arguments for piece in ready)
            pieces += ready
        return pieces


def _event(kind: str, fields: Mapping[str, Any]) -> bytes:
    return named_event(kind.encode(), {"type": kind, **fields})
