"""A second look at a stream, as its markup shows it, for as long as that is another text than what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail_patterns._hit import Found
from handrail_patterns._markup import Rendering

if TYPE_CHECKING:
    from handrail_patterns._fold import FoldedStream
    from handrail_patterns._hit import Scan


class RenderedScan:
    """Goes on from where a stream stands, with what is shown of it in place of what is written.

    Attributes:
        found: matches that are decided, in places of what is written, for the session to take away.
    """

    __slots__ = ("_decided", "_fold", "_rendering", "_scan", "found")

    def __init__(self, scan: Scan, fold: FoldedStream | None, start: int, before: str) -> None:
        self.found: list[Found] = []
        self._scan = scan.fork()
        self._fold = None if fold is None else fold.fork()
        self._rendering = Rendering(start, before)
        self._decided = start  # in what is shown

    @property
    def is_over(self) -> bool:
        """Whether both texts have been the same for so long that looking at one of them is enough."""
        shown = self._rendering
        is_same = shown.changed < 0 or shown.end - shown.changed > self._scan.margin
        return is_same and shown.is_settled and self._decided == shown.end

    def feed(self, text: str) -> int:
        """Take the next characters; return the place before which everything is decided."""
        return self._take(self._rendering.feed(text))

    def look_again(self) -> int:
        """Look at everything that has come; return the place before which everything is decided."""
        return self._settle(self._scan.look_again())

    def finish(self) -> None:
        """No more will come: everything is decided now."""
        self._take(self._rendering.feed("", ended=True))
        self._settle(self._scan.finish())

    def overdue(self) -> Found | None:
        """Return which rule has held more than its limit, if one has."""
        return self._scan.overdue()

    def _take(self, shown: str) -> int:
        seen = self._rendering.end - len(shown)
        return self._settle(self._scan.feed(shown if self._fold is None else self._fold.feed(shown, seen)))

    def _settle(self, place: int) -> int:
        fold, rendering = self._fold, self._rendering
        for match in self._scan.found:
            start = match.start if fold is None else fold.origin(match.start)
            end = match.end if fold is None else fold.origin_of_end(match.end)
            self.found.append(Found(rendering.origin(start), rendering.origin_of_end(end), match.rule))
        self._scan.found.clear()
        self._decided = place if fold is None else fold.origin(place)
        if fold is not None:
            fold.forget(place)
        rendering.forget(self._decided)
        return rendering.origin(self._decided)
