"""A judge that says its answer again in a sentence: `No, the message does not violate the policy.`"""

from __future__ import annotations

import re

from handrail_self_check._question import Question
from handrail_self_check._spoken import folded, words
from handrail_self_check._words import ASKS_TO_BLOCK, DOUBT, QUESTION, SENTENCE, vocabulary

_CLAUSE = re.compile(
    r"[ \t]*[,;\u2013\u2014-]?[ \t]*"  # what parts it from the answer
    r"((?:(?!\s+because\b)[\w \t'\u2019*_\"-])+)"
    r"(?:[.!](?![.!?])|(?=[,;\n])|(?=\s+because\b)|\Z)",
    re.IGNORECASE,
)
_DENIALS = vocabulary("not no never nicht kein keine keinen keinerlei ningún ninguna")
_KNOWN = QUESTION | SENTENCE


def after_restatements(text: str, question: Question) -> str:
    """Return what follows the clauses of a text that say an answer which allows again, in words of the question alone.

    Such a clause has no word but those that the question may have, and at least one that answers it: what blocks,
    denied once, or what allows, not denied. Anything else is left as it is.
    """
    while (found := _CLAUSE.match(text)) and _says_again(folded(found[1]), question):
        text = text[found.end() :]
    return text


def _says_again(clause: str, question: Question) -> bool:
    against = question.against | ASKS_TO_BLOCK
    denials, answered = 0, False
    for word in words(clause):
        if word in against or word in question.welcome:
            if denials != (1 if word in against else 0):
                return False
            denials, answered = 0, True
        elif word in _DENIALS or (word.endswith("n't") and word[:-3] in _KNOWN):
            denials += 1
        elif word not in _KNOWN or word in DOUBT:
            return False
    return answered and denials == 0
