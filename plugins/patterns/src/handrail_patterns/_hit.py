"""Where a pattern matches, and what finds it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from handrail_patterns._actions import Action


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


class Finder(Protocol):
    """What a match was found by: a rule, or a phrase."""

    @property
    def name(self) -> str:
        """What it is called in logs."""
        ...

    @property
    def action(self) -> Action:
        """What happens to its matches."""
        ...

    @property
    def limit(self) -> int:
        """More characters than this are never held for it."""
        ...

    @property
    def order(self) -> int:
        """Its place in its rail: of two equal matches, the earlier one's counts."""
        ...

    def is_whole(self, text: str, /) -> bool:
        """Return whether a match has its end, rather than going on to the end of the text."""
        ...


class Found(NamedTuple):
    """A match that no text to come can change, in characters of the whole text."""

    start: int
    end: int
    rule: Finder


class Scan(Protocol):
    """Finds matches in one stream of folded text.

    Attributes:
        found: matches that are decided, taken away by the session.
        margin: how many characters back a match may depend on, where none is undecided.
    """

    found: list[Found]

    @property
    def margin(self) -> int: ...

    def fork(self) -> Scan:
        """Return another one that stands where this one stands, and has found nothing."""
        ...

    def feed(self, text: str) -> int:
        """Take the next characters; return the place before which everything is decided."""
        ...

    def look_again(self) -> int:
        """Look at everything that has come; return the place before which everything is decided."""
        ...

    def finish(self) -> int:
        """No more will come: everything is decided now."""
        ...

    def overdue(self) -> Found | None:
        """Return which rule has held more than its limit, if one has."""
        ...
