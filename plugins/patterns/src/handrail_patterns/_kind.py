"""A kind of value that a shipped rail knows, and the ways in which it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handrail_patterns._context import Words


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing a value.

    Attributes:
        pattern: the value itself, and nothing else: this is what is redacted.
        lead: what stands before it and stays, such as the name of a field.
        check: looks at a match more closely, as a checksum does.
        near: words of which one must stand nearby, before the value.
        unless: words of which none may stand there, or none nearer than those of `near`.
        limit: the longest match in characters, for a pattern that has none of its own.
        closing: what a whole value ends with; a match without it goes on to the end of the text, which is reported.
    """

    pattern: str
    lead: str = ""
    check: Callable[[str], bool] | None = None
    near: Words | None = None
    unless: Words | None = None
    limit: int | None = None
    closing: str | None = None


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
