"""Reads events that are like the one before but for their text, as most of a stream are, without decoding them.

What is read so is what would have been decoded: JSON that is the same before a string and after it has the same value
but for that string.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]  # it is public, and typeshed has left it out
from typing import TYPE_CHECKING, Any

from handrail_hosts._sse import MOST, usual

if TYPE_CHECKING:
    from handrail_hosts._dialects import Dialect

_MARK = "\ue000"  # stands for the text in an event
_ENCODED_MARK = '"\\ue000"'
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_VARYING = re.compile(r'("(?:sequence_number|created|obfuscation)": ?)(?:\d+|"[A-Za-z0-9]*")')
_VARIED = r'(?:0|[1-9][0-9]{0,17}|"[A-Za-z0-9]*")'
_TRIES = 8  # forms in a row that no further event has, after which all are decoded
_READERS = frozenset({"chunks", "read", "text_in"})


class Repeats:
    """The form that the events of one answer have now.

    Args:
        dialect: reads them. If its `read` is overridden and its `text_in` is not, every event is decoded.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._text_in = dialect.text_in if _knows_text(type(dialect)) else _none
        self._match: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._goes_on = False
        self._tries = _TRIES

    def text_of(self, body: bytes) -> str | None:
        """Return the text of an event that is like the one noted last and has nothing else; None for any other."""
        found = self._match(body) if self._goes_on and self._match is not None else None
        if found is None or len(body) > MOST:
            return None
        try:
            literal = found[1].decode()
            text, end = scanstring(literal, 1)
        except ValueError:
            return None
        self._tries = _TRIES
        return text if end == len(literal) else None

    def forget(self) -> None:
        """Take that something else came, after which a dialect may read the same event in another way."""
        self._goes_on = False

    def note(self, body: bytes, value: dict[str, Any]) -> None:
        """Take an event that was decoded, and read by the dialect."""
        text = self._text_in(value)
        if text is None or (self._match is not None and self._match(body)):
            self._goes_on = text is not None
        elif self._tries:
            self._tries -= 1
            self._match = self._form_of(body, text)
            self._goes_on = self._match is not None

    def _form_of(self, body: bytes, text: str) -> Callable[[bytes], re.Match[bytes] | None] | None:
        """Return what matches events that are like one but for the text; the text is its first group."""
        raw = body.decode()
        if _MARK in raw or _ENCODED_MARK in raw:
            return None
        for token in _STRING.finditer(raw):
            before, after = raw[: token.start()], raw[token.end() :]
            if scanstring(token[0], 1)[0] == text:
                value = usual(f"{before}{_ENCODED_MARK}{after}")
                if value is not None and self._text_in(value) == _MARK:
                    return re.compile(f'{_varied(before)}(".*"){_varied(after)}'.encode()).fullmatch
        return None


def _varied(raw: str) -> str:
    """Return a pattern for a part of an event, whose numbers and padding are others in each."""
    first, *further = map(re.escape, _VARYING.split(raw))
    heads, rests = further[::2], further[1::2]
    return first + "".join(f"{head}{_VARIED}{rest}" for head, rest in zip(heads, rests, strict=True))


def _knows_text(dialect: type[Dialect]) -> bool:
    """Return whether the newest of the methods that read an event is `text_in`, or comes with it."""
    return next(("text_in" in vars(one) for one in dialect.__mro__ if not _READERS.isdisjoint(vars(one))), False)


def _none(_: dict[str, Any]) -> None:
    return None
