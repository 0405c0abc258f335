"""Measures text in tokens as it comes, and finds where it becomes too long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# About a word each, so that the counts of most are remembered.
_PIECE = re.compile(r"\s{0,4}\S{1,8}|\s{1,8}")
_BYTES = 4  # of a character at most, and a token has at least one


class Ruler:
    """Measures one unit after another, each from its own start, so that its size does not depend on how it came.

    Args:
        count_tokens: gives the number of tokens of a text.
        limit: the most tokens of a unit.
    """

    def __init__(self, count_tokens: Callable[[str], int], limit: int) -> None:
        self._count = count_tokens
        self._limit = limit
        self._measured = 0  # characters of the unit that were measured
        self._tokens = 0

    def measure(self, text: str, start: int, upto: int, *, is_end: bool) -> int | None:
        """Measure the unit that begins at `start`; return the index in `text` where it becomes too long, if it does.

        Without `is_end` the unit may go on, so what could become part of a longer piece is not measured yet.
        """
        if not is_end and self._is_short(text, start, upto):
            return None
        for piece in _PIECE.finditer(text, start + self._measured, upto if is_end else len(text)):
            if not is_end and piece.end() >= upto:
                break
            count = self._count(piece[0])
            room = self._limit - self._tokens
            if count > room:
                within = self._within(piece[0], room) if count > 2 else 0  # dense text, not one word
                return max(piece.start() + within, start + 1)
            self._tokens += count
            self._measured = piece.end() - start
        return None

    def restart(self, text: str, start: int, end: int) -> int:
        """End the unit, and give its size in tokens."""
        tokens = self._tokens
        if self._measured != end - start:
            tokens = sum(self._count(piece[0]) for piece in _PIECE.finditer(text, start, end))
        self._measured = self._tokens = 0
        return tokens

    def _within(self, piece: str, room: int) -> int:
        """Return how many characters of a piece have at most `room` tokens."""
        return next((size for size in range(len(piece), 0, -1) if self._count(piece[:size]) <= room), 0)

    def _is_short(self, text: str, start: int, upto: int) -> bool:
        """Return, without measuring, whether the unit cannot be too long yet."""
        new = upto - start - self._measured
        most = self._tokens + new
        if most > self._limit:
            return False
        return most + (_BYTES - 1) * new <= self._limit or text[upto - new : upto].isascii()


class Meter:
    """Counts the tokens of a text that comes in pieces; the last word is counted once it is complete."""

    def __init__(self, count_tokens: Callable[[str], int]) -> None:
        self.tokens = 0
        self._count = count_tokens
        self._open = ""

    def feed(self, text: str, *, final: bool = False) -> None:
        """Take more text."""
        self._open += text
        counted = 0
        for piece in _PIECE.finditer(self._open):
            if not final and piece.end() == len(self._open):
                break
            self.tokens += self._count(piece[0])
            counted = piece.end()
        self._open = self._open[counted:]
