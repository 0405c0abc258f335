"""What Markdown and HTML show of a text: without emphasis, escapes and tags, with references as their characters."""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5

_MARK = re.compile(r"[\\*~`&<]")
_LONGEST_NAME = max(map(len, html5))
_TAGS = "b|big|code|del|em|font|i|ins|kbd|mark|s|small|span|strike|strong|sub|sup|tt|u|wbr"
_REFERENCE = re.compile(rf"&(?:#\d{{1,7}}|#[xX][0-9A-Fa-f]{{1,6}}|([A-Za-z][A-Za-z0-9]{{1,{_LONGEST_NAME}}}));")
_TAG = re.compile(rf"</?(?:{_TAGS})\s?/?>|<!--[^<>]{{0,64}}-->", re.IGNORECASE)
_BREAK = re.compile(r"<br\s?/?>", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~\n])")
_RUN = re.compile(r"\*+|~+|`+")
_LENGTHS = {"*": (1, 2, 3), "~": (2,), "`": (1, 2)}
"""Of runs of these signs, those that mark up; longer ones are masks, rules and fences."""
_UNDECIDED = re.compile(
    rf"(?:\\|\*{{1,4}}|~{{1,3}}|`{{1,3}}|&\#?[0-9A-Za-z]{{0,{_LONGEST_NAME}}}"
    rf"|<(?:/?[A-Za-z]{{0,6}}\s?/?|!|!-|!--[^<>]{{0,66}}))\Z"
)


def is_marked(text: str) -> bool:
    """Return whether a text has a sign that may be markup."""
    return _MARK.search(text) is not None


class Rendering:
    """The rest of one stream as it is shown, from a place on, and where each of its characters is written.

    Places in what is shown are counted on from that place, before which both texts are the same.

    Attributes:
        end: where what is shown ends.
        changed: where in it the newest change is.
    """

    __slots__ = ("_before", "_ends", "_first", "_held", "_starts", "_written", "changed", "end")

    def __init__(self, start: int) -> None:
        self.end = start
        self.changed = -1
        self._written = start  # where what has come ends
        self._held = ""  # its end, while it is not known what it is
        self._before = ""  # the newest character that was written
        self._first = start  # the character shown that _starts and _ends begin with
        self._starts: list[int] = []
        self._ends: list[int] = []

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits for what follows it."""
        return not self._held

    def feed(self, text: str, *, ended: bool = False) -> str:
        """Take the next characters; return what more is shown."""
        text, place = self._held + text, 0
        at, self._written = self._written - len(self._held), self._written + len(text) - len(self._held)
        shown: list[str] = []
        while (mark := _MARK.search(text, place)) is not None:
            self._show(shown, text[place : mark.start()], at + place)
            place = mark.start()
            if not ended and _UNDECIDED.match(text, place):
                break
            place = self._take_mark(shown, text, place, at)
        else:
            self._show(shown, text[place:], at + place)
            place = len(text)
        self._held = text[place:]
        return "".join(shown)

    def origin(self, place: int) -> int:
        """Return where the character is written that is shown at a place."""
        if place >= self.end:
            return self._written - len(self._held)
        return place if place < self._first else self._starts[place - self._first]

    def origin_of_end(self, end: int) -> int:
        """Return where the character is written to its end that is shown before a place."""
        return end if end <= self._first else self._ends[end - 1 - self._first]

    def forget(self, place: int) -> None:
        """Nothing before this place will be asked for again, but for the end of the character before it."""
        if (count := place - 1 - self._first) > 1024:
            del self._starts[:count], self._ends[:count]
            self._first += count

    def _show(self, shown: list[str], text: str, at: int) -> None:
        if text:
            self._starts.extend(range(at, at + len(text)))
            self._ends.extend(range(at + 1, at + len(text) + 1))
            self.end += len(text)
            self._before = text[-1]
            shown.append(text)

    def _take_mark(self, shown: list[str], text: str, place: int, at: int) -> int:
        """Show what stands at a mark; return the place after it."""
        if escape := _ESCAPE.match(text, place):
            self._instead(shown, "", at + place, at + escape.end())
            self._show(shown, text[escape.end()], at + escape.end())
            return escape.end() + 1
        if run := _RUN.match(text, place):
            sides = (self._before or " ", text[run.end() : run.end() + 1] or " ")
            if len(run[0]) not in _LENGTHS[run[0][0]] or all(map(str.isspace, sides)):
                self._show(shown, run[0], at + place)
            else:
                self._instead(shown, "", at + place, at + run.end())
            return run.end()
        for form in (_REFERENCE, _TAG, _BREAK):
            if (found := form.match(text, place)) and (meaning := _meaning(found)) is not None:
                self._instead(shown, meaning, at + place, at + found.end())
                return found.end()
        self._show(shown, text[place], at + place)
        return place + 1

    def _instead(self, shown: list[str], meaning: str, start: int, end: int) -> None:
        self._starts.extend([start] * len(meaning))
        self._ends.extend([end] * len(meaning))
        self.end += len(meaning)
        self.changed = self.end
        self._before = meaning[-1:] or self._before
        shown.append(meaning)


def _meaning(found: re.Match[str]) -> str | None:
    """Return what is shown in place of a reference or tag; None of a name that means nothing."""
    if found.re is _REFERENCE:
        return unescape(found[0]) if found[1] is None else html5.get(f"{found[1]};")
    return "\n" if found.re is _BREAK else ""
