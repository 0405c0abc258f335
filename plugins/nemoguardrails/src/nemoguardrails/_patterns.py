"""Takes a prefix, a suffix and everything from a stop text on out of a stream; holds only what is not yet decided."""

from __future__ import annotations


class PatternFilter:
    """Decides character by character, so that how a text is cut into chunks makes no difference.

    Attributes:
        prefix: taken away at the beginning; a text that begins otherwise stays as it is.
        suffix: taken away at the end, and only there.
        stop: texts at which the stream ends.
        stopped: True once one of them was seen.
        skipped: how many characters of the beginning were taken away.
    """

    def __init__(self) -> None:
        self.prefix = ""
        self.suffix = ""
        self.stop: list[str] = []
        self.stopped = False
        self.skipped = 0
        self._held = ""
        self._began = False

    def feed(self, chunk: str) -> str:
        """Take the next characters; give those that are decided."""
        self._held += chunk
        if not self._begin():
            return ""
        if (cut := self._first_stop()) is not None:
            self.stopped = True
            text, self._held = self._held[:cut], ""
            return text.removesuffix(self.suffix)
        before_stops = (f"{self.suffix}{text}" for text in self.stop)  # a suffix may stand before a stop text
        keep = max((_overlap(self._held, text) for text in (*self.stop, self.suffix, *before_stops) if text), default=0)
        at = len(self._held) - keep
        text, self._held = self._held[:at], self._held[at:]
        return text

    def finish(self) -> str:
        """Record the end, and return what is left."""
        text, self._held = self._held, ""
        return text.removesuffix(self.suffix)

    def _begin(self) -> bool:
        """Take the prefix away; False as long as the text may still turn out to begin with it."""
        if self._began or not self.prefix:
            return True
        if self._held.startswith(self.prefix):
            self._held = self._held[len(self.prefix) :]
            self.skipped = len(self.prefix)
        elif self.prefix.startswith(self._held):
            return False
        self._began = True
        return True

    def _first_stop(self) -> int | None:
        found = [at for text in self.stop if text and (at := self._held.find(text)) >= 0]
        return min(found, default=None)


def _overlap(text: str, pattern: str) -> int:
    """Return the length of the longest end of the text that is a beginning of the pattern, or all of it."""
    longest = min(len(text), len(pattern))
    return next((size for size in range(longest, 0, -1) if text.endswith(pattern[:size])), 0)
