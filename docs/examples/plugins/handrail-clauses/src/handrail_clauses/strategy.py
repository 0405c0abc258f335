"""The strategy. A clause ends behind `,` `;` `:` `.` `!` `?` or a line break, and the white space after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handrail import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail_clauses.settings import ClausesSettings

_END = re.compile(r"[,;:.!?\n]\s+|\n")


class Clauses:
    """Cuts one stream into windows of whole clauses.

    A window holds its last clause, and the next window begins with it: what lies across two neighbouring clauses is
    seen whole by one window before any of it is out.
    """

    def __init__(self, settings: ClausesSettings, count_tokens: Callable[[str], int]) -> None:
        self._settings = settings
        self._count = count_tokens
        self._incoming: list[str] = []
        self._text = ""  # from the start of the held clause on
        self._offset = 0  # where that is in the whole text
        self._covered = 0  # up to here windows have been made
        self._ends: list[int] = []  # where the clauses end that no window has had, in the whole text
        self._searched = 0
        self._finished = False

    def feed(self, text: str) -> None:
        """Take more text."""
        self._incoming.append(text)

    def finish(self) -> None:
        """Record that no more will come."""
        self._finished = True

    def window(self) -> Window | None:
        """Return the next window, if enough whole clauses have come."""
        self._text += "".join(self._incoming)
        self._incoming.clear()
        self._find_ends()
        whole = self._offset + len(self._text)
        end = whole if self._finished else (self._ends[-1] if self._ends else self._covered)
        if end == self._covered or not (self._finished or self._is_enough(end)):
            return None
        last = self._finished
        text = self._text[: end - self._offset]
        clears = end if last else self._held_from(end)
        window = Window(text, self._offset, self._covered, end, clears, last)
        self._covered, self._ends = end, [at for at in self._ends if at > end]
        self._text, self._offset = self._text[clears - self._offset :], clears
        return window

    def _find_ends(self) -> None:
        """Look for ends of clauses in what is new. White space at the end of the text may still go on."""
        longest = self._settings.longest_clause
        start = self._searched - self._offset
        for match in _END.finditer(self._text, start):
            if match.end() == len(self._text):
                break
            self._cut_long(self._offset + match.end(), longest)
            self._ends.append(self._offset + match.end())
            self._searched = self._ends[-1]
        self._cut_long(self._offset + len(self._text), longest)

    def _cut_long(self, upto: int, longest: int) -> None:
        while upto - self._searched > longest:
            self._searched += longest
            self._ends.append(self._searched)

    def _is_enough(self, end: int) -> bool:
        new = self._text[self._covered - self._offset : end - self._offset]
        return self._count(new) >= self._settings.min_tokens

    def _held_from(self, end: int) -> int:
        """Return where the last clause of a window begins."""
        before = [at for at in self._ends if at < end]
        return max(before[-1] if before else self._covered, self._offset)
