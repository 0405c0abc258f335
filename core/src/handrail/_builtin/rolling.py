"""The `rolling` strategy: windows of tokens that overlap, whose tails are held until the next window has passed."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Protocol

from handrail._types import Window

if TYPE_CHECKING:
    from handrail._protocols import CountTokens

_FEW = 16  # tokens
_NOT_DENSE = 2  # tokens that a piece may have and need not be cut between its characters

# Places where a text may be cut and its parts counted apart: about a word each, so that counts are remembered.
_PIECE = re.compile(r"\s{0,4}\S{1,8}|\s{1,8}")


class RollingSettings(Protocol):
    """What the strategy needs to know, in tokens; validated with the configuration."""

    chunk_size: int
    context_size: int

    @property
    def resolved_hold_size(self) -> int: ...

    @property
    def resolved_first_chunk_size(self) -> int: ...


class Rolling:
    """Makes windows of at most `chunk_size` tokens that repeat `context_size` tokens of the one before.

    The first waits for `first_chunk_size` tokens, each next one for twice as many new ones as the one before, as far
    as `chunk_size` allows; a window takes all that has come. The last `hold_size` tokens of a window are held, so a
    violation of up to that length that lies across two windows is seen whole before any of it is cleared.
    """

    def __init__(self, settings: RollingSettings, count_tokens: CountTokens) -> None:
        self._count = count_tokens
        self._chunk_size = settings.chunk_size
        self._context_size = settings.context_size
        self._hold_size = settings.resolved_hold_size
        self._need = settings.resolved_first_chunk_size  # new tokens for which the next window waits
        self._incoming: list[str] = []
        self.needs = self._need  # characters that must still come before it is worth measuring again
        self._text = ""  # from the start of the next window's context, or of the piece that may still grow, on
        self._base = 0  # offset of its first character
        # Where the text may be cut, and the tokens up to there; the first cut is the start of the next context.
        self._cuts = [0]
        self._tokens = [0]
        self._piece = 0  # where the piece begins that may still grow
        self._piece_tokens = 0  # tokens up to there
        self._start = 0  # end of the last window
        self._start_tokens = 0
        self._clears = 0
        self._finished = False

    def feed(self, text: str) -> None:
        """Take more text."""
        self._incoming.append(text)
        self.needs -= len(text)

    def finish(self) -> None:
        """Take note that no more text will come."""
        self._finished = True

    def window(self) -> Window | None:
        """Give the next window if enough has come, or whatever is left once no more will come."""
        if self.needs > 0 and not self._finished:
            return None
        self._measure()
        growing = self._text[self._piece - self._base :]
        tokens = self._piece_tokens + (self._count(growing) if growing else 0)
        if self._waits(tokens):
            return None
        self._cut(self._base + len(self._text), tokens)
        window = self._make() if self._cuts[-1] > self._start else None
        self._waits(tokens)  # so that nobody need ask again before the next one is due
        return window

    def _waits(self, tokens: int) -> bool:
        """Tell whether too little has come for the next window, and note how much more must."""
        missing = self._need - (tokens - self._start_tokens)
        if missing <= 0 or self._finished:
            return False
        self.needs = self._characters_of(missing, tokens)
        return True

    def _characters_of(self, missing: int, tokens: int) -> int:
        """Say how many more characters must come before it is worth looking again, by those that tokens have had here.

        Fewer than those, for text may get denser and a window must not be late; of a few tokens hardly fewer, for then
        it can be late by little, and looking costs more than it gains.
        """
        measured = tokens - self._tokens[0]
        if not self._text.isascii() or measured <= 0:
            return 1
        eighths = 7 if missing <= _FEW else 6
        return max(missing * (self._base + len(self._text) - self._cuts[0]) * eighths // (measured * 8), 1)

    def _measure(self) -> None:
        """Cut what came into pieces and count them; the last piece may still grow and stays open."""
        if not self._incoming:
            return
        self._text += "".join(self._incoming)
        self._incoming.clear()
        pieces = _PIECE.findall(self._text, self._piece - self._base)
        del pieces[-1:]
        count, end, total = self._count, self._piece, self._piece_tokens
        whole = self._cuts[-1] == end  # a window may have ended in the middle of the piece that was growing
        add_cut, add_tokens = self._cuts.append, self._tokens.append
        for piece in pieces:
            own = count(piece)
            end += len(piece)
            total += own
            if whole and own <= _NOT_DENSE:
                add_cut(end)
                add_tokens(total)
            else:
                self._cut(end, total)
                whole = True
        self._piece, self._piece_tokens = end, total

    def _cut(self, offset: int, tokens: int) -> None:
        """Note a place where the text may be cut; a window may already end in the middle of a piece."""
        begin, before = self._cuts[-1], self._tokens[-1]
        size, count = offset - begin, tokens - before
        if size <= 0:
            return
        if count > _NOT_DENSE:  # dense text: let it be cut between characters too
            for i in range(1, size):
                self._cuts.append(begin + i)
                self._tokens.append(before + -(-count * i // size))
        self._cuts.append(offset)
        self._tokens.append(tokens)

    def _make(self) -> Window:
        context_start = self._cuts[0]
        end_index = self._index(self._tokens[0] + self._chunk_size)
        if self._cuts[end_index] <= self._start:  # a single piece is longer than the window: never stand still
            end_index = bisect_right(self._cuts, self._start)
        end, end_tokens = self._cuts[end_index], self._tokens[end_index]
        last = self._finished and end == self._cuts[-1]
        held_from = self._cuts[min(self._index(end_tokens - self._hold_size), end_index)]
        self._clears = end if last else max(self._clears, held_from)
        text = self._text[context_start - self._base : end - self._base]
        window = Window(text, context_start, self._start, end, self._clears, last)
        self._advance(end, end_index)
        return window

    def _index(self, tokens: int) -> int:
        """Find the last cut that has at most so many tokens before it."""
        return max(bisect_right(self._tokens, tokens) - 1, 0)

    def _advance(self, end: int, end_index: int) -> None:
        self._start, self._start_tokens = end, self._tokens[end_index]
        self._need = min(2 * self._need, self._chunk_size - self._context_size)
        keep = min(self._index(self._start_tokens - self._context_size), end_index)
        del self._cuts[:keep], self._tokens[:keep]
        base = min(self._cuts[0], self._piece)
        self._text = self._text[base - self._base :]
        self._base = base
