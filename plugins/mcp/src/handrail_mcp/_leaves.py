"""Everything that a message says: its texts in order, and the same message with other texts in their places."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from handrail.files import readable_text

_FREE = frozenset({"arguments", "structuredContent", "data", "requestedSchema"})
"""Below these, keys are whatever somebody wrote, and nothing is a word of the protocol."""

_WORDS = frozenset(
    {"type", "role", "mimeType", "protocolVersion", "resultType", "level", "action", "stopReason", "progressToken",
     "taskId", "status", "$schema", "lastModified", "traceparent", "tracestate", "cacheScope", "method"}
)  # fmt: skip
"""Fields whose values are words of the protocol, as long as they look like it."""

_TOKENS = frozenset({"nextCursor", "cursor", "requestState", "subscriptionId"})
"""Fields whose values are for the server that made them, and for nobody else."""

_WORD = re.compile(r"[\w.+/:#=,-]{0,100}(?:; ?charset=[\w-]{1,20})?", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9+/_.-]*={0,2}")
_DATA_URL = re.compile(r"\s*data:([\x21-\x2b\x2d-\x7e]*),", re.IGNORECASE)
_USUAL = bytes.maketrans(b"-_", b"+/")
_NAME = re.compile(r"[A-Za-z_$@][\w$./:-]{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a message.

    Attributes:
        text: what it says.
        run: texts with the same one are read as one text, in their order; None for a text that stands for itself.
    """

    text: str
    run: object = None


def texts_of(value: object) -> list[Text]:
    """Return what a value says: its texts and numbers, and the keys that are no names of the protocol."""
    found: list[Text] = []

    def note(text: Text) -> str:
        found.append(text)
        return text.text

    _walk(value, note)
    return found


def rewritten(value: Any, texts: list[str]) -> Any:
    """Return the value with other texts in the places that `texts_of` found. A number that changes becomes a text.

    Raises:
        ValueError: two keys of one mapping are the same now.
    """
    left = iter(texts)
    made = _walk(value, lambda _text: next(left))
    if next(left, None) is not None:
        raise ValueError("there are more texts than places")
    return made


def _walk(value: Any, visit: Callable[[Text], str], *, name: str = "", free: bool = False, run: object = None) -> Any:
    if isinstance(value, str):
        return value if _is_protocol(name, value, free=free) else _walk_text(value, visit, run)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        text = repr(value)
        new = visit(Text(text)) if free else text
        return value if new == text else new
    if isinstance(value, list):
        runs = _runs(value)
        return [_walk(one, visit, name=name, free=free, run=own) for one, own in zip(value, runs, strict=True)]
    return _walk_mapping(value, visit, free=free, run=run)


def _walk_text(value: str, visit: Callable[[Text], str], run: object) -> str:
    """Read a text, and what is text in it where it is a data URL; that URL has what became of either."""
    inside = _text_of_data_url(value)
    new_inside = visit(Text(inside)) if inside else inside
    new = visit(Text(value, run))
    return new if new_inside == inside else f"data:text/plain;charset=utf-8,{quote(new_inside)}"


def _text_of_data_url(value: str) -> str:
    head = _DATA_URL.match(value)
    if head is None:
        return ""
    media_type, *parameters = head[1].lower().split(";")
    raw = unquote_to_bytes(value[head.end() :])
    if "base64" in parameters:
        try:
            raw = b64decode(raw.translate(_USUAL, b"=\t\r\n") + b"==")
        except ValueError:
            return ""
    return readable_text(raw, media_type or "text/plain") or ""


def _walk_mapping(value: dict[str, Any], visit: Callable[[Text], str], *, free: bool, run: object) -> dict[str, Any]:
    is_binary = not free and value.get("type") in ("image", "audio")
    made: dict[str, Any] = {}
    for key, below in value.items():
        new = visit(Text(key)) if free or not _NAME.fullmatch(key) else key
        if new in made:
            raise ValueError("two keys of one mapping are the same after a rewrite")
        if _is_bytes(key, below, is_binary=is_binary, free=free):
            made[new] = _walk_bytes(below, visit, value.get("mimeType"))
        else:
            made[new] = _walk(below, visit, name=key, free=free or key in _FREE, run=run if key == "text" else None)
    return made


def _runs(values: list[Any]) -> list[object]:
    """Return for each value the run it belongs to: blocks of text that follow one another are one text."""
    runs: list[object] = []
    for one in values:
        is_text = isinstance(one, dict) and one.get("type") == "text"
        before = runs[-1] if runs else None
        runs.append((before or object()) if is_text else None)
    return runs


def _is_protocol(name: str, value: str, *, free: bool) -> bool:
    if free:
        return False
    return bool((name in _WORDS and _WORD.fullmatch(value)) or (name in _TOKENS and _TOKEN.fullmatch(value)))


def _is_bytes(key: str, value: object, *, is_binary: bool, free: bool) -> bool:
    """Return whether a value is where the protocol has an image, a sound or a file."""
    return (key == "blob" or (key == "data" and is_binary)) and not free and isinstance(value, str)


def _walk_bytes(value: str, visit: Callable[[Text], str], media_type: object) -> str:
    """Read a file: what is text in it, or the value itself where it is not base64."""
    try:
        raw = b64decode(value, validate=True)
    except ValueError:
        return visit(Text(value))
    text = readable_text(raw, media_type if isinstance(media_type, str) else "")
    if not text:
        return value
    new = visit(Text(text))
    return value if new == text else b64encode(new.encode(errors="replace")).decode()
