"""Tells from the question in a prompt whether "yes" would block or allow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_self_check._words import Sense

_TAGS = re.compile(r"\{[{%#].*?[}%#]\}", re.DOTALL)
_QUESTION = re.compile(r"[^.?!\n]*\?")
_ALLOWS = re.compile(
    r"\b(?:safe|appropriate|acceptable|allowed|permitted|compliant|comply|complies|harmless|supported|grounded|"
    r"entailed|entails?|accurate|consistent|factual|factually correct)\b",
    re.IGNORECASE,
)
_BLOCKS = re.compile(
    r"\b(?:blocked|block|refused?|rejected?|unsafe|inappropriate|unacceptable|harmful|violat\w+|break|prohibited|"
    r"forbidden|malicious|offensive|toxic|unsupported|contradict\w*|hallucinat\w*|fabricat\w*|false|inaccurate|"
    r"inconsistent)\b",
    re.IGNORECASE,
)
_MIXED = re.compile(r"\b(?:not|without|un\w+|free)\b|n't\b", re.IGNORECASE)


def asked(template: str) -> tuple[Sense, str] | None:
    """Give what "yes" means to the last question of a template, and the question; None if that is not plain."""
    questions: list[str] = _QUESTION.findall(_TAGS.sub(" ", template))
    if not questions:
        return None
    question = " ".join(questions[-1].split())
    allows, blocks = _ALLOWS.search(question), _BLOCKS.search(question)
    if bool(allows) == bool(blocks) or (allows and _MIXED.search(question)):
        return None
    return ("allow" if allows else "block"), question
