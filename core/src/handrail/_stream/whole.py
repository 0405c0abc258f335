"""One window of everything: for texts that are whole before a rail sees them, such as a user's message."""

from __future__ import annotations

from handrail._types import Window


class Whole:
    """A strategy that asks once, about the whole text.

    Attributes:
        needs: see `Strategy`; before the end no amount of text is enough.
    """

    needs = 2**62

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._finished = False

    def feed(self, text: str) -> None:
        """Take more text."""
        self._pieces.append(text)

    def finish(self) -> None:
        """Record that no more text will come."""
        self._finished = True

    def window(self) -> Window | None:
        """Return the whole text, once."""
        if not self._finished or not self._pieces:
            return None
        text = "".join(self._pieces)
        self._pieces.clear()
        return Window(text, 0, 0, len(text), len(text), last=True) if text else None
