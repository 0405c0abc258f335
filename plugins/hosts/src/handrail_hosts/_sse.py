"""Server-sent events: bytes in any pieces to decoded events, and back."""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii
from typing import Any

from handrail_hosts._errors import GuardFailedError

DONE = "[DONE]"
KEEP_ALIVE = b": waiting\n\n"
MOST = 4 * 2**20  # characters of one event
_LINE_END = r"(?:\r\n|\n|\r(?!\n))"
_END = re.compile(_LINE_END * 2)
_LINE = re.compile(r"\r\n|\n|\r")
_USUAL = re.compile(r"(?:event: (?!error\n)[a-z_.]+\n)?data: (?=\{)")
_SIGN_OF_LIFE = re.compile(r'"?(?:ping|pong|keep[ _-]?alive|heart[ _-]?beat|processing|null)"?', re.IGNORECASE)
"""What servers send as data while there is nothing to say; nothing of it is passed on."""
_DECODE = json.JSONDecoder().raw_decode
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode
_MARK = "\ue000"  # stands for the text in a frame
_QUOTE = encode_basestring_ascii
_ENCODED_MARK = json.dumps(_MARK)


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
        if (value := usual(self._held)) is not None:
            self._held = ""
            yield value
            return
        *events, self._held = _END.split(self._held)
        if max(map(len, (*events, self._held))) > MOST:
            raise GuardFailedError(f"an event of the answer exceeds the limit of {MOST} characters")
        for event in events:
            yield from _decoded(event)

    @property
    def is_between(self) -> bool:
        """Whether all that came were whole events."""
        return not self._held and not self._decode.getstate()[0]

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


def usual(held: str) -> dict[str, Any] | None:
    """Return the value of a single event in the form that nearly all have; None for anything else."""
    head = _USUAL.match(held)
    if head is None or len(held) > MOST or "\r" in held:
        return None
    try:
        value, end = _DECODE(held, head.end())
    except (ValueError, RecursionError):
        return None
    is_single = end == len(held) - 2 and held.endswith("\n\n") and held.find("\n", head.end()) == end
    return value if is_single else None


def _decoded(event: str) -> Iterator[dict[str, Any] | str]:
    lines = [line.partition(":") for line in _LINE.split(event) if line]
    data = "\n".join(value.removeprefix(" ") for name, _, value in lines if name == "data")
    is_error = any(name == "event" and said.strip() == "error" for name, _, said in lines)
    if not data and event.lstrip().startswith("{"):
        data = event  # servers that fail write their error so
    if not data and is_error:
        data = "{}"
    if not data:
        if any(not name for name, _, _ in lines):
            yield ""
        return
    if data.strip().strip('"') == DONE:
        yield DONE
        return
    if not is_error and (data.startswith(":") or _SIGN_OF_LIFE.fullmatch(data)):
        yield ""
        return
    value = _parsed(data)
    if is_error:
        value = {"type": "error", **value, "error": value.get("error") or True}
    yield value


def _parsed(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data, strict=False)  # of a control character within a text, as it is
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


class Frame:
    """An event that is sent again and again with another text in it, and is encoded once.

    Args:
        make: returns the event for a text.
    """

    def __init__(self, make: Callable[[str], dict[str, Any]]) -> None:
        self._before, _, self._after = event(make(_MARK)).decode("ascii").partition(_ENCODED_MARK)

    def event(self, text: str) -> bytes:
        """Return the event with a text."""
        return f"{self._before}{_QUOTE(text)}{self._after}".encode("ascii")


class NumberedFrame:
    """A frame whose events are numbered, too.

    Args:
        make: returns the event for a text and a number, which is its first field but one.
    """

    def __init__(self, make: Callable[[str, int], dict[str, Any]]) -> None:
        frame = event(make(_MARK, 0)).decode("ascii")
        self._before, self._name, rest = frame.partition('"sequence_number":')
        self._between, _, self._after = rest.removeprefix("0").partition(_ENCODED_MARK)

    def event(self, text: str, number: int) -> bytes:
        """Return the event with a text and a number."""
        return f"{self._before}{self._name}{number}{self._between}{_QUOTE(text)}{self._after}".encode("ascii")
