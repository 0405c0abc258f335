"""What an engine says of a text: a score for each label, and where in the text it is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One label of a text.

    Attributes:
        label: as the model has it.
        score: how sure the model is, from 0 to 1.
        span: the characters of the text that are meant; None for the text as a whole.
    """

    label: str
    score: float
    span: Span | None = None


Findings: TypeAlias = tuple[Finding, ...]
"""What is said of a text, or of a piece of one that was too long for the model."""

Answer: TypeAlias = tuple[Findings, ...]
"""What is said of a text, piece by piece; spans are in characters of the whole text."""


class Engine(Protocol):
    """A classifier: in this process, or a service.

    Attributes:
        labels: what it may answer, as far as that is known before it is asked.
        exclusive: True if the scores of a text's labels add up to 1; None if only its answers show that.
    """

    labels: frozenset[str] | None
    exclusive: bool | None

    async def classify(self, texts: Sequence[str]) -> Sequence[Answer | Exception]:
        """Judge texts: an answer, or an exception for one text alone, in the place of each.

        Raises:
            RailError: the engine cannot do its work, whatever the texts are.
            Exception: one of the texts may be at fault.
        """
        ...
