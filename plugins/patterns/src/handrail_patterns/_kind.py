"""A kind of value that a shipped rail knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Attributes:
        name: what a configuration calls it.
        label: what stands in for it: `EMAIL` gives `[EMAIL]`.
        pattern: how it is written. The kinds of a rail are searched for independently of one another.
        check: looks at a match more closely, as a checksum does.
        summary: what it is, for the documentation.
        more: further ways in which it is written.
        limit: the longest match in characters, for a pattern that has none of its own.
        is_ours: whether its patterns are those of this package.
    """

    name: str
    label: str
    pattern: str
    check: Callable[[str], bool] | None = None
    summary: str = ""
    more: tuple[str, ...] = ()
    limit: int | None = None
    is_ours: bool = True
