"""The parts of a Messages event that matter: decoded without the rest, or tolerantly where that cannot be done."""

from __future__ import annotations

from typing import Any, TypeVar

from handrail_http import NotAnEventError, clean, json_object
from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import Decoder

T = TypeVar("T", "Event", "Message")


class Delta(Struct):
    """What an event adds to a block, or to the message."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Any = None
    stop_reason: str | None = None
    stop_sequence: Any = None
    stop_details: Any = None


class Block(Struct):
    """A block of content as it begins; or a whole one, of an answer in one piece."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: Any = None
    id: Any = None
    name: str | None = None
    input: Any = None
    citations: Any = None


class Head(Struct):
    """The message as it begins."""

    id: Any = None
    model: Any = None
    usage: Any = None


class Message(Head):
    """A whole message, of an answer in one piece."""

    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: Any = None
    stop_details: Any = None


class Event(Struct):
    """One event of a stream, of any type."""

    type: str | None = None
    index: int | None = None
    message: Head | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Any = None
    error: Any = None


_KINDS = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "signature": "signature_delta",
    "partial_json": "input_json_delta",
    "citation": "citations_delta",
}
_events = Decoder(Event)
_messages = Decoder(Message)


def decode(data: bytes) -> Event:
    """Return what one `data` field says. No data at all, a comment and `[DONE]` are signs of life.

    Raises:
        NotAnEventError: it is not an event of the protocol; the text quotes nothing of it.
    """
    try:
        return _events.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        said = data.strip()
        return Event("ping") if said in (b"", b"[DONE]") or said[:1] == b":" else _tolerantly(data, Event, "an event")


def kind_of(delta: Delta) -> str:
    """Return the type of a delta by what it has, as some gateways leave the type out; empty if it has nothing."""
    return next((kind for name, kind in _KINDS.items() if getattr(delta, name) is not None), "")


def decode_message(data: bytes) -> Message:
    """Return a whole message, of a server that does not stream.

    Raises:
        NotAnEventError: it is not a message of the protocol.
    """
    try:
        return _messages.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return _tolerantly(data, Message, "a message")


def decode_block(data: bytes, index: int | None = None) -> dict[str, Any]:
    """Return a block with all its fields: that of an event, or one of a whole message.

    Raises:
        NotAnEventError: there is none.
    """
    found = json_object(data)
    block = found.get("content_block") if index is None else found["content"][index]
    cleaned = clean(block)
    if not isinstance(cleaned, dict):
        raise NotAnEventError("a block that is not an object")
    return cleaned


def _tolerantly(data: bytes, kind: type[T], what: str) -> T:
    """Decode what is only odd: `NaN`, halves of a surrogate pair, bytes that are not UTF-8, numbers as text."""
    found = json_object(data)
    try:
        return convert(found, kind, strict=False)
    except (ValidationError, UnicodeEncodeError, RecursionError) as exc:
        raise NotAnEventError(f"{len(data)} bytes that are not {what}: {type(exc).__name__}") from None
