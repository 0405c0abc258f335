"""What the stream knows of a content: raw characters in, what they say out, and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from handrail._types import Edit
from handrail.errors import ContentError

Piece: TypeAlias = tuple[int, int, str | None]
"""Start and end of a piece of content, and what to put in its place; None keeps it as it is."""


class Content(Protocol):
    """What one text or one tool call says, apart from how its transport writes it.

    Offsets are characters of the content: of all that `feed` and `finish` have returned so far.
    """

    @property
    def failure(self) -> ContentError | None:
        """Why it is not what it had to be, as soon as that is known."""

    def feed(self, raw: str) -> str:
        """Take the next raw characters; return the characters of content that are certain now."""

    def finish(self, *, cut: bool = False) -> str:
        """Return the rest of the content: no more raw characters will come.

        Args:
            cut: True if the answer was cut, so that an unfinished value is read as far as it came.

        Raises:
            ContentError: the content had to be JSON and is not.
        """

    def encode(self, pieces: Sequence[Piece]) -> str:
        """Return the raw text of the next pieces of content, which follow one another without a gap.

        Raises:
            ValueError: they do not begin where the last ones ended, or there is no such content yet.
        """

    def rest(self) -> str:
        """Return what is left of the raw text once all content was encoded, such as closing brackets."""


def pieces_of(start: int, end: int, edits: Iterable[Edit] = ()) -> Iterator[Piece]:
    """Yield the pieces of `[start, end)` after edits, which must be sorted, apart and all within it."""
    at = start
    for edit in edits:
        if edit.start > at:
            yield (at, edit.start, None)
        yield (edit.start, edit.end, edit.replacement)
        at = edit.end
    if end > at:
        yield (at, end, None)
