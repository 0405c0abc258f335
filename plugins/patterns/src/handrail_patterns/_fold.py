"""Seeing through case, accents, marks, look-alikes, invisible characters and spacing, without losing the place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from copy import copy
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from handrail_patterns._scripts import ENCLOSED_AND_SMALL, homoglyphs, is_part_of_its_script, script_marks

SeeThrough: TypeAlias = Literal[
    "case", "unicode", "invisible", "marks", "letters", "homoglyphs", "spacing", "spaced_letters", "markup"
]

ALL_OF_IT: tuple[SeeThrough, ...] = get_args(SeeThrough)

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_HYPHENS = "\u2010\u2012\u2013\u2212"
"""Signs that are written for a hyphen within a number or a word; one without a break folds to the first."""
_QUOTES = dict.fromkeys("\u2018\u2019\u201b\u02bc", "'") | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
"""Quotes and apostrophes as printers set them."""

_MOST_KNOWN = 4096
_REPEATED_SPACE = re.compile("(?<= ) +")
_ASCII_SPACES = {code: " " for code in range(128) if chr(code).isspace()}


class Folding:
    """How single characters are folded. Never changes, and serves any number of streams."""

    def __init__(self, see_through: Collection[SeeThrough]) -> None:
        self.case = "case" in see_through
        self.spacing = "spacing" in see_through
        self.markup = "markup" in see_through
        self.script_marks = script_marks() if "marks" in see_through else None
        self._unicode = "unicode" in see_through
        self._invisible = "invisible" in see_through
        self._look_alikes = (ENCLOSED_AND_SMALL if "letters" in see_through else {}) | (
            homoglyphs() if "homoglyphs" in see_through else {}
        )
        self.char = lru_cache(maxsize=4096)(self._char)
        self._one_for_one: dict[int, str] = {}  # characters that fold to one other; no more than _MOST_KNOWN

    def text(self, text: str) -> str:
        """Fold a whole text, as a phrase of a list is."""
        return self.open().feed(text, 0)

    def texts(self, text: str) -> set[str]:
        """Fold a text as it may be written: two cases of one letter may look like different letters."""
        if not self._look_alikes or text.isascii():
            return {self.text(text)}
        return {self.text(form) for form in (text, text.lower(), text.upper(), text.title())}

    def one_for_one(self, text: str) -> str | None:
        """Fold a text of which every character folds to exactly one; None if it is not such a text."""
        if text.isascii() and (not self._invisible or is_printable(text)):
            folded = text.lower() if self.case else text
            return folded.translate(_ASCII_SPACES) if self.spacing and not text.isprintable() else folded
        if self.script_marks is not None and self.script_marks.search(text):
            return None
        known = self._one_for_one
        for char in set(text):
            if ord(char) not in known:
                folded = self.char(char)
                if len(folded) != 1 or len(known) >= _MOST_KNOWN:
                    return None
                known[ord(char)] = folded
        return text.translate(known)

    def open(self) -> FoldedStream:
        """Start a stream."""
        return FoldedStream(self)

    def leaves_alone(self, text: str) -> bool:
        """Return whether a text is in ASCII and without control characters, and so nothing of it is folded."""
        return text.isascii() and (not self._invisible or is_printable(text))

    def _char(self, char: str) -> str:
        if self._invisible and _INVISIBLE.match(char):
            return ""
        if self._unicode:
            char = "".join(map(_plain, unicodedata.normalize("NFKD", char)))
        if self.script_marks is not None:
            char = "".join(part for part in char if self.script_marks.match(part) or not _is_mark(part))
        if self._look_alikes:
            char = char.translate(self._look_alikes)
        if self.case:
            char = char.casefold()
        return " " if self.spacing and char.isspace() else char


def is_printable(text: str) -> bool:
    """Return whether a text has no control characters but for white space."""
    return text.isprintable() or _CONTROL.search(text) is None


def _plain(char: str) -> str:
    if _ACCENTS.match(char):
        return ""
    if char in _HYPHENS:
        return "-"
    if char in _QUOTES:
        return _QUOTES[char]
    digit = unicodedata.decimal(char, None)
    return char if digit is None else str(digit)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Me")


class FoldedStream:
    """One stream's folded text, and where each of its characters comes from.

    Attributes:
        side_by_side: True as long as text that is left alone may be used as it is, without asking `feed`.
    """

    __slots__ = (
        "_fed",
        "_first",
        "_folded",
        "_folding",
        "_letter",
        "_origins",
        "_seen",
        "_spaced",
        "leaves_alone",
        "side_by_side",
    )

    def __init__(self, folding: Folding) -> None:
        self.side_by_side = not folding.case and not folding.spacing
        self.leaves_alone = folding.leaves_alone
        self._folding = folding
        self._seen = 0  # characters of the original
        self._folded = 0  # characters of the folded text
        self._first = 0  # the folded character that _origins begins with; before it, both texts go side by side
        self._origins: list[int] | None = None
        self._spaced = False
        self._letter = ""  # the newest character that was not left out and is no mark of its script
        self._fed = 0  # where in the original the newest text ended that was not left alone

    def fork(self) -> FoldedStream:
        """Return another one that stands where this one stands."""
        fork = copy(self)
        if self._origins is not None:
            self._origins = self._origins.copy()
        return fork

    def feed(self, text: str, seen: int) -> str:
        """Take the next characters of the original, before which it had `seen`; return those of the folded text."""
        folding, self._seen = self._folding, seen
        if self._origins is None:
            self._folded = seen
        if seen != self._fed:
            self._letter = "a"  # what stood between was in ASCII
        folded = folding.one_for_one(text)
        if folded is None:
            folded = self._feed_each(text)
            self.side_by_side = self.side_by_side and self._origins is None
        else:
            self._letter = text[-1:] or self._letter
            if folding.spacing and ("  " in folded or (self._spaced and folded.startswith(" "))):
                folded = self._without_repeated_spaces(folded)
            elif self._origins is not None:
                self._origins.extend(range(seen, seen + len(text)))
        self._seen += len(text)
        self._fed = self._seen
        self._folded += len(folded)
        self._spaced = folded[-1:] == " " if folded else self._spaced
        return folded

    def origin(self, place: int) -> int:
        """Return the place in the original of a place in the folded text."""
        if self._origins is None or place < self._first:
            return place
        return self._seen if place >= self._folded else self._origins[place - self._first]

    def origin_of_end(self, end: int) -> int:
        """Return the place in the original where a piece ends that ends here in the folded text; `end` is not 0."""
        return self.origin(end - 1) + 1

    def forget(self, place: int) -> None:
        """Nothing before this place of the folded text will be asked for again."""
        if self._origins is not None and place - self._first > 1024:
            del self._origins[: place - self._first]
            self._first = place

    def _without_repeated_spaces(self, folded: str) -> str:
        """Leave out every space after another one, in a text of which each character has folded to one."""
        before = " " if self._spaced else ""
        shown, first, place, pieces = before + folded, self._seen - len(before), len(before), []
        if self._origins is None:
            self._origins, self._first = [], self._folded
        ends = [(match.start(), match.end()) for match in _REPEATED_SPACE.finditer(shown)]
        for end, following in (*ends, (len(shown), len(shown))):
            pieces.append(shown[place:end])
            self._origins.extend(range(first + place, first + end))
            place = following
        return "".join(pieces)

    def _feed_each(self, text: str) -> str:
        folding, spaced, marks = self._folding, self._spaced, self._folding.script_marks
        pieces, origins = [], []
        for place, char in enumerate(text, self._seen):
            folded = folding.char(char)
            if marks is not None and marks.match(char):
                folded = folded if is_part_of_its_script(char, self._letter) else ""
            elif folded:
                self._letter = char
            if folding.spacing and folded == " ":
                folded = "" if spaced else " "
                spaced = True
            elif folded:
                spaced = False
            pieces.append(folded)
            origins.extend([place] * len(folded))
        if self._origins is None:
            if len(origins) == len(text) and all(map(len, pieces)):
                return "".join(pieces)
            self._origins, self._first = [], self._folded
        self._origins.extend(origins)
        return "".join(pieces)
