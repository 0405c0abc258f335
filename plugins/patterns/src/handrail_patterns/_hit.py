"""Where a pattern matches, and what finds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias


class Hit(NamedTuple):
    """Where a pattern matches, or may still come to match: then the hit is `undecided` and its end means nothing.

    The value, which is what counts, begins at `value`: after the lead, if there is one.
    """

    start: int
    end: int
    undecided: bool
    value: int

    @classmethod
    def pending(cls, start: int, end: int) -> Hit:
        """Make the hit of what may still come to match."""
        return cls(start, end, undecided=True, value=start)


class Seek(Protocol):
    """Finds the first hit at or after a position."""

    def __call__(self, text: str, position: int, /) -> Hit | None: ...


At: TypeAlias = Callable[[str, int], "re.Match[str] | None"]
"""Looks for a match at a position and nowhere else."""
