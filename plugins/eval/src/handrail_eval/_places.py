"""Where a violation is in an answer, and how much of it was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

Span = tuple[int, int]

_LEAST: Final = 4  # characters: a shorter run that a rewritten text has in common with the answer is a coincidence
_LONGEST_COMPARED: Final = 20_000  # characters: beyond that comparing takes too long


def delivered_spans(original: str, delivered: str) -> list[Span]:
    """Return the characters of an answer that were delivered, as spans of the answer.

    What was rewritten is found by comparing the texts: runs of at least four characters that both have count.
    """
    if original.startswith(delivered):
        return [(0, len(delivered))] if delivered else []
    same = 0
    for here, there in zip(original, delivered, strict=False):
        if here != there:
            break
        same += 1
    found = [(0, same)] if same else []
    if max(len(original), len(delivered)) > _LONGEST_COMPARED:  # counted as delivered: never too little is told
        return [(0, len(original))]
    matcher = SequenceMatcher(None, original[same:], delivered[same:], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size >= _LEAST]
    return found + [(same + block.a, same + block.a + block.size) for block in blocks]


def overlap(spans: Sequence[Span], others: Sequence[Span]) -> int:
    """Return how many characters are in both."""
    return sum(max(0, min(end, b) - max(start, a)) for start, end in spans for a, b in others)


def leaked_characters(original: str, delivered: str, spans: Sequence[Span]) -> int:
    """Return how many characters of the spans were delivered."""
    return overlap(delivered_spans(original, delivered), spans)


def first_place(spans: Sequence[Span], hits: Sequence[Span]) -> int | None:
    """Return where a violation begins: where people said, or else where the first detector did."""
    places = [start for start, _ in (spans or hits)]
    return min(places, default=None)
