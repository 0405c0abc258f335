"""A kind of value that a shipped rail knows, and the ways in which it is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from handrail_patterns._context import REACH, Words


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing a value.

    Attributes:
        pattern: the value itself, and nothing else: this is what is redacted.
        lead: what stands before it and stays, such as the name of a field.
        check: looks at a match more closely, as a checksum does.
        near: words of which one must stand nearby, before the value.
        unless: words of which none may be there, or none nearer than those of `near`.
        not_after: what may not stand right before the value, as a pattern.
        trim: signs at the end of a match that end a sentence, and not the value.
        limit: the longest match in characters, for a pattern that has none of its own.
        closing: what a whole value ends with; a match without it goes on to the end of the text, which is reported.
    """

    pattern: str
    lead: str = ""
    check: Callable[[str], bool] | None = None
    near: Words | None = None
    unless: Words | None = None
    not_after: str | None = None
    trim: str = ""
    limit: int | None = None
    closing: str | None = None

    def accepts(self, text: str, start: int, end: int) -> bool:
        """Look at a value more closely than a pattern can."""
        if self.check is not None and not self.check(text[start:end]):
            return False
        if self.not_after is not None and _stands_before(self.not_after, text[max(start - REACH, 0) : start]):
            return False
        wanted = 0 if self.near is None else self.near.nearest(text, start)
        unwanted = -1 if self.unless is None else self.unless.nearest(text, start)
        return wanted >= 0 and (unwanted < 0 or (self.near is not None and wanted >= unwanted))

    def end_of_value(self, text: str, end: int) -> int:
        """Return the place where the value ends of a match that ends here."""
        while self.trim and text[end - 1] in self.trim:
            end -= 1
        return end


def _stands_before(pattern: str, text: str) -> bool:
    return re.search(rf"(?:{pattern})\Z", text) is not None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Attributes:
        name: what a configuration calls it.
        label: what stands in for it: `EMAIL` gives `[EMAIL]`.
        ways: how it is written. Every way of every kind is searched for independently of the others.
        summary: what it is, for the documentation.
        form: how it is written, for the documentation.
        checksum: what is verified besides the form, for the documentation.
        is_ours: whether its patterns are those of this package.
    """

    name: str
    label: str
    ways: tuple[Way, ...]
    summary: str = ""
    form: str = ""
    checksum: str = ""
    is_ours: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """The words of which some ways need one nearby."""
        return tuple(dict.fromkeys(word for way in self.ways if way.near for word in way.near.words))
