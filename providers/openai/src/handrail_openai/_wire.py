"""Decodes the data of one event: quickly where it is what most events are, else tolerantly and as a whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from handrail_http import ErrorEvent, NotAnEventError, json_object, word_of
from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

Json: TypeAlias = Mapping[str, Any]

DONE = (b"[DONE]", b'"[DONE]"')
"""What the data of the last event begins with."""

_WITHOUT_CHOICES = frozenset(
    (
        *("citations", "created", "id", "model", "object", "obfuscation", "prompt_filter_results", "provider"),
        *("search_results", "service_tier", "system_fingerprint", "timings", "usage", "x_groq"),
    )
)
_CHUNKS = frozenset(("chat.completion", "chat.completion.chunk"))
_SIGNS_OF_LIFE = frozenset(("heartbeat", "keep-alive", "keep_alive", "keepalive", "ping"))


class PlainFunction(Struct, forbid_unknown_fields=True):
    """More of the arguments of a tool call."""

    arguments: str
    name: None = None


class PlainFragment(Struct, forbid_unknown_fields=True):
    """A fragment of a tool call that goes on."""

    index: int
    function: PlainFunction
    id: None = None
    type: str | None = None


class PlainDelta(Struct, forbid_unknown_fields=True):
    """A delta with nothing but text, reasoning or more of a tool call in it."""

    content: str | None = None
    role: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[PlainFragment] | None = None
    refusal: None = None
    function_call: None = None
    annotations: None = None
    audio: None = None


class PlainChoice(Struct, forbid_unknown_fields=True):
    """A choice with such a delta, that goes on."""

    delta: PlainDelta
    index: int = 0
    finish_reason: Literal["", "null"] | None = None
    content_filter_results: Raw = Raw()
    native_finish_reason: None = None
    stop_reason: None = None
    matched_stop: None = None
    logprobs: None = None
    token_ids: None = None


class PlainEvent(Struct, forbid_unknown_fields=True):
    """An event with such choices, and nothing beside them that could be news."""

    choices: list[PlainChoice]
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    provider: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: None = None
    obfuscation: str | None = None
    p: str | None = None  # Mistral's obfuscation


_decode = Decoder(PlainEvent).decode
_SIGN_OF_LIFE = re.compile(
    rb"""[\s\[\]{}"'.]*(?:(?:ping|pong|keep[ _-]?alive|heart[ _-]?beat|processing|null)\b[^{]{0,80})?""", re.IGNORECASE
)


def plain(data: bytes) -> PlainEvent | None:
    """Decode an event that has text and nothing unusual; None for all others, which `whole` decodes."""
    try:
        return _decode(data)
    except (DecodeError, ValidationError, UnicodeDecodeError):
        return None


def whole(data: bytes) -> Json | None:
    """Decode an event with everything in it; None for a sign of life, which has no JSON object.

    Tolerated are `NaN` and `Infinity`, halves of a surrogate pair, and bytes that are not UTF-8, which become U+FFFD.

    Raises:
        NotAnEventError: it is not a JSON object, or one of too many values.
    """
    if data.startswith(b":") or _SIGN_OF_LIFE.fullmatch(data.strip()):
        return None
    return json_object(data)


def raise_error(event: Json) -> None:
    """Raise an `ErrorEvent` if the event is an error, in any of the forms that servers give it."""
    error = event.get("error") or event.get("errors")
    if not error and isinstance(choices := event.get("choices"), list) and choices:
        error = choices[0].get("error") if isinstance(choices[0], Mapping) else None
    if error:
        raise ErrorEvent(error)
    if "error" in (event.get("object"), event.get("type")) or (
        event.get("choices") is None and any(event.get(name) for name in ("message", "detail", "msg"))
    ):
        raise ErrorEvent({name: event.get(name) for name in ("message", "detail", "msg", "type", "code")})


def has_choices(event: Json) -> bool:
    """Return whether this is an event of an answer rather than a sign of life.

    Raises:
        NotAnEventError: it is neither.
    """
    choices = event.get("choices")
    if isinstance(choices, list):
        return True
    if str(event.get("type", "")).lower() in _SIGNS_OF_LIFE:
        return False
    is_chunk = word_of(event.get("object")) in _CHUNKS
    if choices is not None or not (is_chunk or event.keys() - {"choices"} <= _WITHOUT_CHOICES):
        raise NotAnEventError("a JSON object without 'choices'")
    return True
