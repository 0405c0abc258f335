"""Writes content back as the JSON that it came in: what is kept as it was, what is edited in the leaf it stood in."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence

from handrail._content._characters import whole_characters
from handrail._content._dividing import divide, divide_before_text
from handrail._content._protocol import Piece
from handrail._content._segments import ESCAPE, KEY, RUN, SCALAR, STRING, TEXT, Keys, Segment
from handrail.errors import ContentError

_NONE = -1  # no item was opened yet
_BEFORE_ITEMS = (STRING, KEY, SCALAR)
_AS_WRITTEN = (RUN, TEXT)


class JsonWriter:
    """Encodes content, in order, and forgets it.

    A string goes out as far as its content is encoded. A number, `true`, `false` or `null` goes out when the next item
    does, because an edit makes it a string.

    Args:
        segments: what the reader reads, taken from the left.
    """

    __slots__ = ("_at", "_edited", "_item", "_key", "_keys", "_meant", "_scalar", "_segments", "_used")

    def __init__(self, segments: deque[Segment]) -> None:
        self._segments = segments
        self._used = 0  # characters of the first segment, which may be long, that were taken
        self._at = 0
        self._item = _NONE
        self._edited = False  # the key or scalar that is open
        self._scalar: list[str] = []  # as it came, and as it reads
        self._meant: list[str] = []
        self._key: list[str] = []
        self._keys: Keys | None = None

    def encode(self, pieces: Iterable[Piece]) -> str:
        """Return the raw text of the next pieces of content."""
        out: list[str] = []
        for start, end, replacement in pieces:
            if start != self._at or end < start:
                raise ValueError(f"the piece [{start}, {end}) does not begin where the last one ended, at {self._at}")
            if replacement is None:
                self._keep(end - start, out)
            else:
                self._replace(end - start, replacement, out)
            self._at = end
        return out[0] if len(out) == 1 else "".join(out)

    def rest(self, between: Iterable[str]) -> str:
        """Return what is left, before what came between the last item and the end."""
        out: list[str] = []
        if self._item == _NONE and self._segments:
            self._begin(out)  # an item without a character
        if self._segments:
            raise ValueError(f"the content from {self._at} on was not encoded")
        self._leave(out)
        out += between
        return "".join(out)

    def _keep(self, width: int, out: list[str]) -> None:
        if self._item == _NONE and width:
            self._begin(out)
        while width:
            segment = self._next(width)
            kind, raw, _ = segment
            if kind >= STRING:
                width -= len(raw) if kind == TEXT else 1
                self._enter(segment, out)
                if kind == TEXT:
                    out.append(raw)
                continue
            width -= len(raw) if kind == RUN else 1
            self._keep_one(segment, out)

    def _keep_one(self, segment: Segment, out: list[str]) -> None:
        raw = segment[1]
        if self._item == SCALAR:
            self._scalar.append(raw)
            self._meant.append(_decoded(segment))
            return
        if self._item == KEY:
            self._key.append(_decoded(segment))
        out.append(raw)

    def _replace(self, width: int, replacement: str, out: list[str]) -> None:
        """Put a text in place of the next characters, divided among the leaves that they stand in."""
        if not width and not replacement:
            return
        replacement, is_first = whole_characters(replacement), self._item == _NONE
        if is_first:
            self._begin(out)
        values, text = self._taken(width), []
        if self._item != TEXT and values and values[-1][0] == TEXT:
            first = next(index for index, segment in enumerate(values) if segment[0] == TEXT)
            values, text = values[:first], values[first:]
        halves = _halves(values, text, replacement)
        if halves is None and is_first:  # nothing of what was no JSON in the end has gone out, nor does any
            out.clear()
            self._item, values, halves = TEXT, [], ("", replacement)
        for_values, for_text = halves or (replacement, "")
        self._put_into_values(values, for_values, out)
        if text:
            self._enter(text[0], out)
            self._put(for_text, text, out)

    def _put_into_values(self, covered: Sequence[Segment], replacement: str, out: list[str]) -> None:
        texts = iter(_shares(covered, replacement))
        own: list[Segment] = []
        for segment in covered:
            if segment[0] in _BEFORE_ITEMS:
                self._put(next(texts), own, out)
                self._enter(segment, out)
                own = []
            else:
                own.append(segment)
        self._put(next(texts), own, out)

    def _taken(self, width: int) -> list[Segment]:
        taken: list[Segment] = []
        while width:
            taken.append(self._next(width))
            width -= _width(taken[-1])
        return taken

    def _next(self, width: int) -> Segment:
        """Take the next segment, or as much of it as fits into the width."""
        if not self._segments:
            raise ValueError(f"the content ends {width} characters before the end of a piece")
        segment = self._segments[0]
        kind, raw, more = segment
        if kind not in _AS_WRITTEN:
            return self._segments.popleft()
        start, end = self._used, self._used + width
        if end < len(raw):
            self._used = end
            return (kind, raw[start:end], more)
        self._used = 0
        self._segments.popleft()
        return (kind, raw[start:], more) if start else segment

    # Items

    def _begin(self, out: list[str]) -> None:
        """Open the first item, before which no character of content stands."""
        if not self._segments:
            raise ContentError("the JSON has no key and no value that could take a text")
        if self._segments[0][0] == TEXT:
            self._item = TEXT
            if not self._segments[0][1]:
                self._segments.popleft()
        else:
            self._enter(self._segments.popleft(), out)

    def _enter(self, segment: Segment, out: list[str]) -> None:
        kind, raw, more = segment
        if kind == TEXT:
            if self._item != TEXT:
                self._leave(out, is_json=not more)
                self._item = TEXT
            return
        if self._item != STRING:
            self._leave(out)
        out.append(raw)
        self._edited = False
        self._item = kind
        self._keys = more if isinstance(more, Keys) else None

    def _leave(self, out: list[str], *, is_json: bool = True) -> None:
        """End the item that is open: write a scalar, keep a key apart from those that were made equal to it."""
        if self._item == SCALAR:
            text = "".join(self._meant if self._edited else self._scalar)
            out.append(f'"{_escaped(text)}"' if self._edited and is_json else text)
            self._scalar, self._meant = [], []
        elif self._item == KEY and self._keys is not None:
            out.append(self._keys.add("".join(self._key), edited=self._edited))
            self._key = []
        self._edited = False

    def _put(self, text: str, covered: Sequence[Segment], out: list[str]) -> None:
        """Write a text into the open item, in place of what is covered of it; what says the same stays as it came."""
        if text == "".join(map(_decoded, covered)):
            for segment in covered:
                self._keep_one(segment, out)
            return
        self._edited = True
        if self._item == SCALAR:
            self._meant.append(text)
        elif self._item == TEXT:
            out.append(text)
        else:
            if self._item == KEY:
                self._key.append(text)
            out.append(_escaped(text))


def _halves(values: Sequence[Segment], text: Sequence[Segment], replacement: str) -> tuple[str, str] | None:
    """Divide a replacement between values and the plain text that follows them; None if that cannot be known."""
    if not text:
        return replacement, ""
    if not values:
        return "", replacement
    return divide_before_text("".join(map(_decoded, values)), "".join(map(_decoded, text)), replacement)


def _shares(covered: Iterable[Segment], replacement: str) -> Sequence[str]:
    """Divide a replacement among the leaves that the segments stand in."""
    decoded, cuts, at = [], [], 0
    for segment in covered:
        if segment[0] in _BEFORE_ITEMS:
            cuts.append(at)
        at += _width(segment)
        decoded.append(_decoded(segment))
    return divide("".join(decoded), cuts, replacement)


def _width(segment: Segment) -> int:
    return len(segment[1]) if segment[0] in _AS_WRITTEN else 1


def _decoded(segment: Segment) -> str:
    kind, raw, more = segment
    if kind in _BEFORE_ITEMS:
        return "\n"
    return str(more) if kind == ESCAPE else raw


def _escaped(text: str) -> str:
    """Write a text as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
