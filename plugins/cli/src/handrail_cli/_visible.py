"""Makes text that a model or a plugin wrote harmless for a terminal."""

from __future__ import annotations

import re

_C1, _DELETE = 0x80, 0x7F
_PICTURES = 0x2400  # Unicode's pictures of the control characters, in their order

# Control characters but for tab and line feed, marks that reorder what is displayed, and halves of surrogate pairs.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return the text with every character that could steer a terminal replaced by a visible one.

    Escape becomes `␛`, so an escape sequence is shown and not obeyed. Carriage returns are dropped. Characters that
    turn the direction of writing, or that no terminal can show, are written as `\\u202e`.
    """
    return _UNSAFE.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\r":
        return ""
    if code == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return f"\\u{code:04x}" if code >= _C1 else chr(_PICTURES + code)
