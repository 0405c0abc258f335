"""Finding markers in text that comes in pieces, without ever giving out the beginning of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class MarkerFinder:
    """Holds back what may become a marker, and nothing else.

    The marker that ends first is the one, and of two that end together the longer one, however the text is cut.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str, markers: Sequence[str]) -> tuple[str, str | None]:
        """Take the next text; return what precedes the first marker, and that marker, or None.

        What follows the marker is kept: feed "" to go on with it.
        """
        text = self._held + text
        found = [(at + len(marker), at, marker) for marker in markers if (at := text.find(marker)) >= 0]
        if found:
            end, at, marker = min(found)
            self._held = text[end:]
            return text[:at], marker
        start = max(0, len(text) - max(map(len, markers), default=1) + 1)
        while start < len(text) and not any(marker.startswith(text[start:]) for marker in markers):
            start += 1
        self._held = text[start:]
        return text[:start], None

    def finish(self) -> str:
        """No more will come: give what was held back."""
        held, self._held = self._held, ""
        return held
