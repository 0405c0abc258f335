"""Writes a response as a stream: events in order, numbered, each item opened and closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from handrail import ReasoningDelta, Retraction

from handrail_server._dialects._responses._items import CallItem, MessageItem, OpenItem, ReasoningItem
from handrail_server._dialects._responses._output import annotations_of, calls_of, response_object, status_of
from handrail_server._dialects._responses._tools import namespaces_of
from handrail_server._dialects._writing import ItemWriter
from handrail_server._sse import KEEP_ALIVE, named_event

if TYPE_CHECKING:
    from handrail_server._dialects._dialect import Ended, Heading
    from handrail_server._dialects._responses._body import ResponsesBody
    from handrail_server._errors import ApiError


class ResponseWriter(ItemWriter):
    """Writes the events of one response.

    Tool calls are written when the answer has ended and no rail has stopped it, for clients act on an item once it is
    done, whatever the response says later.

    Args:
        heading: what names it.
        body: what was asked for.
    """

    keep_alive = KEEP_ALIVE

    def __init__(self, heading: Heading, body: ResponsesBody) -> None:
        super().__init__()
        self._heading = heading
        self._body = body
        self._numbers = Numbers()
        self._items: list[OpenItem] = []
        self._open: MessageItem | ReasoningItem | None = None
        self._kind = "output_text"
        self._withdrawn = 0  # items, which are never written again

    def begin(self) -> bytes:
        """Return the events that a response begins with."""
        fields = {"response": response_object(self._heading, self._body, "in_progress", ())}
        return self._event("response.created", fields) + self._event("response.in_progress", fields)

    def learn(self, wire: Mapping[str, Any], calls: Mapping[int, Mapping[str, Any]]) -> None:  # noqa: ARG002  # the protocol's
        """Take what the model's server has said of the answer by now."""
        self._kind = "refusal" if wire.get("refusal") else "output_text"

    def text(self, text: str) -> bytes:
        """Return the events for text of the answer."""
        return self._said(text, self._kind)

    def other(self, item: object) -> bytes:
        """Return the events for reasoning; tool calls wait for the end."""
        if isinstance(item, Retraction):
            self._withdraw()
        return self._thought(item.text) if isinstance(item, ReasoningDelta) else b""

    def finish(self, ended: Ended, error: ApiError | None) -> bytes:
        """Return the events that close every item, and the one that ends the response."""
        parts: list[bytes] = []
        if ended.refusal is not None:
            said = self.apart(ended.refusal)
            parts += [self._said(said, "output_text")] if ended.refusal.as_text else []
            parts += [self._said(ended.refusal.message, "refusal")] if ended.refusal.as_refusal else []
        status = status_of(ended)
        told: tuple[str, ...] = ()
        if isinstance(self._open, MessageItem):
            self._open.annotations, told = annotations_of(ended), ("annotations",)
        parts += [self._close(status), *self._calls(ended, status)]
        if error is not None:
            return b"".join(parts) + self._failed(error, ended)
        fields = response_object(self._heading, self._body, status, self._output(), ended=ended, told=told)
        return b"".join(parts) + self._event(f"response.{status}", {"response": fields})

    def fail(self, error: ApiError) -> bytes:
        """Return the events that end a response which has failed; what was delivered stays in it."""
        return self._close("incomplete") + self._failed(error)

    def _failed(self, error: ApiError, ended: Ended | None = None) -> bytes:
        told = error.body()["error"]
        fields = response_object(self._heading, self._body, "failed", self._output(), ended=ended, error=error)
        flat = {name: told[name] for name in ("code", "message", "param")}
        return self._event("error", {**flat, "error": told}) + self._event("response.failed", {"response": fields})

    def _said(self, text: str, kind: str) -> bytes:
        self.has_text = True
        opened, item = b"", self._open
        if not isinstance(item, MessageItem):
            item = MessageItem(self._heading, self._numbers, self._place())
            opened = self._begin(item)
        return opened + item.add(text, kind)

    def _thought(self, text: str) -> bytes:
        opened, item = b"", self._open
        if not isinstance(item, ReasoningItem):
            item = ReasoningItem(self._heading, self._numbers, self._place())
            opened = self._begin(item)
        return opened + item.add(text)

    def _calls(self, ended: Ended, status: str) -> Iterator[bytes]:
        namespaces = namespaces_of(self._body.tools)
        for call, custom in calls_of(ended):
            item = CallItem(self._heading, self._numbers, self._place(), call, custom=custom, namespaces=namespaces)
            self._items.append(item)
            yield item.begin() + item.end(status)

    def _withdraw(self) -> None:
        """Forget what was delivered: an event that closes an item would repeat what is to be withdrawn."""
        self._withdrawn = self._place()
        self._items, self._open, self.has_text = [], None, False

    def _place(self) -> int:
        """Return the number of the next item."""
        return self._withdrawn + len(self._items)

    def _begin(self, item: MessageItem | ReasoningItem) -> bytes:
        closed = self._close("completed")
        self._open = item
        self._items.append(item)
        return closed + item.begin()

    def _close(self, status: str) -> bytes:
        item, self._open = self._open, None
        return item.end(status) if item is not None else b""

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
