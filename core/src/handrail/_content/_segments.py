"""What the reader of JSON hands to the writer: content in its raw form, segment by segment, in order.

A segment is a tuple of its kind, its raw characters, and one thing more that depends on the kind. Tuples and small
numbers, because there is one for each chunk of a stream.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Segment: TypeAlias = "tuple[int, str, str | Keys | bool | None]"

RUN: Final = 0
"""Characters that stand for themselves. Width: their number."""

ESCAPE: Final = 1
"""An escape and the character that it means. Width: 1.

A number with an exponent is one for each character that it reads, of which the first has all that was written.
"""

STRING: Final = 2
"""What comes before a string that is a value, its opening quote included. Width: 1, the line feed between items."""

KEY: Final = 3
"""The same before a key, with the keys of its object."""

SCALAR: Final = 4
"""The same before a number, `true`, `false` or `null`."""

TEXT: Final = 5
"""Characters outside of JSON; True if they go on a number that is none. Width: their number."""


class Keys:
    """The keys of one object as they were delivered, so that no edit makes two of them equal.

    Only their hashes are kept: two keys with one hash cost a number that is not needed.
    """

    __slots__ = ("_edited", "_next", "_seen")

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._edited: set[int] = set()
        self._next: dict[int, int] = {}

    def add(self, key: str, *, edited: bool) -> str:
        """Note a key; return what to append to it so that it differs from those that an edit made equal to it.

        Keys that were equal as the model wrote them stay equal.
        """
        hashed = hash(key)
        if not edited and not self._edited:
            self._seen.add(hashed)
            return ""
        suffix = ""
        if hashed in (self._seen if edited else self._edited):
            number = self._next.get(hashed, 2)
            while hash(f"{key}_{number}") in self._seen:
                number += 1
            self._next[hashed] = number + 1
            suffix, edited = f"_{number}", True
            hashed = hash(key + suffix)
        self._seen.add(hashed)
        if edited:
            self._edited.add(hashed)
        return suffix
