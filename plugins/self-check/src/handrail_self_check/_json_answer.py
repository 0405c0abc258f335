"""Reads an answer that is a JSON object."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from handrail_self_check._clauses import normalized
from handrail_self_check._reading import opposite, read_words
from handrail_self_check._words import vocabulary

if TYPE_CHECKING:
    from handrail_self_check._reading import Question, Reading
    from handrail_self_check._words import Sense

_BLOCKING_KEYS = vocabulary(
    "block blocked is_blocked should_block should_be_blocked must_block unsafe is_unsafe harmful is_harmful flag "
    "flagged is_flagged violation violations violates has_violation is_violation"
)
_ALLOWING_KEYS = vocabulary(
    "allow allowed is_allowed should_allow safe is_safe harmless compliant is_compliant complies supported "
    "is_supported grounded is_grounded entailed entails"
)
_SENSES: dict[str, Sense] = {
    **dict.fromkeys(_BLOCKING_KEYS, "block"),
    **dict.fromkeys(_ALLOWING_KEYS, "allow"),
}
_ANSWERS = vocabulary(
    "answer verdict result decision conclusion response label rating output judgment judgement assessment "
    "classification safety status prediction user_safety prompt_safety response_safety"
)
_CATEGORIES = ("safety_categories", "categories", "category", "violated_categories", "violated_category")
_SEPARATORS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What a JSON object says.

    Attributes:
        pairs: every key with its value, nested ones included; the same key twice is two pairs.
        rest: the text after the object.
    """

    pairs: tuple[tuple[str, Any], ...]
    rest: str

    @property
    def category(self) -> str | None:
        """The kind of violation, where the answer names it."""
        for key, value in self.pairs:
            if key in _CATEGORIES:
                names = value if isinstance(value, list) else [value]
                named = ", ".join(name.strip() for name in names if isinstance(name, str) and name.strip())
                return named or None
        return None

    def readings(self, question: Question, key: str | None = None) -> list[Reading]:
        """Give everything that it says on a question; with a key, only what stands under that key."""
        found: list[Reading] = []
        for name, value in self.pairs:
            if key is None or name == key:
                readings = _readings(name, value, question)
                aside = key is None and name in question.beside
                found += [reading for reading in readings if not (aside and reading == "allow")]
        return found


def parse_json(text: str) -> JsonAnswer | None:
    """Read the object with which a text begins; None if it begins with none."""
    if not text.startswith("{"):
        return None
    pairs: list[tuple[str, Any]] = []

    def collect(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs.extend((_SEPARATORS.sub("_", normalized(key).strip()), value) for key, value in found)
        return {}

    try:
        _, end = json.JSONDecoder(object_pairs_hook=collect).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return JsonAnswer(tuple(pairs), text[end:])


def _readings(name: str, value: object, question: Question) -> list[Reading]:
    sense = _SENSES.get(name)
    if sense is None and name not in _ANSWERS:
        return []
    if isinstance(value, str):
        return _of_text(value, sense, question)
    if isinstance(value, bool) or value in (0, 1):
        yes = sense or question.yes
        return [yes if value else opposite(yes)]
    return [] if isinstance(value, dict) else ["unclear"]


def _of_text(value: str, sense: Sense | None, question: Question) -> list[Reading]:
    asked = question if sense is None else question.asking(sense)
    return read_words(normalized(value), asked) or ["unclear"]
