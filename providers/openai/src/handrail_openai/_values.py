"""Reads single values of the protocol as servers send them: of another type, not finite, or in halves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handrail import Usage

from handrail_openai._wire import NotAChunkError

if TYPE_CHECKING:
    from handrail_openai._wire import Json

_DEEPEST = 64
_CACHED = ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")


def text_of(value: object, what: str) -> str:
    """Return a text; empty if there is none.

    Raises:
        NotAChunkError: it is something else, so that it cannot be what the model said.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise NotAChunkError(f"{what} is of type {type(value).__name__}")


def word_of(value: object) -> str | None:
    """Return an id or a name as text, of whatever type it came; None if it is empty."""
    if isinstance(value, str):
        return clean_text(value) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def count_of(value: object) -> int | None:
    """Return a number of tokens, also where it came as a float or as text; None if it is none."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return int(value)


def json_text(value: object, what: str) -> str:
    """Return arguments as JSON text, also where they came as an object."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping | list):
        return json.dumps(clean(value), ensure_ascii=False)
    raise NotAChunkError(f"{what} is of type {type(value).__name__}")


def usage_of(usage: object) -> Usage | None:
    """Return what a call has cost, by whichever names the server calls it; None if it does not say."""
    if not isinstance(usage, Mapping):
        return None
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    completion = _first(usage, "completion_tokens", "output_tokens")
    if prompt is None and completion is None:
        return None
    details = _mapping(usage, "prompt_tokens_details", "input_tokens_details")
    cached = _first({**usage, **details}, *_CACHED)
    details = _mapping(usage, "completion_tokens_details", "output_tokens_details")
    reasoning = _first({**usage, **details}, "reasoning_tokens")
    return Usage(prompt or 0, completion or 0, cached_tokens=cached or 0, reasoning_tokens=reasoning or 0)


def clean(value: Any, depth: int = 0) -> Any:
    """Return a value that any JSON can hold: numbers are finite, texts have whole characters, nesting has an end."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return (int(value) if value.is_integer() else value) if math.isfinite(value) else None
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value]
    return value


def clean_text(text: str) -> str:
    """Join halves of surrogate pairs; a half without its other becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Halves:
    """Joins characters whose halves come in two pieces of text, as JSON escapes allow.

    Attributes:
        held: the first half, which waits for the second.
    """

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = ""

    def feed(self, text: str) -> str:
        """Take the next characters, and return those that are whole."""
        text, self.held = self.held + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self.held = text[:-1], text[-1]
        return clean_text(text)

    def finish(self) -> str:
        """Return U+FFFD for a half that was left."""
        held, self.held = self.held, ""
        return "\ufffd" if held else ""


def _first(usage: Json, *names: str) -> int | None:
    return next((count for name in names if (count := count_of(usage.get(name))) is not None), None)


def _mapping(usage: Json, *names: str) -> Json:
    return next((found for name in names if isinstance(found := usage.get(name), Mapping)), {})
