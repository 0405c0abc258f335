"""Tells from the question in a prompt whether "yes" would block or allow."""

from __future__ import annotations

import re
from unicodedata import normalize

from handrail_self_check._spoken import folded, words
from handrail_self_check._words import (
    ASKS_FOR_SUPPORT,
    ASKS_TO_ALLOW,
    ASKS_TO_BLOCK,
    BLOCKING,
    REFUTING,
    Sense,
    vocabulary,
)

_TAGS = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)
_QUESTION = re.compile(r"[^.?!\u3002\n]*[?]")
_ALLOWS = ASKS_TO_ALLOW | ASKS_FOR_SUPPORT
_BLOCKS = ASKS_TO_BLOCK | BLOCKING | REFUTING | vocabulary("break breaks false unsicher unzulässig")
_MIXED = vocabulary("not without free nicht ohne pas sans sin")


def last_question(template: str) -> str:
    """Return the last question of a template without its variables; empty if it has none."""
    questions: list[str] = _QUESTION.findall(_TAGS.sub(" ", normalize("NFKC", template)))
    return " ".join(questions[-1].split()) if questions else ""


def sense_of(question: str) -> Sense | None:
    """Return what "yes" means to a question; None if that is not plain."""
    said = words(folded(question))
    allows, blocks = not _ALLOWS.isdisjoint(said), not _BLOCKS.isdisjoint(said)
    if allows == blocks or (allows and any(word in _MIXED or word.endswith("n't") for word in said)):
        return None
    return "allow" if allows else "block"
