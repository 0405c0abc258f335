"""The strategies `sentence` and `paragraph`: windows of whole units, the last of which are held."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from handrail import Window

from handrail_strategies._ends import Ends
from handrail_strategies._marks import SEAMS, abbreviations
from handrail_strategies._pieces import Ruler

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail_strategies._settings import ParagraphSettings, SentenceSettings

_LOOK = 32  # characters that are worth a look although nothing in them can be an end


class _Sizes(Protocol):
    @property
    def min_tokens(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    @property
    def context(self) -> int: ...

    @property
    def held(self) -> int: ...


class UnitWindows:
    """Makes windows of whole units, which are the same however the text comes and whenever windows are asked for.

    A window takes all units that have come, up to `max_tokens` of new text. It repeats `context` units of those before
    it; its last `held` units are cleared by the next window, which sees them again.
    """

    def __init__(self, ends: Ends, settings: _Sizes, count_tokens: Callable[[str], int]) -> None:
        self._ends = ends
        self._candidate = ends.candidate
        self._ruler = Ruler(count_tokens, settings.max_tokens)
        self._min_tokens = settings.min_tokens
        self._max_tokens = settings.max_tokens
        self._held = settings.held
        self._incoming: list[str] = []
        self._urgency = 0  # characters that came since they were last looked at; more where they may hold an end
        self._finished = False
        self._closed = False  # True once the end of the text is an end too
        self._text = ""
        self._base = 0  # offset of its first character
        self._natural: deque[int] = deque()  # ends that are known and not yet the end of a unit
        self._unit_start = 0  # where the next unit begins
        self._units: deque[tuple[int, int]] = deque()  # end and tokens of the units that wait for a window
        self._waiting_tokens = 0
        self._start = 0  # end of the last window
        self._context: deque[int] = deque(maxlen=settings.context)  # where the units before it begin

    def feed(self, text: str) -> None:
        """Take more text."""
        self._incoming.append(text)
        self._urgency += len(text) if self._candidate.search(text) is None else _LOOK

    def finish(self) -> None:
        """Record that no more text will come."""
        self._finished = True

    def window(self) -> Window | None:
        """Return the next window if enough units have come, or whatever is left once no more will come."""
        if self._urgency >= _LOOK or (self._finished and not self._closed):
            self._take()
        units = self._units
        if not units:
            return None
        enough = self._waiting_tokens >= self._min_tokens and (self._start > 0 or len(units) > self._held)
        return self._make() if enough or self._closed else None

    def _take(self) -> None:
        text = "".join(self._incoming)
        self._incoming.clear()
        self._text += text
        self._natural.extend(self._ends.feed(text, final=self._finished))
        self._urgency = _LOOK - 1 if self._ends.waits else 0
        length = self._base + len(self._text)
        decided = self._ends.decided
        if self._finished:
            self._closed = True
            decided = length
            if length > (self._natural[-1] if self._natural else self._unit_start):
                self._natural.append(length)
        while self._natural:
            self._add(self._natural[0], is_end=True)
        while self._unit_start < decided and self._add(decided, is_end=False):
            pass

    def _add(self, upto: int, *, is_end: bool) -> bool:
        """Add the unit that ends there, if that is an end, or before if it would be too long; tell if there is one."""
        start, base = self._unit_start, self._base
        cut = self._ruler.measure(self._text, start - base, upto - base, is_end=is_end)
        if cut is None and not is_end:
            return False
        end = self._natural.popleft() if cut is None else base + _seam(self._text, start - base, cut)
        tokens = self._ruler.restart(self._text, start - base, end - base)
        self._units.append((end, tokens))
        self._waiting_tokens += tokens
        self._unit_start = end
        return True

    def _make(self) -> Window:
        units = self._units
        context_start = self._context[0] if self._context else self._start
        start = end = self._start
        bounds = list(self._context)
        taken = 0
        while units and (taken == 0 or taken + units[0][1] <= self._max_tokens):
            bounds.append(end)
            end, tokens = units.popleft()
            taken += tokens
        self._waiting_tokens -= taken
        last = self._closed and not units
        held = 0 if last else self._held
        clears = end if not held else bounds[max(0, len(bounds) - held)]
        text = self._text[context_start - self._base : end - self._base]
        self._context.extend(bounds)
        self._start = end
        self._forget()
        return Window(text, context_start, start, end, clears, last)

    def _forget(self) -> None:
        """Drop what no window will show again, once that is most of what is kept."""
        keep = (self._context[0] if self._context else self._start) - self._base
        if 2 * keep > len(self._text):
            self._text = self._text[keep:]
            self._base += keep


def _seam(text: str, start: int, cut: int) -> int:
    """Return the best place in the second half of `[start, cut)` to cut a unit that is too long."""
    middle = (start + cut + 1) // 2
    for seam in SEAMS:
        if found := list(seam.finditer(text, middle, cut)):
            return found[-1].end()
    return cut


class Sentence(UnitWindows):
    """Windows of sentences."""

    def __init__(self, settings: SentenceSettings, count_tokens: Callable[[str], int]) -> None:
        super().__init__(Ends(abbreviations(settings.abbreviations)), settings, count_tokens)


class Paragraph(UnitWindows):
    """Windows of paragraphs."""

    def __init__(self, settings: ParagraphSettings, count_tokens: Callable[[str], int]) -> None:
        super().__init__(Ends(), settings, count_tokens)
