"""What Markdown and HTML show of a text: without emphasis, escapes and tags, with references as their characters."""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5

_WORD = re.compile(r"\w")
has_sign = re.compile(r"[\\*~`&<\x1b\[\]%]").search
"""Find a character with which markup may begin, which is far quicker than to find a mark."""
has_mark = re.compile(r"[\\*~`&<\x1b]|(?<!\W)\[|\](?=\(|\Z)|(?<!\d)%(?=[2-7c-fC-F]|\Z)").search
"""Find a sign that may be markup: the bracket of a link within a word, a code of a URL that is not `40%`."""

_LONGEST_NAME = max(map(len, html5))
_HEX = "[0-9A-Fa-f]"
_TAGS = (
    "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|label|mark|nobr|q|s|samp|small|span|strike|strong|sub|sup|"
    "time|tt|u|var|wbr"
)
_ATTRIBUTES = r"\s{1,8}[A-Za-z][\w:-]{0,40}\s?=\s?[^<>\n]{1,200}"
_REFERENCE = re.compile(
    rf"&(?:#\d{{1,7}}(?!\d);?|#[xX]{_HEX}{{1,6}}(?!{_HEX});?|([A-Za-z][A-Za-z0-9]{{1,{_LONGEST_NAME}}});)"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:{_ATTRIBUTES}|\s?/?)>|<!--[^<>]{{0,64}}-->", re.IGNORECASE)
_BREAK = re.compile(r"<br\s?/?>", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~\n])")
_RUN = re.compile(r"\*+|~+|`+")
_LENGTHS = {"*": (1, 2, 3), "~": (2,), "`": (1, 2)}
"""Of runs of these signs, those that mark up; longer ones are masks, rules and fences."""
_TARGET = r"\((?:[^()\n]|\([^()\n]{0,64}\)){0,256}"
_LINK = re.compile(rf"\[(?=[^\[\]\n]{{1,64}}\]\()|\]{_TARGET}\)")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,16}m")
_CODE = re.compile(
    rf"\\u(?P<high>[dD][89abAB]{_HEX}{{2}})\\u(?P<low>[dD][c-fC-F]{_HEX}{{2}})"
    rf"|\\(?:u(?P<four>{_HEX}{{4}})|u\{{(?P<braced>{_HEX}{{1,6}})\}}|U(?P<eight>{_HEX}{{8}})|x(?P<two>{_HEX}{{2}}))"
    rf"|%(?P<bytes>[2-7]{_HEX}|[cCdD]{_HEX}%[89abAB]{_HEX}|[eE]{_HEX}(?:%[89abAB]{_HEX}){{2}}|[fF]{_HEX}(?:%[89abAB]{_HEX}){{3}})"
)
"""A character by its number, as programs and URLs write it."""
_UNDECIDED = re.compile(
    rf"(?:\\(?:u(?:{_HEX}{{0,3}}|\{{{_HEX}{{0,6}}|[dD][89abAB]{_HEX}{{2}}(?:\\(?:u{_HEX}{{0,3}})?)?)|U{_HEX}{{0,7}}|x{_HEX}?)?"
    rf"|\*{{1,4}}|~{{1,3}}|`{{1,3}}|&\#?[0-9A-Za-z]{{0,{_LONGEST_NAME}}}"
    rf"|<(?:/?[A-Za-z]{{0,6}}\s?/?|!|!-|!--[^<>]{{0,66}}"
    rf"|/?(?i:{_TAGS})\s{{1,8}}(?:[A-Za-z][\w:-]{{0,40}}\s?(?:=\s?[^<>\n]{{0,200}})?)?)"
    rf"|\[[^\[\]\n]{{0,64}}\]?|\](?:{_TARGET}(?:\([^()\n]{{0,64}})?)?|\x1b(?:\[[0-9;]{{0,16}})?"
    rf"|%(?:{_HEX}|[c-fC-F]{_HEX}(?:%(?:[89abAB]{_HEX}?)?){{0,3}})?)\Z"
)


class Rendering:
    """The rest of one stream as it is shown, from a place on, and where each of its characters is written.

    Places in what is shown are counted on from that place, before which both texts are the same.

    Attributes:
        end: where what is shown ends.
        changed: where in it the newest change is.
    """

    __slots__ = ("_before", "_ends", "_first", "_held", "_starts", "_written", "changed", "end")

    def __init__(self, start: int, before: str = "") -> None:
        self.end = start
        self.changed = -1
        self._written = start  # where what has come ends
        self._held = ""  # its end, while it is not known what it is
        self._before = before  # the newest character that was written
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
        while (mark := has_sign(text, place)) is not None:
            self._show(shown, text[place : mark.start()], at + place)
            place = mark.start()
            if (text[place] == "[" and not _WORD.match(self._before)) or (
                text[place] == "%" and self._before.isdecimal()
            ):
                self._show(shown, text[place], at + place)
                place += 1
                continue
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
            goes_on = self._before == run[0][0]  # a longer run, whose beginning has been shown
            if goes_on or len(run[0]) not in _LENGTHS[run[0][0]] or all(map(str.isspace, sides)):
                self._show(shown, run[0], at + place)
            else:
                self._instead(shown, "", at + place, at + run.end())
            return run.end()
        for form in (_REFERENCE, _TAG, _BREAK, _CODE, _LINK, _COLOUR):
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
        self._before = "a" if meaning.isdecimal() else meaning[-1:] or self._before  # a digit of a code ends no number
        shown.append(meaning)


def _meaning(found: re.Match[str]) -> str | None:
    """Return what is shown in place of a reference, code or tag; None of a name or code that means nothing."""
    if found.re is _REFERENCE:
        return unescape(found[0]) if found[1] is None else html5.get(f"{found[1]};")
    if found.re is _CODE:
        return _character(found)
    return "\n" if found.re is _BREAK else ""


def _character(found: re.Match[str]) -> str | None:
    """Return what a code stands for; None of half a pair, bytes that are no text, and control characters."""
    try:
        if found["bytes"]:
            return bytes.fromhex(found["bytes"].replace("%", "")).decode()
        if found["high"]:
            return bytes.fromhex(found["high"] + found["low"]).decode("utf-16-be")
        char = chr(int(found["four"] or found["braced"] or found["eight"] or found["two"], 16))
    except (ValueError, OverflowError):
        return None
    return None if char < " " or "\ud800" <= char <= "\udfff" else char
