"""Texts as plain strings of whole characters, whatever a provider hands over."""

from __future__ import annotations

import re

_HALVES = re.compile("[\ud800-\udfff]")
_PAIRS = re.compile("([\ud800-\udbff])([\udc00-\udfff])")
REPLACEMENT = "\ufffd"


def whole_characters(text: str) -> str:
    """Return a text as a plain `str` of whole characters.

    Halves of a surrogate pair that stand side by side become the character that they mean. A lone half is none, and
    no UTF-8 can carry it: it becomes U+FFFD.
    """
    if type(text) is not str:
        text = str.__str__(text)
    if text.isascii() or not _HALVES.search(text):
        return text
    return _HALVES.sub(REPLACEMENT, _PAIRS.sub(_joined, text))


def character(high: str, low: str) -> str:
    """Return the character that two halves of a surrogate pair mean."""
    return chr(0x10000 + ((ord(high) - 0xD800) << 10) + (ord(low) - 0xDC00))


class SurrogateJoiner:
    """Joins halves of a surrogate pair that come in two chunks; other text passes as it is.

    Attributes:
        half: the half that waits for its other half, or "".
    """

    __slots__ = ("half",)

    def __init__(self) -> None:
        self.half = ""

    def feed(self, text: str) -> str:
        """Return the whole characters of the next piece of text."""
        if not self.half and type(text) is str:
            try:
                text.encode()
            except UnicodeEncodeError:  # quicker than to look for a half: UTF-8 cannot carry it
                pass
            else:
                return text
        text = self.half + str.__str__(text)
        self.half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return whole_characters(text[:-1] if self.half else text)

    def finish(self) -> str:
        """Return what still waited: U+FFFD for a half that nothing followed, else nothing."""
        half, self.half = self.half, ""
        return REPLACEMENT if half else ""


def _joined(pair: re.Match[str]) -> str:
    return character(pair[1], pair[2])
