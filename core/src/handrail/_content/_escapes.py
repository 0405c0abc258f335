"""What JSON writes otherwise than it reads: the escapes of a string, and numbers with an exponent."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from handrail._content._characters import REPLACEMENT, character

_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))')
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_LOW_ESCAPE = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})")
MOST_DIGITS: Final = 64
_EXPONENT = re.compile(r"[eE][+-]?0*(\d{1,2})\Z")
_MEANT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def escape_at(text: str, at: int) -> tuple[str, int] | None:
    """Return the character that an escape means, and where the escape ends; None if there is no such escape.

    One whose end has not come yet ends where it begins. Two escapes of halves of a surrogate pair are one; a half
    alone means U+FFFD.
    """
    found = _ESCAPE.match(text, at)
    if found is None:
        return ("", at) if _HALF_ESCAPE.match(text, at) else None
    end = found.end()
    if found[2] is None:
        return _MEANT.get(found[1], found[1]), end
    meant = chr(int(found[2], 16))
    if not "\ud800" <= meant <= "\udfff":
        return meant, end
    if meant >= "\udc00":
        return REPLACEMENT, end
    if low := _LOW_ESCAPE.match(text, end):
        return character(meant, chr(int(low[1], 16))), low.end()
    if end == len(text) or _HALF_ESCAPE.match(text, end):
        return "", at
    return REPLACEMENT, end


def lone_half_end(text: str) -> int:
    """Return where an escape ends of which only its other half could have followed, 0 if there is none."""
    found = _ESCAPE.match(text)
    return 0 if found is None else found.end()


def without_exponent(number: str) -> str:
    """Return a number as it reads without its exponent; empty if it has none, or would be longer than 64 characters."""
    if _EXPONENT.search(number) is None or len(number) > MOST_DIGITS:
        return ""
    written_out = format(Decimal(number), "f")
    return written_out if len(written_out) <= MOST_DIGITS else ""
