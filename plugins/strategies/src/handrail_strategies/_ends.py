"""Finds where sentences or paragraphs end in a text that comes in pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from handrail_strategies._marks import AROUND, BLANK, BLOCK, BLOCK_FIRST, BLOCK_LENGTH, BREAK, CANDIDATE, LINES, is_end

if TYPE_CHECKING:
    from collections.abc import Callable

_BEFORE = 48  # characters before a mark that decide what it means
_INFO = re.compile(r"[`\n\r\u2029]")
_FENCE = re.compile(r"`{3,64}|~{3,64}")
_FENCE_LINE = re.compile(r"(?:\r\n|[\n\r\u2029])[ \t]{0,64}(`{1,64}|~{1,64}|)[ \t]{0,64}")


class Ends:
    """Finds ends, each at the first character after the white space that follows; the same ones however text comes.

    How far one must look ahead to know an end is bounded, so `decided` is never far behind what has come.

    Args:
        sentences: abbreviations, to look for the ends of sentences; None to look for those of paragraphs only.
    """

    def __init__(self, sentences: frozenset[str] | None = None) -> None:
        self.candidate = BREAK if sentences is None else CANDIDATE  # text without it has no end
        self.decided = 0  # every end up to this offset is known
        self.waits = False  # True if something may be an end, and more text must come before that is known
        self._known = sentences
        self._text = ""
        self._base = 0  # offset of its first character
        self._at = 0  # index in it of what is to be looked at next
        self._final = False
        self._fence = ""  # the fence of the code block that we are in
        self._step: Callable[[], int | None] = self._begin

    def feed(self, text: str, *, final: bool = False) -> list[int]:
        """Take more text; return the offsets of the ends that are known now."""
        drop = self._at - _BEFORE
        if drop > 0:
            self._base += drop
            self._at = _BEFORE
            self._text = self._text[drop:]
        self._text += text
        self._final = final
        self.waits = False
        ends = []
        while self._at < len(self._text) and not self.waits:
            end = self._step()
            if end is not None:
                ends.append(self._base + end)
        self.decided = self._base + self._at
        return ends

    def _begin(self) -> int | None:
        """Look whether the text begins with a code block."""
        if self._text[0] in "`~" and self._must_wait(BLOCK_LENGTH, 0):
            return None
        self._enter(BLOCK.match(self._text))
        return None

    def _outside(self) -> int | None:
        found = self.candidate.search(self._text, self._at)
        if found is None:
            self._at = len(self._text)
            return None
        self._at = found.start()
        return self._line() if found[0] in "\n\r\u2029" else self._marks()

    def _marks(self) -> int | None:
        around = AROUND.match(self._text, self._at)
        if around is None or self._must_wait(1, around.end()):
            return None
        space = around["space"]
        following = self._text[around.end() : around.end() + 1]
        before = self._text[max(0, self._at - _BEFORE) : self._at]
        if LINES.search(space):
            self._at = around.start("space")
            return self._line(ended=True, otherwise=around.start())
        self._at = around.end("space")
        return self._at if is_end(around, following, before, self._known or frozenset()) else None

    def _line(self, *, ended: bool = False, otherwise: int | None = None) -> int | None:
        """Look at the end of a line and the beginning of the next one.

        Args:
            ended: True if what stands before it is an end in any case.
            otherwise: where to look again if more must come before a decision.
        """
        blank = BLANK.match(self._text, self._at)
        end = self._at if blank is None else blank.end()
        if self._must_wait(1, end) or (self._text[end : end + 1] in BLOCK_FIRST and self._must_wait(BLOCK_LENGTH, end)):
            self._at = self._at if otherwise is None else otherwise
            return None
        breaks = len(LINES.findall(self._text, self._at, end))
        block = BLOCK.match(self._text, end)
        self._at = end
        self._enter(block)
        is_end = breaks > 1 or (self._known is not None and (ended or block is not None))
        return end if is_end else None

    def _enter(self, block: re.Match[str] | None) -> None:
        self._step = self._outside
        if block is not None and block["fence"]:
            self._at = block.start()
            self._step = self._opening

    def _opening(self) -> int | None:
        """Look at the line that opens a code block; one with further backticks opens none."""
        fence = _FENCE.match(self._text, self._at) if not self._fence else None
        if fence is not None:
            if self._must_wait(1, fence.end()):
                return None
            self._fence = fence[0]
            self._at = fence.end()
        found = (_INFO if self._fence[0] == "`" else BREAK).search(self._text, self._at)
        if found is None:
            self._at = len(self._text)
        elif found[0] == "`":
            self._at, self._fence, self._step = found.start(), "", self._outside
        else:
            self._at, self._step = found.start(), self._inside
        return None

    def _inside(self) -> int | None:
        """Look for the line that closes the code block; a line's end is next, or anything within a line."""
        line = _FENCE_LINE.match(self._text, self._at)
        if line is None:
            found = BREAK.search(self._text, self._at)
            self._at = len(self._text) if found is None else found.start()
            return None
        if self._must_wait(1, line.end()):
            return None
        following = self._text[line.end() : line.end() + 1]
        self._at = line.end()
        if len(line[1]) < len(self._fence) or line[1][0] != self._fence[0] or following not in "\n\r\u2029":
            return None
        return self._close(line.start()) if following else None

    def _close(self, start: int) -> int | None:
        """Leave the code block, unless more must come before the next line is known."""
        fence, self._fence, self._step = self._fence, "", self._outside
        end = self._line(ended=True, otherwise=start)
        if self.waits:
            self._fence, self._step = fence, self._inside
        return end

    def _must_wait(self, count: int, index: int) -> bool:
        """Return whether fewer characters have come from `index` on than a decision needs; then it is put off."""
        self.waits = not self._final and len(self._text) - index < count
        return self.waits
