"""Server-sent events: bytes in any pieces to decoded events, and back."""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any

from handrail_hosts._errors import GuardFailedError

DONE = "[DONE]"
KEEP_ALIVE = b": waiting\n\n"
_MOST = 4 * 2**20  # characters of one event
_LINE_END = r"(?:\r\n|\n|\r(?!\n))"
_END = re.compile(_LINE_END * 2)
_LINE = re.compile(r"\r\n|\n|\r")
_USUAL = re.compile(r"(?:event: ([a-z_.]+)\n)?data: (\{[^\r\n]*\})\n\n")
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


class EventReader:
    """Splits a body into events. Whatever is not data, such as ids and the time to wait before a retry, is left out."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")("strict")
        self._held = ""
        self._is_first = True

    def feed(self, body: bytes | str) -> Iterator[dict[str, Any] | str]:
        """Yield the events that are complete: decoded, `DONE` for the mark of the end, "" for a sign of life.

        Raises:
            GuardFailedError: an event is not JSON, or too long, so that no rail can judge it.
        """
        try:
            self._held += body if isinstance(body, str) else self._decode.decode(body)
        except UnicodeDecodeError:
            raise GuardFailedError("the answer is not valid UTF-8") from None
        if self._is_first and self._held:
            self._is_first, self._held = False, self._held.removeprefix("\ufeff")
        if (usual := _USUAL.fullmatch(self._held)) and usual[1] != "error" and len(self._held) <= _MOST:
            self._held = ""
            yield _parsed(usual[2])
            return
        *events, self._held = _END.split(self._held)
        if max(map(len, (*events, self._held))) > _MOST:
            raise GuardFailedError(f"an event of the answer exceeds the limit of {_MOST} characters")
        for event in events:
            yield from _decoded(event)

    def finish(self) -> Iterator[dict[str, Any] | str]:
        """Yield the last event, if the body ended without an empty line.

        Raises:
            GuardFailedError: it ended within a character, or the event is not JSON.
        """
        if self._decode.getstate()[0]:
            raise GuardFailedError("the answer is not valid UTF-8")
        if self._held.strip():
            yield from _decoded(self._held)
        self._held = ""


def _decoded(event: str) -> Iterator[dict[str, Any] | str]:
    lines = [line.partition(":") for line in _LINE.split(event) if line]
    data = "\n".join(value.removeprefix(" ") for name, _, value in lines if name == "data")
    if not data:
        if any(not name for name, _, _ in lines):
            yield ""
        return
    if data.strip() == DONE:
        yield DONE
        return
    value = _parsed(data)
    if any(name == "event" and said.strip() == "error" for name, _, said in lines):
        value = {"type": "error", **value, "error": value.get("error") or True}
    yield value


def _parsed(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise GuardFailedError("an event of the answer is not valid JSON") from None
    if not isinstance(value, dict):
        raise GuardFailedError("an event of the answer is not a JSON object")
    return value


def event(value: dict[str, Any]) -> bytes:
    """Return an event; JSON has no raw line breaks, so nothing in it can end the event."""
    kind = value.get("type")
    name = f"event: {kind}\n" if isinstance(kind, str) and kind.isascii() and kind.isprintable() else ""
    return f"{name}data: {_ENCODE(value)}\n\n".encode("ascii")
