"""What a judge's answer says: whether the text may pass, or that the answer cannot be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail_self_check._clauses import normalized
from handrail_self_check._json_answer import parse_json
from handrail_self_check._reading import first_reading, read_words

if TYPE_CHECKING:
    from handrail_self_check._reading import Question, Reading

LONGEST = 8_000
"""Characters of an answer that are read, what the judge thought before it not counted."""

_OPENED = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_FENCE = re.compile(r"^```[a-z]*\s*|\s*```$", re.IGNORECASE)
_CATEGORY_LINE = re.compile(r"\s*unsafe\s*\n\s*(S\d+(?:\s*,\s*S\d+)*)\s*", re.IGNORECASE)


class UnreadableAnswerError(ValueError):
    """An answer does not say what it was asked; the message continues "the judge ...". Never a pass."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said.

    Attributes:
        blocked: True if the text must not pass.
        category: the kind of violation, where the judge names it.
    """

    blocked: bool
    category: str | None = None


def read_answer(text: str, question: Question, *, cut: bool = False) -> Judgement:
    """Read the answer to a question.

    Args:
        text: the answer as the model gave it.
        question: what was asked.
        cut: True if the answer broke off at its limit of tokens.

    Raises:
        UnreadableAnswerError: it is empty, contradicts itself, commits to nothing or says something else.
    """
    text = _answer_itself(text, question)
    if (found := parse_json(text)) is not None:
        rest = [reading for reading in read_words(normalized(found.rest), question) if reading != "allow"]
        return _judged([*found.readings(question), *rest], found.category)
    named = _CATEGORY_LINE.fullmatch(text)
    return _judged(read_words(normalized(text), question, cut=cut), named[1] if named else None)


def read_safety(text: str, question: Question, key: str) -> Judgement:
    """Read one key of an answer in JSON, such as `{"User Safety": "safe", "Response Safety": "unsafe"}`.

    Raises:
        UnreadableAnswerError: it is no such JSON or lacks the key.
    """
    found = parse_json(_answer_itself(text, question))
    if found is None:
        raise UnreadableAnswerError("did not answer with a JSON object")
    readings = found.readings(question, key)
    if not readings:
        raise UnreadableAnswerError(f"gave no {key.replace('_', ' ')!r} in its JSON object")
    return _judged(readings, found.category)


def _answer_itself(text: str, question: Question) -> str:
    """Give the answer without what was thought before it and without a fence around it."""
    text = _FENCE.sub("", _after_thinking(text, question).strip()).strip()
    if not text:
        raise UnreadableAnswerError("gave an empty answer")
    if len(text) > LONGEST:
        raise UnreadableAnswerError(f"answered with {len(text):,} characters, of which at most {LONGEST:,} are read")
    return text


def _after_thinking(text: str, question: Question) -> str:
    """Drop a leading block of thoughts, up to its first end: a later one may be quoted from what is judged."""
    opened, closed = _OPENED.match(text), _CLOSED.search(text)
    if closed is None:
        if opened is not None:
            raise UnreadableAnswerError("was still thinking when its answer ended")
        return text
    if opened is None and first_reading(normalized(text[: closed.start()]), question) == "block":
        return text  # no thoughts that lack their beginning, but an answer that quotes a tag
    return text[closed.end() :]


def _judged(readings: list[Reading], category: str | None) -> Judgement:
    said = set(readings)
    if {"allow", "block"} <= said:
        raise UnreadableAnswerError("contradicts itself")
    if "block" in said:
        return Judgement(blocked=True, category=category)
    if "unclear" in said:
        raise UnreadableAnswerError("commits itself to neither yes nor no")
    if not said:
        raise UnreadableAnswerError("said neither yes nor no")
    return Judgement(blocked=False)
