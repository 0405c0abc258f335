"""Reads events that repeat one another but for one text: what is around it is compared, and not decoded again."""

from __future__ import annotations

import re

from msgspec import DecodeError
from msgspec.json import Decoder

_TRIES = 4  # events learned from in vain, after which it is not tried again: servers may put something new into each
_VALUE = re.compile(rb'\s*:\s*("(?:[^"\\]|\\.)*+")')
_decode = Decoder(str).decode


class Repeated:
    """An event, and how to read those that are like it.

    Attributes:
        field: the name of the text that changes.
    """

    def __init__(self) -> None:
        self.field = ""
        self._tries = _TRIES
        self._begin: bytes | None = None  # all before the text, if there is an event to compare with
        self._end = b""
        self._start = self._stop = 0

    def text_of(self, data: bytes) -> str | None:
        """Return the text of an event if it is like the one learned, else None."""
        if self._begin is None or not (data.startswith(self._begin) and data.endswith(self._end)):
            return None
        try:
            return _decode(data[self._start : self._stop])
        except (DecodeError, UnicodeDecodeError):  # the text ends early, or is one to be read tolerantly
            return None

    def learn(self, data: bytes, field: str, text: str) -> None:
        """Take an event of which a later one may repeat all but the text of one field.

        Args:
            data: the event: valid JSON.
            field: the field's name. If it is in the event twice, nothing is learned.
            text: what the field says.
        """
        self._begin = None
        if not self._tries:
            return
        self._tries -= 1
        name = b'"%b"' % field.encode()
        value = _VALUE.match(data, data.find(name) + len(name)) if data.count(name) == 1 else None
        if value is not None and _decode(value[1]) == text:
            self._start, self._stop = value.start(1), value.end(1) - len(data)
            self._begin, self._end, self.field = data[: self._start], data[self._stop :], field

    def helped(self) -> None:
        """Go on learning: what was learned has been of use."""
        self._tries = _TRIES

    def forget(self) -> None:
        """Compare with nothing until there is something new to learn from."""
        self._begin = None
