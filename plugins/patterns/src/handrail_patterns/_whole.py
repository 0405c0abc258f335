"""Expressions with open gaps, such as `ignore.*instructions`, on an input, in time that grows with its length.

Nothing of an input goes out before all of it was judged, so nothing is held: the expression is taken apart at its gaps,
and each part is looked for after the nearest end of the one before. A line's end, where the gap does not take it,
begins anew. That is enough to know whether the expression matches, which is all that a block needs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from handrail_patterns._cost import cost
from handrail_patterns._limits import accepts, width
from handrail_patterns._live import descendants, full
from handrail_patterns._tree import Char, Node, Repeat, Seq, seq

_LINE, _TEXT = r"[^\n]", r"[\s\S]"
_WIDEST_PART = 1024
_BUDGET = 2e6


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between two gaps: what it looks like, and how many characters it has at least and at most."""

    pattern: re.Pattern[str]
    least: int
    most: int

    def nearest_end(self, text: str, start: int, stop: int) -> int | None:
        """Give the nearest place at which one ends that begins at or after `start`, all of it before `stop`."""
        match = self.pattern.search(text, start, stop)
        nearest = None
        while match is not None:
            nearest = self._shortest_end(text, match)
            match = self.pattern.search(text, match.start() + 1, nearest - 1)
        return nearest

    def _shortest_end(self, text: str, match: re.Match[str]) -> int:
        for end in range(match.start() + self.least, match.end()):
            if self.pattern.fullmatch(text, match.start(), end):
                return end
        return match.end()


class OpenParts:
    """An expression taken apart at its gaps."""

    def __init__(self, parts: Sequence[Node], gap: str) -> None:
        self.parts = [_Part(re.compile(full(part)), *_width(part)) for part in parts]
        self.in_line = gap == _LINE
        self.context = max(part.most for part in self.parts) + 1

    def open(self) -> OpenScan:
        """Start a stream."""
        return OpenScan(self)


class OpenScan:
    """Where one stream stands: which part is next, and the newest characters, which may be its beginning."""

    __slots__ = ("_next", "_open", "_position", "_text")

    def __init__(self, parts: OpenParts) -> None:
        self._open = parts
        self._next = 0
        self._text = ""
        self._position = 0  # in _text: where the next part may begin

    def feed(self, text: str, *, ended: bool = False) -> bool:
        """Take the next characters; tell whether all parts have followed one another."""
        self._text = text = self._text + text
        while self._next < len(self._open.parts):
            line = text.find("\n", self._position) if self._open.in_line else -1
            end = self._open.parts[self._next].nearest_end(text, self._position, len(text) if line < 0 else line)
            if end is not None and (ended or end < len(text)):  # at the end, a word could still go on
                self._next, self._position = self._next + 1, end
            elif line >= 0:
                self._next, self._position = 0, line + 1
            else:
                self._forget()
                return False
        return True

    def _forget(self) -> None:
        """Keep what the next part may begin with, and a character before it."""
        text = self._text
        self._position = max(self._position, len(text) - self._open.context)
        surplus = self._position - 1
        if surplus > 0:
            self._text = text[surplus:]
            self._position = 1


def open_parts(node: Node) -> OpenParts | None:
    """Take an expression apart at its gaps; None if it has none, or is not of this form."""
    items = list(node.items) if isinstance(node, Seq) else [node]
    gaps = {gap for gap in map(_gap, items) if gap is not None}
    parts = [seq(part) for part in _between_gaps(items)]
    if len(gaps) != 1 or not parts or not all(map(_is_simple, parts)):
        return None
    (gap,) = gaps
    if gap == _LINE and any(_takes_line_break(part) for part in parts):
        return None
    return OpenParts(parts, gap)


def _between_gaps(items: Sequence[Node]) -> list[list[Node]]:
    """Give what stands between gaps; a gap at the beginning or end says nothing of whether there is a match."""
    parts: list[list[Node]] = [[]]
    for item in items:
        if isinstance(item, Repeat) and _gap(item) is not None:
            parts[-1].extend([item.body] * item.least)
            parts.append([])
        else:
            parts[-1].append(item)
    return [part for part in parts if part]


def _gap(node: Node) -> str | None:
    """Give the source of any character, if a node is an open run of it."""
    if isinstance(node, Repeat) and node.most is None and node.mode != "possessive" and isinstance(node.body, Char):
        return node.body.source if node.body.source in (_LINE, _TEXT) else None
    return None


def _is_simple(part: Node) -> bool:
    least, most = width(part)
    return least > 0 and most is not None and most <= _WIDEST_PART and cost(part, most) <= _BUDGET


def _takes_line_break(part: Node) -> bool:
    return any(isinstance(node, Char) and accepts(node.source, "\n") for node in descendants(part))


def _width(part: Node) -> tuple[int, int]:
    least, most = width(part)
    return least, _WIDEST_PART if most is None else most
