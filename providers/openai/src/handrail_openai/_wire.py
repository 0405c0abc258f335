"""The parts of a chunk of Chat Completions that matter, decoded without building the rest."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import UNSET, DecodeError, Struct, UnsetType
from msgspec.json import Decoder


class Function(Struct):
    """Of a tool call: the function's name and the next characters of its arguments."""

    name: str | None = None
    arguments: str | None = None


class ToolFragment(Struct):
    """A fragment of a tool call; servers leave out what they have said before, or repeat it."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Part(Struct):
    """A part of content in parts, as some servers send text and reasoning."""

    type: str | None = None
    text: str | None = None
    thinking: str | list[Part] | None = None


Content: TypeAlias = str | list[Part] | None


class Delta(Struct):
    """What a chunk adds to the answer; or, of an answer in one piece, the answer."""

    content: Content = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolFragment] | None = None


class Choice(Struct):
    """One of the answers; there is only one."""

    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class Tokens(Struct):
    """What the call has cost."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Event(Struct):
    """One event of the stream.

    `message`, `type` and `code` belong to an error that some servers send without a frame around it.
    """

    choices: list[Choice] | UnsetType | None = UNSET
    usage: Tokens | None = None
    error: Any = None
    id: Any = None
    model: Any = None
    object: Any = None
    message: Any = None
    type: Any = None
    code: Any = None


_decode = Decoder(Event).decode


class NotAChunkError(ValueError):
    """The data of an event is no JSON, or not of the protocol. The text says what, and quotes none of it."""


def decode(data: bytes) -> Event:
    """Decode the data of one event.

    Raises:
        NotAChunkError: it is no JSON object of the protocol.
    """
    try:
        return _decode(data)
    except DecodeError as exc:  # its text names types and places, never values
        problem = str(exc)
    except UnicodeDecodeError:
        problem = "it is no UTF-8"
    raise NotAChunkError(f"{len(data)} bytes: {problem}")
