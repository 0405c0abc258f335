"""How far a run is: rows, rate and time left, on one line of a terminal or now and then in a log."""

from __future__ import annotations

import sys
import time
from typing import Final

_TERMINAL: Final = 0.2  # seconds between two lines
_LOG: Final = 10.0


class Progress:
    """Tells how far a run is, on the error stream.

    Args:
        done: rows that an earlier run has judged.
        total: how many rows there are, where that is known.
    """

    def __init__(self, done: int, total: int | None) -> None:
        self._before = self._done = done
        self._total = total
        self._started = self._told = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def add(self) -> None:
        """Count a row."""
        self._done += 1
        now = time.monotonic()
        if now - self._told >= (_TERMINAL if self._terminal else _LOG):
            self._told = now
            self._tell("\r" if self._terminal else "", "" if self._terminal else "\n")

    def end(self) -> None:
        """Show where it ended."""
        self._tell("\r" if self._terminal else "", "\n")

    def _tell(self, before: str, after: str) -> None:
        passed = max(time.monotonic() - self._started, 1e-9)
        rate = (self._done - self._before) / passed
        told = f"{self._done} {'row' if self._done == 1 else 'rows'}"
        told += f", {rate:.1f} a second" if rate > 0 else ", all judged before" if self._done else ""
        if self._total is not None and rate > 0:
            told = f"{self._done} of {self._total} rows, {rate:.1f} a second"
            if self._done < self._total:
                told += f", {(self._total - self._done) / rate:.0f} s left"
        sys.stderr.write(f"{before}{told:<60}{after}")
        sys.stderr.flush()
