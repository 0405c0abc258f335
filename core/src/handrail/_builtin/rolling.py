"""The `rolling` strategy: windows of tokens that overlap, whose tails are held until the next window has passed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from handrail._types import Window
from handrail._words import graphemes, pieces, words

if TYPE_CHECKING:
    from handrail._types import CountTokens

_LONGEST = 9  # characters that a token has at most, as far as what is held rests on it
_SOME = 256  # characters that are measured at once, and as many more as a window may need
_FEW = 24  # places to cut that may be kept for longer than needed


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
        self._need = min(
            settings.resolved_first_chunk_size, self._chunk_size
        )  # new tokens that the next window waits for
        self.needs = self._need
        self._incoming: list[str] = []
        self._unmeasured, self._measured_to = "", 0  # text that came, and up to where it was measured
        self._is_measured = True  # all of it was
        self._finished = False
        # What was measured, from the last place to cut before the next context on: the text, its offset, where it may
        # be cut, and the tokens up to each of those places.
        self._text, self._base = "", 0
        self._cuts, self._tokens = [0], [0]
        self._begin = self._end = 0  # places to cut: where the next context begins, where the last window ended
        self._clears = 0
        self._fine = -1  # offset up to which there are words that had to be cut
        self._token_size = 1.0  # characters of a token, lately

    def feed(self, text: str) -> None:
        """Take more text."""
        self._incoming.append(text)
        self._is_measured = False
        self.needs -= len(text)

    def finish(self) -> None:
        """Note that no more text will come."""
        self._finished = True

    def window(self) -> Window | None:
        """Return the next window if enough has come, or whatever is left once no more will come."""
        if self.needs > 0 and not self._finished:
            return None
        tokens = self._tokens
        wanted = tokens[self._begin] + self._chunk_size
        while (tokens[-1] < wanted or len(tokens) - 1 == self._end) and self._measure():
            pass
        missing = self._need - tokens[-1] + tokens[self._end]
        few = 1 if self._need < 32 else self._need // 16  # it is not worth looking again for so many tokens
        if len(tokens) - 1 == self._end or (missing > few and not self._finished and tokens[-1] < wanted):
            self._expect(missing)
            return None
        window, total = self._make()
        if self._need != self._room:
            self._need = min(2 * self._need, self._room)
        self._expect(self._need - tokens[-1] + total)
        if self._begin > _FEW:
            self._forget()
        return window

    def _make(self) -> tuple[Window, int]:
        """Make the window that begins at the next context; return it with the tokens up to its end."""
        cuts, tokens, begin, at = self._cuts, self._tokens, self._begin, self._end
        end = len(cuts) - 1
        if tokens[end] > tokens[begin] + self._chunk_size:
            end = bisect_right(tokens, tokens[begin] + self._chunk_size, at) - 1
            end = max(end, at + 1)  # a piece that is longer still: never stand still
        start, stop, total = cuts[begin], cuts[end], tokens[end]
        last = self._finished and self._is_measured and stop == self._base + len(self._text)
        keep = self._back(total, stop, self._context_size)
        held = keep if self._hold_size == self._context_size else self._back(total, stop, self._hold_size)
        if last:
            self._clears = stop
        elif cuts[held] > self._clears:
            self._clears = cuts[held]
        text = self._text[start - self._base : stop - self._base]
        window = Window(text, start, cuts[at], stop, self._clears, last)
        if total > tokens[begin]:
            self._token_size = (stop - start) / (total - tokens[begin])
        self._begin, self._end = keep, end
        return window, total

    def _back(self, total: int, stop: int, size: int) -> int:
        """Find the last place to cut that has so many tokens behind it.

        In a word that had to be cut the tokens of its parts are unknown: there, characters count as they may be used.
        """
        begin = self._begin
        index = bisect_right(self._tokens, total - size, begin) - 1
        if self._fine > self._cuts[max(index, begin)]:
            far = bisect_right(self._cuts, stop - size * _LONGEST, begin) - 1
            most = bisect_left(
                self._tokens, total - self._chunk_size + max(self._room // 2, 1), begin
            )  # room for new text
            index = min(index, max(far, most))
        return max(begin, index)

    def _expect(self, missing: int) -> None:
        """Note how many characters must come before it is worth asking again.

        One token too many is cheaper than a look in vain.
        """
        if missing <= 0 or not self._is_measured:
            self.needs = 0
            return
        waiting = self._base + len(self._text) - self._cuts[-1]  # characters of the piece that may still grow
        needs = int(missing * self._token_size) - waiting
        self.needs = (max(waiting // 4, needs)) + 3

    def _measure(self) -> bool:
        """Find and count the pieces of some of what came; False if there is nothing more to measure.

        Only as much as a window needs, so that much text at once does not hold up everybody else. The last piece may
        still grow, and stays open.
        """
        if self._incoming:
            self._unmeasured = "".join((self._unmeasured[self._measured_to :], *self._incoming))
            self._measured_to = 0
            self._incoming.clear()
        at = self._measured_to
        new = self._unmeasured[at : at + _SOME + 8 * self._chunk_size]
        self._measured_to = at + len(new)
        self._is_measured = self._measured_to == len(self._unmeasured)
        open_text = self._text[self._cuts[-1] - self._base :]
        closes = self._finished and self._is_measured
        if not new and not (closes and open_text):
            return False
        self._text += new
        found = pieces(open_text + new)
        # One that is longer than a window is not waited for: only what it ends with stays open.
        is_long = len(found[-1]) > self._room and self._count(found[-1]) > self._room
        if not closes and not is_long:
            found.pop()
        self._add(found, stays_open=is_long and not closes)
        return True

    def _add(self, found: list[str], *, stays_open: bool) -> None:
        """Note where the text may be cut after these pieces, and what they count."""
        counts = list(map(self._count, found))
        if counts and max(counts) > self._room:
            found, counts = self._cut_further(found, counts)
        if stays_open:  # the last word, too, if only a mark is behind it that may stand inside a word
            del found[-2:], counts[-2:]
        self._cuts += accumulate(map(len, found), initial=self._cuts.pop())
        self._tokens += accumulate(counts, initial=self._tokens.pop())

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

    def _forget(self) -> None:
        keep = self._begin
        del self._cuts[:keep], self._tokens[:keep]
        self._end -= keep
        self._begin = 0
        self._text = self._text[self._cuts[0] - self._base :]
        self._base = self._cuts[0]
