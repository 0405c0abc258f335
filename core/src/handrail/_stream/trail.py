"""What a session makes of its text: found from what it returns, and the edits that it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail._content import Piece, differences, pieces_of
from handrail._stream.edits import apply
from handrail._stream.kept import KeptText
from handrail._types import Edit

if TYPE_CHECKING:
    from handrail._records import CheckRecord
    from handrail._types import Ruling


class Trail:
    """Follows one session.

    A session need not tell of its edits. Where what it returns is not its text after the edits that it tells of, all
    that it returns from there on waits for the end, and the edits are found by comparison.
    """

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._kept = KeptText()
        self._length = 0  # characters that went in
        self._at = 0  # characters of those that went out
        self._withheld: list[str] | None = None

    def feed(self, text: str) -> None:
        """Note what goes into the session."""
        self._kept.append(text)
        self._length += len(text)

    def passed(self, text: str, edits: Sequence[Edit] = ()) -> str:
        """Note what the session returned; return what of it may go on."""
        if self._withheld is None and not self._follow(text, edits):
            self._withheld = []
        if self._withheld is not None:
            self._withheld.append(text)
            return ""
        return text

    def finish(self) -> str:
        """Return what waited for the end; what the session has not returned at all, it has deleted."""
        if self._withheld is None and self._at == self._length:
            return ""
        text = "".join(self._withheld or ())
        edits = differences(self._kept.slice(self._at, self._length), text)
        moved = [Edit(self._at + edit.start, self._at + edit.end, edit.replacement) for edit in edits]
        self._pieces += pieces_of(self._at, self._length, moved)
        self._withheld, self._at = None, self._length
        return text

    def take(self) -> list[Piece]:
        """Return the pieces that went out since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def _follow(self, text: str, edits: Sequence[Edit]) -> bool:
        """Note the pieces of what was returned, if the edits account for it."""
        start = self._at
        end = start + len(text) - sum([len(edit.replacement) - (edit.end - edit.start) for edit in edits])
        if not start <= end <= self._length or not _in_order(edits, start, end):
            return False
        if apply(self._kept.slice(start, end), start, edits) != text:
            return False
        self._pieces += pieces_of(start, end, edits)
        self._kept.needed_from = end
        self._at = end
        return True


class Faithful:
    """Compares, at a cost linear in the text, what goes into a session with what comes out of it.

    Attributes:
        changed: True once something else came out, or the session has told of an edit.
    """

    __slots__ = ("_ahead", "_at", "_held", "changed")

    def __init__(self) -> None:
        self.changed = False
        self._held = ""  # went in, and did not all come out
        self._at = 0  # characters of it that did
        self._ahead: list[str] = []  # went in after that

    def feed(self, text: str) -> None:
        """Note what goes in."""
        if not self.changed:
            self._ahead.append(text)

    def passed(self, ruling: Ruling) -> None:
        """Note what came out."""
        if self.changed:
            return
        text = ruling.text
        if self._at + len(text) > len(self._held):
            self._held = "".join((self._held[self._at :], *self._ahead))
            self._at = 0
            self._ahead.clear()
        self.changed = bool(ruling.edits) or not self._held.startswith(text, self._at)
        self._at += len(text)

    def conclude(self, run: CheckRecord) -> None:
        """Write down what the rail would have done, now that it has ended."""
        is_left = self._at < len(self._held) or any(self._ahead)
        if run.decision == "allow" and (self.changed or is_left):
            run.decision = "rewrite"
        run.let_pass()


def _in_order(edits: Sequence[Edit], start: int, end: int) -> bool:
    """Return whether edits are sorted, apart and within a stretch."""
    for edit in edits:
        if edit.start < start or edit.end < edit.start:
            return False
        start = edit.end
    return start <= end
