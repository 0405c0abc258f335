"""What several stages do to a content, one after the other, as pieces of that content."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from handrail._content._protocol import Piece


class ComposedPieces:
    """Brings the pieces of a stage, which are of the text that the stage before let through, back to the content.

    A replacement of the stage before is one piece: where the later stage keeps one part of it and changes or holds
    another, it waits until all of it has been taken, and what both put in its place is one replacement. What the later
    stage puts between two characters stands behind what the stage before took out there, so it waits for the second.

    Args:
        start: the offset of the content at which the first piece begins.
    """

    __slots__ = ("_at", "_given", "_room", "_skipped", "_start", "_texts", "_waiting")

    def __init__(self, start: int = 0) -> None:
        self._given: deque[Piece] = deque()
        self._waiting: deque[Piece] = deque()  # of the later stage, over what was not given yet
        self._room = 0  # characters that were given and not taken
        self._at = start  # in the content, what was taken
        self._skipped = 0  # characters of the first replacement that were taken
        self._start: int | None = None  # where the replacement that is being made begins in the content
        self._texts: list[str] = []

    def give(self, pieces: Iterable[Piece]) -> None:
        """Note what the stage before let through, as pieces of the content."""
        for piece in pieces:
            self._given.append(piece)
            start, end, replacement = piece
            self._room += end - start if replacement is None else len(replacement)

    def take(self, pieces: Iterable[Piece], *, finished: bool = False) -> list[Piece]:
        """Return what the later stage lets through, as pieces of the content.

        What it lets through of a replacement that is not whole yet comes out with the rest of it.

        Args:
            pieces: those of the later stage.
            finished: True if nothing more will be given.
        """
        out: list[Piece] = []
        waiting = self._waiting
        waiting.extend(pieces)
        while waiting:
            start, end, replacement = waiting[0]
            self._take_deletions(out)
            width = end - start
            if width > self._room:
                if replacement is None and self._room:
                    waiting[0] = (start + self._room, end, None)
                    self._keep(self._room, out)
                break
            if not (width or self._room or finished):
                break
            waiting.popleft()
            if replacement is None:
                self._keep(width, out)
            else:
                self._replace(width, replacement, out)
        self._take_deletions(out)
        return out

    def _keep(self, width: int, out: list[Piece]) -> None:
        self._room -= width
        while width:
            start, end, text = self._given[0]
            if text is None:
                taken = min(width, end - start)
                out.append((start, start + taken, None))
                self._pass_kept(taken)
            else:
                taken = min(width, len(text) - self._skipped)
                self._begin(start)
                self._texts.append(text[self._skipped : self._skipped + taken])
                self._pass_replaced(taken, out)
            width -= taken
            if width:
                self._take_deletions(out)

    def _replace(self, width: int, replacement: str, out: list[Piece]) -> None:
        self._room -= width
        self._begin(self._at)
        self._texts.append(replacement)
        while width:
            start, end, text = self._given[0]
            if text is None:
                taken = min(width, end - start)
                self._pass_kept(taken)
            else:
                taken = min(width, len(text) - self._skipped)
                self._skipped += taken
                if self._skipped == len(text):
                    self._pass_first()
            width -= taken
        if not self._skipped:
            self._close(out)

    def _take_deletions(self, out: list[Piece]) -> None:
        """Take what the stage before took out of the content: the later stage cannot see it."""
        while self._given and self._given[0][2] == "":
            self._begin(self._at)
            self._pass_first()
            self._close(out)

    def _begin(self, start: int) -> None:
        if self._start is None:
            self._start = start

    def _pass_kept(self, width: int) -> None:
        start, end, _ = self._given[0]
        self._at = start + width
        if self._at == end:
            self._given.popleft()
        else:
            self._given[0] = (self._at, end, None)

    def _pass_replaced(self, width: int, out: list[Piece]) -> None:
        self._skipped += width
        if self._skipped == len(self._given[0][2] or ""):
            self._pass_first()
            self._close(out)

    def _pass_first(self) -> None:
        self._at = self._given.popleft()[1]
        self._skipped = 0

    def _close(self, out: list[Piece]) -> None:
        if self._start is not None:
            out.append((self._start, self._at, "".join(self._texts)))
        self._start, self._texts = None, []
