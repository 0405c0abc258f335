"""The `rolling` strategy: windows of tokens that overlap, whose tails are held until the next window has passed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from handrail._types import Window
from handrail._words import graphemes, pieces, words

if TYPE_CHECKING:
    from handrail._types import CountTokens

_LONGEST = 9  # characters that a token has at most, as far as what is held rests on it
_SOME = 256  # characters that are measured at once, beside as many as a window may need


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

    Windows, what they repeat and what is held begin and end between words; inside a word only where it alone is longer
    than the new part of a window, and then between graphemes.

    Attributes:
        needs: characters that must still come before it is worth asking.
    """

    def __init__(self, settings: RollingSettings, count_tokens: CountTokens) -> None:
        self._count = count_tokens
        self._chunk_size, self._context_size = settings.chunk_size, settings.context_size
        self._hold_size = settings.resolved_hold_size
        self._room = max(self._chunk_size - self._context_size, 1)
        self._wait_for(min(settings.resolved_first_chunk_size, self._chunk_size))
        self.needs = self._need
        self._most = _SOME + 8 * self._chunk_size  # characters that are measured at once
        self._incoming: deque[str] = deque()  # came, and was not measured
        self._finished = False
        # What was measured, from the place where the next context begins: the text, where it may be cut, and the tokens
        # up to each of those places. The last piece may still grow, so that the text goes on behind the last place.
        self._text = ""
        self._cuts, self._tokens = [0], [0]
        self._end = 0  # the place to cut where the last window ended
        self._clears = 0
        self._fine = -1  # offset up to which there are words that had to be cut
        self._token_size = 1.0  # characters of a token, lately

    def feed(self, text: str) -> None:
        """Take more text."""
        self._incoming.append(text)
        self.needs -= len(text)

    def finish(self) -> None:
        """Note that no more text will come."""
        self._finished = True
        self._incoming.append("")  # closes the last piece

    def window(self) -> Window | None:
        """Return the next window if enough has come, or whatever is left once no more will come."""
        if self.needs > 0 and not self._finished:
            return None
        cuts, tokens, incoming = self._cuts, self._tokens, self._incoming
        full = tokens[0] + self._chunk_size
        while incoming and (tokens[-1] < full or len(tokens) - 1 == self._end):
            self._measure()
        window, came = None, tokens[-1] - tokens[self._end]
        if len(tokens) - 1 > self._end and (came >= self._enough or tokens[-1] >= full or self._finished):
            window = self._make(full)
            came = tokens[-1] - tokens[self._end]
            if self._need != self._room:
                self._wait_for(min(2 * self._need, self._room))
        if (missing := self._need - came) <= 0 or incoming:
            self.needs = 0
        else:  # one token too many is cheaper than a look in vain
            waiting = cuts[0] + len(self._text) - cuts[-1]  # characters of the piece that may still grow
            needs = int(missing * self._token_size) - waiting
            self.needs = max(waiting // 4, needs) + 3
        return window

    def _wait_for(self, tokens: int) -> None:
        """Have the next window wait for so many new tokens; it is not worth looking again for the last few of many."""
        self._need = tokens
        self._enough = tokens - (1 if tokens < 32 else tokens // 16)

    def _make(self, full: int) -> Window:
        """Make the window that begins at the next context, of so many tokens at most, and forget what is before it."""
        cuts, tokens = self._cuts, self._tokens
        at, end = self._end, len(cuts) - 1
        if tokens[end] > full:  # a piece that is longer than the rest of the window: never stand still
            end = max(bisect_right(tokens, full, at) - 1, at + 1)
        start, stop, total = cuts[0], cuts[end], tokens[end]
        keep = self._back(total, stop, self._context_size)
        held = keep if self._hold_size == self._context_size else self._back(total, stop, self._hold_size)
        last = self._finished and not self._incoming and end == len(cuts) - 1
        if last:
            self._clears = stop
        elif cuts[held] > self._clears:
            self._clears = cuts[held]
        window = Window(self._text[: stop - start], start, cuts[at], stop, self._clears, last)
        if total > tokens[0]:
            self._token_size = (stop - start) / (total - tokens[0])
        self._text = self._text[cuts[keep] - start :]
        self._end = end - keep
        del cuts[:keep], tokens[:keep]
        return window

    def _back(self, total: int, stop: int, size: int) -> int:
        """Find the last place to cut that has so many tokens behind it.

        In a word that had to be cut the tokens of its parts are unknown: there, characters count as they may be used.
        """
        tokens, cuts = self._tokens, self._cuts
        index = bisect_right(tokens, total - size) - 1
        if index < 0 or self._fine <= cuts[index]:
            index = max(index, 0)
        else:
            far = bisect_right(cuts, stop - size * _LONGEST) - 1
            most = bisect_left(tokens, total - self._chunk_size + max(self._room // 2, 1))  # room for new text
            index = max(min(index, max(far, most)), 0)
        return index

    def _measure(self) -> None:
        """Find and count the pieces of some of what came. The last one may still grow, and stays open."""
        new = self._incoming.popleft()
        if self._incoming or len(new) > self._most:
            new = self._some(new)
        closes = self._finished and not self._incoming
        found = pieces(self._text[self._cuts[-1] - self._cuts[0] :] + new)
        if not found:
            return
        self._text += new
        # One that is longer than a window is not waited for: only what it ends with stays open.
        is_long = not closes and len(found[-1]) > self._room and self._count(found[-1]) > self._room
        if not (closes or is_long):
            found.pop()
        counts = list(map(self._count, found))
        if counts and max(counts) > self._room:
            found, counts = self._cut_further(found, counts)
        if is_long:  # the last word, too, if only a mark is behind it that may stand inside a word
            del found[-2:], counts[-2:]
        self._cuts += accumulate(map(len, found), initial=self._cuts.pop())
        self._tokens += accumulate(counts, initial=self._tokens.pop())

    def _some(self, text: str) -> str:
        """Return this text and what came after it, as far as a window needs it.

        Much text at once does not hold up everybody else.
        """
        incoming, most = self._incoming, self._most
        while incoming and len(text) < most:
            text += incoming.popleft()
        incoming.extendleft([text[start : start + most] for start in range(most, len(text), most)][::-1])
        return text[:most]

    def _cut_further(self, found: list[str], counts: list[int]) -> tuple[list[str], list[int]]:
        """Cut pieces that are longer than the new part of a window: between words, longer words between graphemes."""
        fine: list[str] = []
        for piece, count in zip(found, counts, strict=True):
            fine += words(piece) if count > self._room else (piece,)
        each = list(map(self._count, fine))
        if max(each) <= self._room:
            return fine, each
        found, counts, fine, each = fine, each, [], []
        for word, count in zip(found, counts, strict=True):
            if count <= self._room:
                fine.append(word)
                each.append(count)
                continue
            parts = graphemes(word)
            size = max(len(parts) // count, 1)  # about a token each
            groups = ["".join(parts[i : i + size]) for i in range(0, len(parts), size)]
            fine += groups
            each += [max(-(-count // len(groups)), 1)] * len(groups)
        self._fine = self._cuts[0] + len(self._text)
        return fine, each
