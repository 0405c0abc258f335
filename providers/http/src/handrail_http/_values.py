"""Reads single values as servers send them: of another type, not finite, or in halves; and writes plain ones."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import NoneType
from typing import Any

from msgspec.json import encode

from handrail_http._problems import NotAnEventError

_DEEPEST = 64
_LARGE = 1024 * 1024
_MOST_VALUES = 500_000
_MOST = 2**53  # up to which every number is exact, also as a float


def text_of(value: object, what: str) -> str:
    """Return a text; empty if there is none.

    Raises:
        NotAnEventError: it is something else, so that it cannot be what the model said.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise NotAnEventError(f"{what} is of type {type(value).__name__}")


def word_of(value: object) -> str | None:
    """Return an id or a name as text, of whatever type it came; None if it is empty."""
    if isinstance(value, str):
        return clean_text(value) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def count_of(value: object) -> int | None:
    """Return a number of tokens, also where it came as a float or as text; None if it is none, or too large for one."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
        return None
    return int(value)


def json_text(value: object, what: str) -> str:
    """Return arguments as JSON text, also where they came as an object."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping | list):
        return json.dumps(clean(value), ensure_ascii=False)
    raise NotAnEventError(f"{what} is of type {type(value).__name__}")


def json_object(data: bytes) -> dict[str, Any]:
    """Decode a JSON object with everything in it.

    Tolerated are `NaN` and `Infinity`, halves of a surrogate pair, control characters within texts, a byte order mark,
    a list around the object, as Gemini sends errors, and bytes that are not UTF-8, which become U+FFFD.

    Raises:
        NotAnEventError: it is not a JSON object, or one of too many values.
    """
    if len(data) > _LARGE and data.count(b",") + data.count(b"[") + data.count(b"{") > _MOST_VALUES:
        raise NotAnEventError(f"{len(data)} bytes: it has more than {_MOST_VALUES} values")
    problem = "it is not a JSON object"
    try:
        found = json.loads(data.decode("utf-8-sig", "replace"), strict=False)
    except json.JSONDecodeError as exc:  # its text has places, and never values
        problem = f"it is not valid JSON ({exc.msg} at character {exc.pos})"
    except (ValueError, RecursionError):
        problem = "it is not valid JSON (a number is too long, or values are nested too deeply)"
    else:
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, dict):
            return found
    raise NotAnEventError(f"{len(data)} bytes: {problem}")


def plain_json(value: object) -> bytes | None:
    """Return a value as JSON, three to ten times as fast as SDKs do: a long conversation holds the loop meanwhile.

    None if there is anything in it but plain values, which an SDK knows how to write, or refuses.
    """
    try:
        return encode(value) if _is_plain(value) else None
    except (RecursionError, ValueError, OverflowError):
        return None


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind in (str, int, bool, NoneType):
        return True
    if kind is float:
        return math.isfinite(value)  # type: ignore[arg-type]  # it is one
    if isinstance(value, dict):
        return all(type(name) is str for name in value) and all(map(_is_plain, value.values()))
    return isinstance(value, list | tuple) and all(map(_is_plain, value))


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
        if not self.held and text.isascii():
            return text
        text, self.held = self.held + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self.held = text[:-1], text[-1]
        return clean_text(text)

    def finish(self) -> str:
        """Return U+FFFD for a half that was left."""
        held, self.held = self.held, ""
        return "\ufffd" if held else ""
