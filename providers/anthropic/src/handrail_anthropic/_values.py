"""Reads single values of the protocol as servers send them: of another type, not finite, or in halves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_DEEPEST = 64


def clean(value: Any, depth: int = 0) -> Any:
    """Return a value that any JSON can hold: numbers are finite, texts have whole characters, nesting has an end."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
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


def count_of(value: object) -> int:
    """Return a number of tokens; 0 if it is none."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return max(int(value), 0) if is_number and math.isfinite(value) else 0  # type: ignore[arg-type,call-overload]  # it is one


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
