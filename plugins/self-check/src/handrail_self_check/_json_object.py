"""Reads an answer that is a JSON object: one key decides, and the others explain."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from handrail_self_check._grammar import value_of
from handrail_self_check._spoken import UnreadableAnswerError, folded, unfenced
from handrail_self_check._words import ANSWER, REASON, vocabulary

if TYPE_CHECKING:
    from handrail_self_check._question import Question
    from handrail_self_check._words import Sense

_CATEGORIES = vocabulary("safety_categories categories category violated_categories violated_category policy_category")
_LISTS = vocabulary("violations violated_policies")
"""Keys that decide, but list categories where their value is a list."""

_SEPARATORS = re.compile(r"[\s_-]+")
_NAME = re.compile(r"(?!.*\d{4})[^\W_][\w &/().'-]{0,59}")
_NO_CATEGORY = ("", "none", "null", "n/a", "[]")


def pairs_of(text: str) -> list[tuple[str, object]] | None:
    """Return the keys and values of a text that is a JSON object and nothing else; None if it is not.

    A key that is written twice is there twice, and an object within the object is a value like others.
    """
    text = unfenced(text)
    if not text.startswith("{"):
        return None
    try:
        found: list[tuple[str, object]] = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    return found


def key_of(name: str) -> str:
    """Return a key in the one form in which keys are compared: `User Safety` is `user_safety`."""
    return _SEPARATORS.sub("_", folded(name).strip())


def categories_of(value: object) -> str | None:
    """Return the names of categories in a value, as far as they look like names and quote nothing longer."""
    names = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else []
    said = [name.strip() for name in names if isinstance(name, str) and _NAME.fullmatch(name.strip())]
    return ", ".join(name for name in said if folded(name) not in _NO_CATEGORY)[:200] or None


def names_nothing(value: object) -> bool:
    """Return whether a value says that there is no category: it is empty, or denies each one that it names."""
    if isinstance(value, str):
        return all(folded(name.strip()) in _NO_CATEGORY for name in value.split(","))
    if isinstance(value, list):  # an object within the object is a list of its pairs
        return all(names_nothing(item[1] if isinstance(item, tuple) else item) for item in value)
    return value is None or value == 0  # False among them


def read_object(text: str, question: Question) -> tuple[Sense, str | None]:
    """Return what an object says, and the category that it names.

    Raises:
        UnreadableAnswerError: it is not a JSON object of a form that answers the question.
    """
    pairs = pairs_of(text)
    if pairs is None:
        raise UnreadableAnswerError("did not answer with one JSON object")
    keyed = [(key_of(name), value) for name, value in pairs]
    senses = [sense for name, value in keyed if (sense := _sense(name, value, question)) is not None]
    category = next((categories_of(value) for name, value in keyed if name in _CATEGORIES | _LISTS), None)
    if senses and set(senses) == {"block"}:
        return "block", category
    if senses != ["allow"]:
        raise UnreadableAnswerError("has no key, or more than one, that answers in its JSON object")
    if not all(_is_aside(name, value, question) for name, value in keyed):
        raise UnreadableAnswerError("has in its JSON object what does not belong to an answer that allows")
    return "allow", None


def _sense(name: str, value: object, question: Question) -> Sense | None:
    """Return what a pair says; None if its key says nothing about the question."""
    speaks = question.keys.get(name)
    if isinstance(value, list) and name in _LISTS:
        return None
    if speaks is None and name not in ANSWER and name not in question.verdicts:
        return None
    asked = question if speaks is None else question.asking(speaks)
    sense = None
    if isinstance(value, str):
        sense = value_of(value, asked, verdict=name in question.verdicts)
    elif isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        sense = None if name in question.verdicts else asked.yes if value else asked.no
    if sense is None:
        raise UnreadableAnswerError("gave a value in its JSON object that is neither yes nor no")
    return sense


def _is_aside(name: str, value: object, question: Question) -> bool:
    if name in REASON:
        texts = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return all(text is None or isinstance(text, str) for text in texts)
    if name in question.beside:
        return isinstance(value, str) and value_of(value, question, verdict=True) is not None
    if name in _CATEGORIES or (name in _LISTS and isinstance(value, list)):
        return names_nothing(value)
    return name in ANSWER or name in question.keys or name in question.verdicts
