"""The parts of a Messages event that matter, decoded without building the rest."""

from __future__ import annotations

from typing import Any

from msgspec import DecodeError, Struct
from msgspec.json import Decoder


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
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


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


class NotAnEventError(ValueError):
    """The server sent something that is no event of the protocol."""


_events = Decoder(Event)
_messages = Decoder(Message)


def decode(data: bytes) -> Event:
    """Return what one `data` field says.

    Raises:
        NotAnEventError: it is not an event of the protocol; the text quotes nothing of it.
    """
    try:
        return _events.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NotAnEventError(f"{len(data)} bytes that are not an event: {type(exc).__name__}") from None


def decode_message(data: bytes) -> Message:
    """Return a whole message, of a server that does not stream.

    Raises:
        NotAnEventError: it is not a message of the protocol.
    """
    try:
        return _messages.decode(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise NotAnEventError(f"{len(data)} bytes that are not a message: {type(exc).__name__}") from None
