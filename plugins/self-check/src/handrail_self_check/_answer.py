"""What a judge's answer says: whether the text may pass, or that the answer cannot be read.

An answer is read whole, and allows only if all of it does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail_self_check._grammar import read_lead, read_value
from handrail_self_check._json_object import read_object
from handrail_self_check._spoken import UnreadableAnswerError, said, unfenced

if TYPE_CHECKING:
    from handrail_self_check._question import Question

_TAGGED = re.compile(r"<(answer|verdict|decision|result|output|response)>([^<>]*)</\1>", re.IGNORECASE)
_CODES = re.compile(r"unsafe\b\W*([SO]\d{1,2}(?:\W+[SO]\d{1,2})*)\W*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said.

    Attributes:
        blocked: True if the text must not pass.
        category: the kind of violation, where the judge names it.
    """

    blocked: bool
    category: str | None = None


def read_answer(text: str, question: Question) -> Judgement:
    """Read the answer to a question.

    Args:
        text: the answer as the model gave it.
        question: what was asked.

    Raises:
        UnreadableAnswerError: it is anything but an answer to that question, and that whole.
    """
    text = said(text)
    if tagged := _TAGGED.fullmatch(text):
        text = tagged[2].strip()
    sense = None if question.json_only else read_value(text, question)
    if sense is None:
        lead, text = read_lead(text, question)
        text = unfenced(text)
        if text.startswith("{"):
            sense, category = read_object(text, question)
            return Judgement(sense == "block", category)
        if question.json_only:
            raise UnreadableAnswerError("did not answer with one JSON object")
        sense = read_value(text, question, lead)
    if sense is None:
        raise UnreadableAnswerError("said neither yes nor no")
    named = _CODES.fullmatch(text)
    return Judgement(sense == "block", ",".join(re.findall(r"\w+", named[1])) if named else None)
