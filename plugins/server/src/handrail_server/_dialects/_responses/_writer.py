"""Writes a response as a stream: events in order, numbered, each item opened and closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from handrail import ReasoningDelta, Retraction, ToolCallDelta

from handrail_server._dialects._responses._items import CallItem, MessageItem, OpenItem, ReasoningItem
from handrail_server._dialects._responses._output import annotations_of, response_object, status_of
from handrail_server._sse import KEEP_ALIVE, named_event

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Ended, Heading
    from handrail_server._dialects._responses._body import ResponsesBody
    from handrail_server._errors import ApiError

PARAGRAPH = "\n\n"


class ResponseWriter:
    """Writes the events of one response.

    Args:
        heading: what names it.
        body: what was asked for.
    """

    keep_alive = KEEP_ALIVE

    def __init__(self, heading: Heading, body: ResponsesBody) -> None:
        self._heading = heading
        self._body = body
        self._numbers = Numbers()
        self._items: list[OpenItem] = []
        self._open: MessageItem | ReasoningItem | None = None
        self._calls: dict[int, CallItem] = {}
        self._beside: Mapping[int, Mapping[str, Any]] = {}
        self._kind = "output_text"
        self._has_text = False
        self._withdrawn = 0  # items, which are never written again

    def begin(self) -> bytes:
        """Return the events that a response begins with."""
        fields = {"response": response_object(self._heading, self._body, "in_progress", ())}
        return self._event("response.created", fields) + self._event("response.in_progress", fields)

    def learn(self, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]) -> None:
        """Take what the model's server has said of the answer by now."""
        self._kind = "refusal" if wire.get("refusal") else "output_text"
        self._beside = calls

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
        """Return the events that close every item, and the one that ends the response."""
        parts: list[bytes] = []
        if ended.refusal is not None:
            said = PARAGRAPH + ended.refusal.message if self._has_text else ended.refusal.message
            parts += [self._text(said, "output_text")] if ended.refusal.as_text else []
            parts += [self._text(ended.refusal.message, "refusal")] if ended.refusal.as_refusal else []
        status = status_of(ended)
        told: tuple[str, ...] = ()
        if isinstance(self._open, MessageItem):
            self._open.annotations, told = annotations_of(ended), ("annotations",)
        parts.append(self._close_all(status, stopped=ended.response.stop is not None))
        if error is not None:
            return b"".join(parts) + self._failed(error, ended)
        fields = response_object(self._heading, self._body, status, self._output(), ended=ended, told=told)
        return b"".join(parts) + self._event(f"response.{status}", {"response": fields})

    def fail(self, error: ApiError) -> bytes:
        """Return the events that end a response which has failed; what was delivered stays in it."""
        return self._close_all("incomplete", stopped=True) + self._failed(error)

    def _failed(self, error: ApiError, ended: Ended | None = None) -> bytes:
        told = error.body()["error"]
        fields = response_object(self._heading, self._body, "failed", self._output(), ended=ended, error=error)
        flat = {name: told[name] for name in ("code", "message", "param")}
        return self._event("error", {**flat, "error": told}) + self._event("response.failed", {"response": fields})

    def _text(self, text: str, kind: str | None = None) -> bytes:
        self._has_text = True
        opened = b""
        if not isinstance(self._open, MessageItem):
            opened = self._close()
            self._open = MessageItem(self._heading, self._numbers, self._place())
            self._items.append(self._open)
            opened += self._open.begin()
        return opened + self._open.add(text, kind or self._kind)

    def _other(self, item: object) -> bytes:
        if isinstance(item, ReasoningDelta):
            opened = b""
            if not isinstance(self._open, ReasoningItem):
                opened = self._close()
                self._open = ReasoningItem(self._heading, self._numbers, self._place())
                self._items.append(self._open)
                opened += self._open.begin()
            return opened + self._open.add(item.text)
        if isinstance(item, Retraction):
            self._withdraw()
        return self._call(item) if isinstance(item, ToolCallDelta) else b""

    def _withdraw(self) -> None:
        """Forget what was delivered: an event that closes an item would repeat what is to be withdrawn."""
        self._withdrawn = self._place()
        self._items, self._open, self._has_text = [], None, False
        self._calls.clear()

    def _place(self) -> int:
        """Return the number of the next item."""
        return self._withdrawn + len(self._items)

    def _call(self, delta: ToolCallDelta) -> bytes:
        opened = b""
        if delta.index not in self._calls:
            opened = self._close()
            custom = delta.kind == "custom" or self._beside.get(delta.index, {}).get("type") == "custom"
            call = CallItem(self._heading, self._numbers, self._place(), delta, custom=custom)
            self._calls[delta.index] = call
            self._items.append(call)
            opened += call.begin()
        return opened + self._calls[delta.index].add(delta.arguments)

    def _close(self) -> bytes:
        closed = self._open.end("completed") if self._open is not None else b""
        self._open = None
        return closed

    def _close_all(self, status: str, *, stopped: bool) -> bytes:
        """Close what is open. Calls of an answer that was stopped are left out: nobody is to run them."""
        self._open = None
        if stopped:
            self._items = [item for item in self._items if not isinstance(item, CallItem)]
        return b"".join(item.end(status) for item in self._items if not item.closed)

    def _output(self) -> list[dict[str, Any]]:
        return [item.item() for item in self._items]

    def _event(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        return self._numbers.event(kind, fields)


class Numbers:
    """Numbers the events of one response."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        """Return the next number."""
        self._next += 1
        return self._next - 1

    def event(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        """Return an event with its number."""
        return named_event(kind.encode(), {"type": kind, "sequence_number": self.take(), **fields})
