"""Reads events that repeat one another but for one text: what is around it is compared, and not decoded again."""

from __future__ import annotations

import re

from msgspec import DecodeError
from msgspec.json import Decoder

_TRIES = 4  # events learned from in vain, after which it is not tried again: servers may put something new into each
_VALUE = re.compile(rb'\s*:\s*("(?:[^"\\]|\\.)*+")')
_decode = Decoder(list[str]).decode


class Repeated:
    """An event, and how to read those that are like it.

    Attributes:
        field: the name of the text that changes.
    """

    def __init__(self) -> None:
        self.field = ""
        self._tries = _TRIES
        self._example: tuple[bytes, str, str] | None = None  # what to learn from, if more events come
        self._begin: bytes | None = None  # all before the text, if there is an event to compare with
        self._end = self._between = b""

    def text_of(self, block: bytes) -> str | None:
        """Return the text of events that came together if all of them are like the last one before, else None.

        Args:
            block: complete events, as `EventSplitter.block` returns them.
        """
        if self._example is not None:
            self._learn(*self._example)
        if self._begin is None or not (block.startswith(self._begin) and block.endswith(self._end)):
            return None
        values = block[len(self._begin) : -len(self._end)].split(self._between)
        if block.count(b"\n") != 2 * len(values):
            return None
        try:
            texts = _decode(b"[%b]" % b",\n".join(values))  # no line break is within a value, so none begins in another
        except (DecodeError, UnicodeDecodeError):  # an event is another one, or has a text that is read tolerantly
            return None
        self._tries = _TRIES
        return "".join(texts) if len(texts) == len(values) else None

    def compare_with(self, data: bytes, field: str, text: str) -> None:
        """Take an event of which later ones may repeat all but the text of one field.

        Args:
            data: the event's data: valid JSON.
            field: the field's name. An event that has it twice is not compared with.
            text: what the field says.
        """
        self._begin, self._example = None, (data, field, text)

    def forget(self) -> None:
        """Compare with nothing until there is another event to compare with."""
        self._begin = self._example = None

    def _learn(self, data: bytes, field: str, text: str) -> None:
        self._example = None
        if not self._tries:
            return
        self._tries -= 1
        name = b'"%b"' % field.encode()
        value = _VALUE.match(data, data.find(name) + len(name)) if data.count(name) == 1 else None
        if value is not None and _decode(b"[%b]" % value[1]) == [text]:
            self.field = field
            self._begin, self._end = b"data: " + data[: value.start(1)], data[value.end(1) :] + b"\n\n"
            self._between = self._end + self._begin
