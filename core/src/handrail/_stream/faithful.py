"""Whether a session returns what it was fed: what a stream rail that observes would have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail._records import CheckRecord
    from handrail._types import Ruling


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
