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
        # What was measured, from the offset where the next context begins: the pieces that are not to be cut, and the
        # tokens up to the beginning of each and the end of the last. Behind that is one that may still grow.
        self._base = 0
        self._pieces: list[str] = []
        self._tokens = [0]
        self._open = ""
        self._text = ""  # all of it
        self._end, self._ended_at = 0, 0  # how many of the pieces windows had, and the offset of the end of those
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
        tokens, incoming = self._tokens, self._incoming
        full = tokens[0] + self._chunk_size
        while incoming and (tokens[-1] < full or len(tokens) - 1 == self._end):
            self._measure()
        window, came = None, tokens[-1] - tokens[self._end]
        if len(tokens) - 1 > self._end and (came >= self._enough or tokens[-1] >= full or self._finished):
            window = self._make(full)
            came = tokens[-1] - tokens[self._end]
            if self._need != self._room:
                self._wait_for(min(2 * self._need, self._room))
        missing = self._need - came
        if window is None:
            if tokens[-1] > tokens[0]:
                self._token_size = (len(self._text) - len(self._open)) / (tokens[-1] - tokens[0])
            missing //= 2  # too early is better than too late, for somebody waits
        if self._need <= came or incoming:
            self.needs = 0
        else:  # one token too many is cheaper than a look in vain
            waiting = len(self._open)
            needs = int(missing * self._token_size) - waiting
            self.needs = max(waiting // 4, needs) + 3
        return window

    def _wait_for(self, tokens: int) -> None:
        """Have the next window wait for so many new tokens; it is not worth looking again for the last few of many."""
        self._need = tokens
        self._enough = tokens - (1 if tokens < 32 else tokens // 16)

    def _make(self, full: int) -> Window:
        """Make the window that begins at the next context, of so many tokens at most, and forget what is before it."""
        measured, tokens, at, base = self._pieces, self._tokens, self._end, self._base
        end, stop = len(measured), base + len(self._text) - len(self._open)
        if tokens[end] > full:
            end = bisect_right(tokens, full, at) - 1
            if end <= at:  # a piece that is longer than the rest of the window: never stand still
                end = at + 1
            stop = self._ended_at + sum(map(len, measured[at:end]))
        keep = self._back(end, self._context_size)
        begin = held = stop - sum(map(len, measured[keep:end]))
        if self._hold_size != self._context_size:
            held = stop - sum(map(len, measured[self._back(end, self._hold_size) : end]))
        last = self._finished and not self._incoming and end == len(measured)
        if last:
            self._clears = stop
        elif held > self._clears:
            self._clears = held
        window = Window(self._text[: stop - base], base, self._ended_at, stop, self._clears, last)
        if tokens[end] > tokens[0]:
            self._token_size = (stop - base) / (tokens[end] - tokens[0])
        self._text = self._text[begin - base :]
        self._base, self._ended_at, self._end = begin, stop, end - keep
        del measured[:keep], tokens[:keep]
        return window

    def _back(self, end: int, size: int) -> int:
        """Find the last place to cut that has so many tokens between it and an end.

        In a word that had to be cut the tokens of its parts are unknown: there, characters count as they may be used.
        """
        tokens, total = self._tokens, self._tokens[end]
        index = bisect_right(tokens, total - size) - 1
        if index < 0:
            index = 0
        if self._fine > self._base:
            cuts = list(accumulate(map(len, self._pieces[:end]), initial=self._base))
            if self._fine > cuts[index]:
                far = bisect_right(cuts, cuts[end] - size * _LONGEST) - 1
                most = bisect_left(tokens, total - self._chunk_size + max(self._room // 2, 1))  # room for new text
                index = max(min(index, max(far, most)), 0)
        return index

    def _measure(self) -> None:
        """Find and count the pieces of some of what came. The last one may still grow, and stays open."""
        new = self._incoming.popleft()
        if self._incoming or len(new) > self._most:
            new = self._some(new)
        closes = self._finished and not self._incoming
        self._text += new
        found = pieces(self._open + new)
        if not found:
            return
        # One that is longer than a window is not waited for: only what it ends with stays open.
        is_long = not closes and len(found[-1]) > self._room and self._count(found[-1]) > self._room
        self._open = "" if closes or is_long else found.pop()
        counts = list(map(self._count, found))
        if counts and max(counts) > self._room:
            found, counts = self._cut_further(found, counts)
        if is_long:  # the last word, too, if only a mark is behind it that may stand inside a word
            self._open = "".join(found[-2:])
            del found[-2:], counts[-2:]
        self._pieces += found
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
        self._fine = self._base + len(self._text)
        return fine, each
