r"""Where a value may begin and end: beside punctuation, and beside a letter of a script that is not its own.

Values of published formats are in ASCII, so only ASCII letters and digits beside one make it a part of something else.
A letter after a backslash, as in `\n`, is the end of an escaped character, and the second one after `%` likewise.
"""

from __future__ import annotations

import re

ESCAPED = r"(?<!\\[nrtbfv])(?<!\\u[0-9A-Fa-f]{4})(?<!%[0-9A-Fa-f]{2})"
NOT_ESCAPED = r"(?<!\\[nrtbfvux])"
"""After a letter: it is not that of an escape such as `\\n`; others may follow a backslash, as in `DOMAIN\\user`."""

WRITTEN_SPACE = r"%20|&nbsp;|&#(?:32|160);|\\u00(?:20|[aA]0)"
"""A space as URLs, HTML and escaped JSON write it, as one branch of several."""

NEXT_LINE = r"\\?(?:\r?\n|[\x0b\x0c\x85\u2028\u2029])[ \t]{0,8}(?:[>|#*][ \t]{0,3}){0,2}"
"""Where a line is broken within a value, up to the text of the next one: indented, quoted or in a comment."""

_QUOTE = "[\"'`]"
JOINED = (
    rf"(?:[ \t]?{NEXT_LINE}(?://[ \t]?)?"
    rf"|{_QUOTE}[ \t]{{0,4}}(?:(?:[+.\\]|<<|&(?:[ \t]_)?)[ \t]{{0,4}})?"
    rf"(?:\r?\n[ \t]{{0,40}}(?:[+.&][ \t]{{0,4}})?)?[bf]?{_QUOTE})"
)
"""What joins two parts of a key: a line's break, or the quotes of strings that a program puts together."""

_WRITTEN_SPACE = re.compile(WRITTEN_SPACE)

LEFT = rf"(?<![0-9A-Za-z]{ESCAPED})"
"""No letter or digit before."""

RIGHT = "(?![0-9A-Za-z])"
"""No letter or digit after."""

NUMBER_LEFT = rf"{LEFT}(?<!\d[./-])"
"""No letter or digit before, nor a number that goes on: a fraction, a date, a range."""

NOT_A_FRACTION = r"(?!\.\d(?<!0)|\.0[\d.])"
"""No decimals after, but for the `.0` with which tables of numbers write whole ones."""

NUMBER_RIGHT = rf"{RIGHT}(?![/-]\d){NOT_A_FRACTION}"
"""No letter or digit after, nor a number that goes on."""


def without_written_spaces(text: str) -> str:
    """Leave out of a value the spaces that are written with letters and digits, which are none of its own."""
    return _WRITTEN_SPACE.sub("", text) if "%" in text or "&" in text or "\\" in text else text
