"""How much a minute: an allowance that fills evenly, and in which what was taken too much is paid back first."""

from __future__ import annotations

import time
from collections.abc import Callable

_MINUTE = 60.0
_LEAST = 1.0  # that must be there: one request, or one token
_ROUNDING = 1e-6


class Allowance:
    """So much a minute, at most a minute's worth at once.

    What something costs is often known only afterwards, so an allowance may be overdrawn. Nothing more is taken until
    it has been paid back, so that the mean holds whatever a client does.

    Args:
        per_minute: how much.
        clock: returns seconds.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._at = clock()

    def wait(self) -> float:
        """Return after how many seconds something may be taken; 0 for now."""
        self._fill()
        missing = _LEAST - self._left
        return 0.0 if missing <= _ROUNDING else missing * _MINUTE / self.per_minute

    def take(self, amount: float) -> None:
        """Take from it; a negative amount gives back."""
        self._fill()
        self._left = min(self._left - amount, float(self.per_minute))

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._left + (now - self._at) * self.per_minute / _MINUTE, float(self.per_minute))
        self._at = now
