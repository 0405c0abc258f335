"""Reads JSON as it comes: keys and leaves decoded, in the order of the document, one a line."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from handrail._content._characters import REPLACEMENT
from handrail._content._escapes import escape_at, lone_half_end, without_exponent
from handrail._content._segments import ESCAPE, KEY, RUN, SCALAR, STRING, TEXT, Segment
from handrail._content._structure import Structure
from handrail.errors import ContentError

MAX_NUMBER: Final = 4_096

_RUN = re.compile(r'[^"\\]+')
_NUMBER_START = re.compile(r"-?[0-9]|-\Z")
_NUMBER_RUN = re.compile(r"[-+.eE0-9]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LETTERS = re.compile(r"[a-z]+")
_LITERALS = ("true", "false", "null")
_AFTER_SCALAR = " \t\n\r,]}"

# What is read now.
_BETWEEN, _IN_STRING, _IN_NUMBER, _IN_TEXT, _NOTHING = range(5)


class JsonReader:
    """Reads raw characters into content, and into segments that remember how the content was written.

    Control characters inside a string are read as themselves, as lenient readers do. Everything else is RFC 8259; a
    byte order mark before it is passed over.

    Args:
        segments: where to put the segments.
        required: True if the text must be one JSON value: where it stops being JSON, nothing more is read, and
            `failure` says why. Otherwise it is plain text from the end of its last item on, and a document may follow
            another one.

    Attributes:
        between: the raw characters since the last item, which say nothing.
        failure: why the text is not valid JSON, if it had to be.
    """

    __slots__ = (
        "_held",
        "_mode",
        "_number",
        "_number_size",
        "_read",
        "_required",
        "_segments",
        "_started",
        "_structure",
        "between",
        "failure",
    )

    def __init__(self, segments: deque[Segment], *, required: bool) -> None:
        self.failure: ContentError | None = None
        self._segments = segments
        self._required = required
        self._structure = Structure(required=required)
        self.between = self._structure.between
        self._mode = _BETWEEN
        self._held = ""  # the beginning of what cannot be read yet: half an escape, "-", letters
        self._started = False  # True from the first item on
        self._number: list[str] = []
        self._number_size = 0
        self._read = 0  # raw characters before those that are read now

    def feed(self, raw: str) -> str:
        """Read the next raw characters; return the content that is certain now."""
        if self._mode == _IN_STRING and not self._held and '"' not in raw and "\\" not in raw:
            if raw:
                self._read += len(raw)
                self._segments.append((RUN, raw, None))
            return raw
        return self._scan(raw)

    def finish(self, *, cut: bool) -> str:
        """Read what was held back; return the rest of the content.

        Raises:
            ContentError: the text had to be JSON and is not.
        """
        out: list[str] = []
        if self.failure is None:
            self._finish(out)
            if self._required and not cut and not self._is_whole:
                self._fail("it ends too early")
        if self.failure is not None:
            raise self.failure
        return "".join(out)

    @property
    def _is_whole(self) -> bool:
        return self._mode == _BETWEEN and self._structure.is_complete

    def _scan(self, raw: str) -> str:
        text = self._held + raw
        self._held = ""
        out: list[str] = []
        structure = self._structure
        at, size = 0, len(text)
        while at < size:
            mode = self._mode
            if mode == _IN_STRING:
                at = self._string(text, at, out)
            elif mode == _BETWEEN:
                at = structure.read(text, at)
                if structure.problem is not None:
                    at = self._break(text, at, out, structure.problem)
                elif at < size:
                    at = self._open_string(at, out) if text[at] == '"' else self._scalar(text, at, out)
            elif mode == _IN_NUMBER:
                at = self._in_number(text, at, out)
            elif mode == _IN_TEXT:
                self._plain(text[at:], out)
                break
            else:
                break
        self._read += size - len(self._held)
        return "".join(out)

    # Strings

    def _string(self, text: str, at: int, out: list[str]) -> int:
        if run := _RUN.match(text, at):
            raw, at = run[0], run.end()
            self._segments.append((RUN, raw, None))
            out.append(raw)
            if at == len(text):
                return at
        if text[at] == '"':
            self._mode = _BETWEEN
            self.between.append('"')
            return at + 1
        return self._escape(text, at, out)

    def _escape(self, text: str, at: int, out: list[str]) -> int:
        found = escape_at(text, at)
        if found is None:
            return self._break(text, at, out, "an escape is unknown")
        meant, end = found
        if end == at:
            return self._hold(text, at)
        self._segments.append((ESCAPE, text[at:end], meant))
        out.append(meant)
        return end

    # Numbers

    def _in_number(self, text: str, at: int, out: list[str]) -> int:
        """Read a number, of which nothing is certain before its end: an exponent moves its point."""
        if run := _NUMBER_RUN.match(text, at):
            room = MAX_NUMBER - self._number_size
            self._number.append(run[0][:room])
            self._number_size += len(self._number[-1])
            if len(run[0]) > room:
                why = f"a number has more than {MAX_NUMBER:,} characters"
                return self._break(text, at + room, out, why, in_number=True)
            at = run.end()
            if at == len(text):
                return at
        if text[at] not in _AFTER_SCALAR or not _NUMBER.fullmatch("".join(self._number)):
            return self._break(text, at, out, "a number is not valid", in_number=True)
        self._end_number(out, valid=True)
        return at

    def _end_number(self, out: list[str], *, valid: bool) -> None:
        number = "".join(self._number)
        if valid and (written_out := without_exponent(number)):
            marks = iter(written_out)
            self._segments.append((ESCAPE, number, next(marks)))
            self._segments.extend((ESCAPE, "", mark) for mark in marks)
            out.append(written_out)
        else:
            self._segments.append((RUN, number, None))
            out.append(number)
        self._number, self._number_size = [], 0
        self._mode = _BETWEEN

    # Items

    def _open_string(self, at: int, out: list[str]) -> int:
        self.between.append('"')
        self._open_item(STRING, out)
        self._mode = _IN_STRING
        return at + 1

    def _scalar(self, text: str, at: int, out: list[str]) -> int:
        if number := _NUMBER_START.match(text, at):
            if number[0] == "-":
                return self._hold(text, at)
            self._open_item(SCALAR, out)
            self._mode = _IN_NUMBER
            return at
        letters = _LETTERS.match(text, at)
        if letters is not None:
            word, end = letters[0], letters.end()
            if end == len(text) and any(literal.startswith(word) for literal in _LITERALS):
                return self._hold(text, at)
            if word in _LITERALS and text[end] in _AFTER_SCALAR:
                return self._literal(word, end, out)
        return self._break(text, at, out, "a value is unknown")

    def _literal(self, word: str, end: int, out: list[str]) -> int:
        self._open_item(SCALAR, out)
        self._segments.append((RUN, word, None))
        out.append(word)
        return end

    def _open_item(self, kind: int, out: list[str]) -> None:
        """Begin a string or a scalar; a string where a name must be is a key."""
        before, keys = self._structure.begin_item()
        self._segments.append((kind if keys is None else KEY, before, keys))
        if self._started:
            out.append("\n")
        self._started = True

    def _hold(self, text: str, at: int) -> int:
        self._held = text[at:]
        return len(text)

    # Where JSON stops

    def _break(self, text: str, at: int, out: list[str], why: str, *, in_number: bool = False) -> int:
        if self._required:
            self._fail(f"{why}, at offset {self._read + at:,}")
        else:
            if in_number:
                self._end_number(out, valid=False)
            self._mode = _IN_TEXT
            self._plain(self._structure.taken_between() + text[at:], out, in_number=in_number)
        return len(text)

    def _fail(self, why: str) -> None:
        self._mode = _NOTHING
        self.failure = ContentError(f"the text is not valid JSON: {why}")

    def _plain(self, text: str, out: list[str], *, in_number: bool = False) -> None:
        if text:
            self._segments.append((TEXT, text, in_number))
            out.append(text)

    def _finish(self, out: list[str]) -> None:
        held, self._held = self._held, ""
        if self._mode == _IN_NUMBER:
            valid = _NUMBER.fullmatch("".join(self._number)) is not None
            self._end_number(out, valid=valid)
            self._mode = _BETWEEN if valid else _IN_NUMBER  # it may have become one
        elif self._mode == _IN_STRING:
            self._finish_string(held, out)
        elif held:
            self._literal(held, 0, out)
            if held not in _LITERALS:
                self._mode = _NOTHING  # it may have become one
        elif self._mode == _BETWEEN and self._structure.is_at_start and not self._required:
            out.append(self._structure.taken_between())
            self._segments.append((TEXT, out[-1], False))  # also where it is empty: a text can be put there

    def _finish_string(self, held: str, out: list[str]) -> None:
        if end := lone_half_end(held):
            self._segments.append((ESCAPE, held[:end], REPLACEMENT))
            out.append(REPLACEMENT)
        self._plain(held[end:], out)
