"""Words beside a value: a number that is nothing but digits counts only after its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from handrail_patterns._fold import Folding

REACH = 48
"""How many characters before a value are looked at, in every script and across a line's end."""


class Words:
    """Words that stand before a value, within `REACH` characters.

    A word in Latin letters stands apart from other letters, but for a plural's `s`, or is a part of a name such as
    `userPhone`; words of other scripts may be anywhere. Accents do not count.
    """

    def __init__(self, *words: str, reach: int = REACH) -> None:
        self.words = words
        self.reach = reach

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        written = dict.fromkeys(form for word in self.words for form in (word, _FOLDING.text(word)))
        other = [form for word in written if not word.isascii() for form in (word, word.title(), word.upper())]
        latin = [word for word in written if word.isascii()]
        named = [word[0].upper() + word[1:] for word in latin]
        return re.compile(
            rf"(?<![A-Za-z])(?=[A-Za-z])(?i:{_any(latin)})[sS]?(?![a-z])"
            rf"|(?<=[a-z0-9])(?=[A-Z]){_any(named)}s?(?![a-z])|(?=[^\x00-\x7f]){_any(other)}"
        )

    def nearest(self, text: str, start: int) -> int:
        """Return the place where the nearest of the words before a place of a text ends, or -1 if there is none."""
        first = max(start - self.reach, 0)
        if not has_letter(text, start):
            return -1
        ends = [match.end() for match in self._pattern.finditer(text[first:start])]
        return first + ends[-1] if ends else -1


def has_letter(text: str, start: int) -> bool:
    """Return whether there could be a word before a place of a text."""
    return _LETTER.search(text, max(start - REACH, 0), start) is not None


_LETTER = re.compile(r"[^\W\d_]")
_FOLDING = Folding(("unicode", "invisible", "marks"))


def _any(words: Iterable[str]) -> str:
    longest_first = sorted(dict.fromkeys(words), key=len, reverse=True)
    return (
        "(?!)"
        if not longest_first
        else f"(?:{'|'.join(re.escape(word).replace(chr(92) + ' ', '[ _-]?') for word in longest_first)})"
    )
