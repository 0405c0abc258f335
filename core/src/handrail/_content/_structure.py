"""What stands between the keys and values of JSON: brackets, colons, commas, white space, and what they allow next."""

from __future__ import annotations

import re
from typing import Final

from handrail._content._segments import Keys

MAX_DEPTH: Final = 256
MAX_BETWEEN: Final = 65_536
_TOO_MUCH = f"more than {MAX_BETWEEN:,} characters of white space and brackets stand between two values"
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
_MISPLACED = "a character stands where it may not"

_NOT_SPACE = re.compile(r"[^ \t\n\r]")
_NOT_LOOSE_SPACE = re.compile(r"[^\s\ufeff]")
_BOM = "\ufeff"
_SPACES = " \t\n\r"
_BRACKETS = "{[}]"
_MARKS = f"{_SPACES}{_BRACKETS}:,"  # what stands between items

# What may come next: an item before _COLON, none from there on.
_START, _VALUE, _FIRST_VALUE, _NAME, _FIRST_NAME, _COLON, _NEXT, _END = range(8)
_VALUES = (_VALUE, _FIRST_VALUE)
_NAMES = (_NAME, _FIRST_NAME)


class Structure:
    """Reads what stands between items, and knows which objects and arrays are open.

    Args:
        required: True if there must be one JSON value; otherwise only an object or an array begins a document, and one
            may follow another.

    Attributes:
        between: the raw characters since the last item, which say nothing.
        problem: why the text is not JSON from where `read` ends.
    """

    __slots__ = ("_expect", "_open", "_required", "_size", "between", "problem")

    def __init__(self, *, required: bool) -> None:
        self.between: list[str] = []
        self.problem: str | None = None
        self._required = required
        self._size = 0  # of what is between
        self._expect = _START
        self._open: list[Keys | None] = []  # None stands for an array

    @property
    def is_at_start(self) -> bool:
        """True until something other than white space has come."""
        return self._expect == _START

    @property
    def is_complete(self) -> bool:
        """True where a text may end."""
        return self._expect in (_START, _END)

    def read(self, text: str, at: int) -> int:
        """Return where a key or a value begins, or the end of the text; where neither may begin, there is a problem."""
        start, size = at, len(text)
        at = self._begin(text, at) if self._expect == _START else at
        expect = self._expect
        while at < size:
            mark = text[at]
            if expect < _COLON and mark not in _MARKS:
                if mark != '"' and expect in _NAMES:
                    self.problem = _MISPLACED
                break
            if mark == ":" and expect == _COLON:
                expect = self._expect = _VALUE
            elif mark == "," and expect == _NEXT:
                expect = self._expect = _VALUE if self._open[-1] is None else _NAME
            elif mark in _BRACKETS and self._takes(mark):
                expect = self._expect
            elif mark not in _SPACES:
                if self.problem is None and expect not in _VALUES:
                    self.problem = _MISPLACED
                break
            at += 1
        self.between.append(text[start:at])
        self._size += at - start
        if self._size > MAX_BETWEEN:
            self.problem = _TOO_MUCH
        return at

    def begin_item(self) -> tuple[str, Keys | None]:
        """Note that a key or a value begins here; return what stood before it, and its object's keys if it is a key."""
        raw = self.taken_between()
        if self._expect in _NAMES:
            self._expect = _COLON
            return raw, self._open[-1]
        self._expect = _NEXT if self._open else _END
        return raw, None

    def taken_between(self) -> str:
        """Return what stood between, and forget it."""
        raw = "".join(self.between)
        self.between.clear()
        self._size = 0
        return raw

    def _begin(self, text: str, at: int) -> int:
        """Pass over what may come before JSON: one byte order mark and white space, or any of them."""
        if not self._required:
            end = _end_of_space(_NOT_LOOSE_SPACE, text, at)
        elif text[at] == _BOM and not self.between:
            end = _end_of_space(_NOT_SPACE, text, at + 1)
        else:
            end = _end_of_space(_NOT_SPACE, text, at)
        if end < len(text):
            self._expect = _VALUE if self._required else _END
        return end

    def _takes(self, mark: str) -> bool:
        """Take a bracket, and return whether one is allowed here."""
        expect = self._expect
        if mark in "{[" and (expect in _VALUES or (expect == _END and not self._required)):
            if len(self._open) == MAX_DEPTH:
                self.problem = _TOO_DEEP
                return False
            self._open.append(Keys() if mark == "{" else None)
            self._expect = _FIRST_NAME if mark == "{" else _FIRST_VALUE
            return True
        if self._closes(mark):
            self._open.pop()
            self._expect = _NEXT if self._open else _END
            return True
        return False

    def _closes(self, mark: str) -> bool:
        if not self._open:
            return False
        if self._open[-1] is None:
            return mark == "]" and self._expect in (_NEXT, _FIRST_VALUE)
        return mark == "}" and self._expect in (_NEXT, _FIRST_NAME)


def _end_of_space(what_ends_it: re.Pattern[str], text: str, at: int) -> int:
    found = what_ends_it.search(text, at)
    return len(text) if found is None else found.start()
