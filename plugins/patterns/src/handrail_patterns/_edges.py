r"""Where a value may begin and end: beside punctuation, and beside a letter of a script that is not its own.

Values of published formats are in ASCII, so only ASCII letters and digits beside one make it a part of something else.
A letter after a backslash, as in `\n`, is the end of an escaped character.
"""

from __future__ import annotations

ESCAPED = r"(?<!\\[nrtbfv])(?<!\\u[0-9A-Fa-f]{4})"
LEFT = rf"(?<![0-9A-Za-z]{ESCAPED})"
"""No letter or digit before."""

RIGHT = "(?![0-9A-Za-z])"
"""No letter or digit after."""

NUMBER_LEFT = rf"{LEFT}(?<!\d[./-])"
"""No letter or digit before, nor a number that goes on: a fraction, a date, a range."""

NUMBER_RIGHT = rf"{RIGHT}(?![./-]\d)"
"""No letter or digit after, nor a number that goes on."""
