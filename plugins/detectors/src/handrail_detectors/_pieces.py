"""Texts that are longer than a service takes, judged in pieces that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from handrail_detectors._findings import Answer, Engine, Finding, Findings

_OVERLAP = 4  # a quarter


async def in_pieces(engine: Engine, texts: Sequence[str], most: int | None) -> Sequence[Answer | Exception]:
    """Judge texts, those with more than `most` characters in pieces."""
    starts = [_starts(len(text), most) for text in texts]
    pieces = [
        text if most is None else text[at : at + most]
        for text, of_text in zip(texts, starts, strict=True)
        for at in of_text
    ]
    answers = await engine.classify(pieces)
    if len(answers) != len(pieces):
        raise PluginContractError(f"the classifier answered {len(pieces)} texts with {len(answers)} answers")
    taken = iter(answers)
    return [_joined([(at, next(taken)) for at in of_text]) for of_text in starts]


def _starts(length: int, most: int | None) -> Sequence[int]:
    if most is None or length <= most:
        return (0,)
    step = max(most - most // _OVERLAP, 1)
    return (*range(0, length - most, step), length - most)


def _joined(answers: Sequence[tuple[int, Answer | Exception]]) -> Answer | Exception:
    """Return what is said of a text's pieces, with spans of the whole text."""
    pieces: list[Findings] = []
    for at, answer in answers:
        if isinstance(answer, Exception):
            return answer
        pieces += (tuple(_moved(finding, at) for finding in findings) for findings in answer)
    return tuple(pieces)


def _moved(finding: Finding, by: int) -> Finding:
    return finding if finding.span is None else replace(finding, span=(finding.span[0] + by, finding.span[1] + by))
