"""The parts of an answer, and what reads them out of the text of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Text:
    """Some of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """Some of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A whole tool call, its arguments as JSON."""

    name: str
    arguments: str


class PartReader(Protocol):
    """Reads one answer.

    Attributes:
        is_over: the model has said that its turn ends here.
    """

    is_over: bool

    def begin(self, prompt: str) -> None:
        """Look at the end of the prompt, which may have opened a part already."""
        ...

    def feed(self, text: str) -> Iterator[Text | Thought | Call]:
        """Take the next text; yield what it completes."""
        ...

    def finish(self) -> Iterator[Text | Thought | Call]:
        """Yield what was held back. No more will come."""
        ...
