"""A judge that is right about every whole answer of the rows, so that whatever goes wrong is the streaming's.

Runs in the environment of any system, so it needs nothing but the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_EMAIL = re.compile(r"(?<![\w.@+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?![\w@])", re.ASCII)
_CARD = re.compile(
    r"(?<![\w.-])(?<!\d )(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})(?!\w)(?! \d)", re.ASCII
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", re.ASCII)


class Finder:
    """Finds what is forbidden in a text.

    Args:
        phrases: what is forbidden by its words, such as keys and names.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        longest = sorted(map(re.escape, phrases), key=len, reverse=True)
        self._phrases = re.compile("|".join(longest), re.IGNORECASE) if phrases else None

    def finds(self, text: str) -> bool:
        """Return whether something forbidden is in a text."""
        return bool(
            (self._phrases is not None and self._phrases.search(text))
            or _EMAIL.search(text)
            or any(_luhn(found[0]) for found in _CARD.finditer(text))
            or any(_mod97(found[0]) for found in _IBAN.finditer(text))
        )


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in number if digit.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mod97(number: str) -> bool:
    plain = number.replace(" ", "")
    return int("".join(str(int(sign, 36)) for sign in plain[4:] + plain[:4])) % 97 == 1
