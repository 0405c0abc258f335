"""The items of a response while they are written: each knows its place, what it has said, and how it closes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from handrail_server._dialects._responses._output import (
    Item,
    call_item,
    message_item,
    named,
    reasoning_item,
    refusal_part,
    text_part,
)
from handrail_server._sse import to_json

if TYPE_CHECKING:
    from handrail import ToolCall

    from handrail_server._dialects._dialect import Heading


class EventNumbers(Protocol):
    """Numbers events."""

    def take(self) -> int:
        """Return the next number."""
        ...

    def event(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        """Return an event with its number."""
        ...


class OpenItem:
    """An item of a response.

    Args:
        heading: what names the response.
        numbers: number the events.
        place: which item it is.
        kind: what its id begins with.
    """

    def __init__(self, heading: Heading, numbers: EventNumbers, place: int, kind: str) -> None:
        self.id = named(heading, kind, place)
        self.status = "in_progress"
        self.numbers = numbers
        self.place = {"output_index": place}

    @property
    def closed(self) -> bool:
        """True once it has ended."""
        return self.status != "in_progress"

    def item(self) -> Item:
        """Return the item as far as it has come."""
        raise NotImplementedError

    def begin(self) -> bytes:
        """Return the events that open it."""
        return self.event("response.output_item.added", {"item": self.item()})

    def end(self, status: str) -> bytes:
        """Return the events that close it."""
        ends = self.ends()
        self.status = status
        return ends + self.event("response.output_item.done", {"item": self.item()})

    def ends(self) -> bytes:
        """Return the events that close its parts."""
        return b""

    def event(self, kind: str, fields: Mapping[str, Any]) -> bytes:
        """Return an event about it."""
        return self.numbers.event(kind, {**self.place, **fields})

    def deltas(self, kind: str, more: Mapping[str, Any]) -> Deltas:
        """Return what writes its deltas of a kind."""
        return Deltas(self.numbers, kind, {"item_id": self.id, **self.place, **more})


class Deltas:
    """Writes deltas, of which there are many: all that is the same in each is encoded once."""

    def __init__(self, numbers: EventNumbers, kind: str, fields: Mapping[str, Any]) -> None:
        self._numbers = numbers
        named = kind.encode()
        self._head = b"event: %b\ndata: %b" % (named, to_json({"type": kind, **fields})[:-1] + b',"delta":')

    def write(self, text: str) -> bytes:
        """Return an event with the next characters."""
        return self._head + to_json(text) + b',"sequence_number":%d}\n\n' % self._numbers.take()


class MessageItem(OpenItem):
    """What the model says: parts of text or refusal, one after another."""

    def __init__(self, heading: Heading, numbers: EventNumbers, place: int) -> None:
        super().__init__(heading, numbers, place, "msg")
        self.annotations: list[Any] = []
        self._done: list[Item] = []
        self._kind = ""
        self._texts: list[str] = []
        self._deltas: Deltas | None = None

    def item(self) -> Item:
        """Return the item as far as it has come."""
        return message_item(self.id, self._done, self.status)

    def add(self, text: str, kind: str) -> bytes:
        """Return the events of the next characters."""
        opened, deltas = b"", self._deltas
        if deltas is None or kind != self._kind:
            opened, deltas = self._begin_part(kind)
        self._texts.append(text)
        return opened + deltas.write(text)

    def ends(self) -> bytes:
        """Return the events that close the part that is open."""
        if self._deltas is None:
            return b""
        self._deltas = None
        text = "".join(self._texts)
        part = refusal_part(text) if self._kind == "refusal" else text_part(text, self.annotations)
        place = {"item_id": self.id, "content_index": len(self._done)}
        notes = b"".join(
            self.event("response.output_text.annotation.added", {**place, "annotation_index": n, "annotation": note})
            for n, note in enumerate(part.get("annotations", ()))
        )
        if self._kind == "refusal":
            said = self.event("response.refusal.done", {**place, "refusal": text})
        else:
            said = self.event("response.output_text.done", {**place, "text": text, "logprobs": []})
        self._done.append(part)
        return notes + said + self.event("response.content_part.done", {**place, "part": part})

    def _begin_part(self, kind: str) -> tuple[bytes, Deltas]:
        before = self.ends()
        self._kind = kind
        self._texts.clear()
        place: dict[str, Any] = {"content_index": len(self._done)}
        part = refusal_part("") if kind == "refusal" else text_part("")
        more = place if kind == "refusal" else {**place, "logprobs": []}
        self._deltas = deltas = self.deltas(f"response.{kind}.delta", more)
        return before + self.event("response.content_part.added", {"item_id": self.id, **place, "part": part}), deltas


class ReasoningItem(OpenItem):
    """What the model thinks, as one part of a summary."""

    def __init__(self, heading: Heading, numbers: EventNumbers, place: int) -> None:
        super().__init__(heading, numbers, place, "rs")
        self._texts: list[str] = []
        self._place = {"item_id": self.id, "summary_index": 0}
        self._deltas = self.deltas("response.reasoning_summary_text.delta", {"summary_index": 0})

    def item(self) -> Item:
        """Return the item as far as it has come."""
        return reasoning_item(self.id, "".join(self._texts) if self.closed else "", self.status)

    def begin(self) -> bytes:
        """Return the events that open it."""
        opened = super().begin()  # first, as it takes the first number
        part = {"type": "summary_text", "text": ""}
        return opened + self.event("response.reasoning_summary_part.added", {**self._place, "part": part})

    def add(self, text: str) -> bytes:
        """Return the event of the next characters."""
        self._texts.append(text)
        return self._deltas.write(text)

    def ends(self) -> bytes:
        """Return the events that close its part."""
        text = "".join(self._texts)
        part = {"type": "summary_text", "text": text}
        said = self.event("response.reasoning_summary_text.done", {**self._place, "text": text})
        return said + self.event("response.reasoning_summary_part.done", {**self._place, "part": part})


class CallItem(OpenItem):
    """A tool call, which is written as a whole."""

    def __init__(
        self,
        heading: Heading,
        numbers: EventNumbers,
        place: int,
        call: ToolCall,
        *,
        custom: bool,
        namespaces: Mapping[str, tuple[str, str]],
    ) -> None:
        super().__init__(heading, numbers, place, "ctc" if custom else "fc")
        self._call = call
        self._custom = custom
        self._namespaces = namespaces
        self._kind = "custom_tool_call_input" if custom else "function_call_arguments"

    def item(self) -> Item:
        """Return the item; what was said only once it is closed."""
        said = self._call.arguments if self.closed else ""
        call_id = self._call.id or self.id
        return call_item(
            self.id,
            call_id,
            self._call.name,
            said,
            custom=self._custom,
            status=self.status,
            namespaces=self._namespaces,
        )

    def ends(self) -> bytes:
        """Return the events with what was said, as a delta and whole."""
        said = self._call.arguments
        field = "input" if self._custom else "arguments"
        deltas = self.deltas(f"response.{self._kind}.delta", {}).write(said) if said else b""
        return deltas + self.event(f"response.{self._kind}.done", {"item_id": self.id, field: said})
