"""The strategy `whole`: one window with everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import Window
from handrail.errors import HandrailError

from handrail_strategies._pieces import Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail_strategies._settings import WholeSettings


_NEVER = 2**62


class Whole:
    """Waits for the end, then gives the whole text as one window.

    Attributes:
        needs: how many more characters must come before the text can be too long.
    """

    def __init__(self, settings: WholeSettings, count_tokens: Callable[[str], int]) -> None:
        self.needs = _NEVER if settings.max_tokens is None else settings.max_tokens + 1
        self._limit = settings.max_tokens
        self._meter = Meter(count_tokens)
        self._pieces: list[str] = []
        self._finished = False

    def feed(self, text: str) -> None:
        """Take more text.

        Raises:
            HandrailError: there is more of it than `max_tokens`; nothing of it passes then.
        """
        self._pieces.append(text)
        if self._limit is not None:
            self._measure(self._limit, text)

    def finish(self) -> None:
        """Record that no more text will come.

        Raises:
            HandrailError: as in `feed`.
        """
        self._finished = True
        if self._limit is not None:
            self._measure(self._limit, "")

    def window(self) -> Window | None:
        """Return the only window once everything has come."""
        if not self._finished or not self._pieces:
            return None
        text = "".join(self._pieces)
        self._pieces.clear()
        return Window(text, 0, 0, len(text), len(text), last=True) if text else None

    def _measure(self, limit: int, text: str) -> None:
        self._meter.feed(text, final=self._finished)
        if self._meter.tokens > limit:
            raise HandrailError(
                f"the answer has more than {limit} tokens, the most that strategy 'whole' keeps until its end; "
                f"raise max_tokens, or choose a strategy that checks while the answer comes"
            )
        self.needs = limit + 1 - self._meter.tokens
