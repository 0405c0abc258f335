"""The shapes in which guard models answer: a word, fields, tags. Each reads an answer whole, or fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from handrail_self_check.judging import (
    MUST_THE_ANSWER_BE_BLOCKED,
    Judgement,
    UnreadableAnswerError,
    categories_of,
    check_explanation,
    folded,
    key_of,
    names_nothing,
    pairs_of,
)

Direction: TypeAlias = Literal["input", "output"]
Sense: TypeAlias = Literal["allow", "block", "middle"]
"""What a value says; "middle" is decided by a setting."""

_OTHER = "has not the form of this model's answers"
_LINE = re.compile(r"\s*([^\W\d_]+(?:[ _-][^\W\d_]+){0,3})\s*:\s*(.*?)\s*")
_FIRST = re.compile(r"(?P<dress>[*_\"'`]{0,3})(?P<word>[^\W_]+)(?P=dress)")
_BREAK = re.compile(r"[ \t]*(?:[.,;:!\n(\[<]|\Z)|[ \t]+(?:[\u2013\u2014-]|because\b|[so]\d)", re.IGNORECASE)
_MOST_CODES = 24
_NONE = frozenset(("", "none", "n/a", "null"))


class Reader(Protocol):
    """Reads the answers of one form."""

    def read(self, text: str, direction: Direction) -> tuple[Sense, str | None]:
        """Return what an answer says of the text at hand, and the category that it names.

        Args:
            text: without thoughts and fences.
            direction: "input" if the user's message is judged, "output" if the answer is.

        Raises:
            UnreadableAnswerError: it is no whole answer of this form.
        """
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and what may follow it.

    What follows a word that blocks cannot unsay it.

    Attributes:
        words: what each means, in lower case.
        after: a regular expression of what may follow a word that allows.
        codes: a regular expression of the codes of categories, which may follow a word that blocks.
        explained: True if a word that allows may be explained, as in the answers of any judge.
    """

    words: Mapping[str, Sense]
    after: str = ""
    codes: str | None = None
    explained: bool = False

    def read(self, text: str, direction: Direction) -> tuple[Sense, str | None]:  # noqa: ARG002  # the same of both
        """See `Reader`."""
        first = _FIRST.match(text)
        sense = self.words.get(folded(first["word"])) if first else None
        rest = text[first.end() :] if first else ""
        if sense == "block" and _BREAK.match(rest):
            codes = [] if self.codes is None else re.findall(rf"\b(?:{self.codes})\b", rest, re.IGNORECASE)
            return sense, ",".join(codes[:_MOST_CODES]) or None
        if sense != "allow":
            raise UnreadableAnswerError(_OTHER)
        if re.fullmatch(rf"\.?\s*(?:{self.after})?", rest, re.IGNORECASE | re.DOTALL) is None:
            if not self.explained:
                raise UnreadableAnswerError(_OTHER)
            check_explanation(rest, MUST_THE_ANSWER_BE_BLOCKED)
        return sense, None


@dataclass(frozen=True, slots=True)
class Fields:
    """Labels with values: lines such as `User Safety: safe`, or a JSON object.

    A deciding label that blocks does so whatever else the answer has.

    Attributes:
        deciding: the label that speaks of the text at hand, by direction.
        values: what a value of a deciding label means, in lower case.
        json: True for an object, False for lines.
        others: further labels that may be there, each with a regular expression of its value, or None for any.
        categories: labels that name categories, by direction. A category beside values that all allow contradicts them.
        names_safe: True if what is safe has a category, too.
    """

    deciding: Mapping[Direction, str]
    values: Mapping[str, Sense]
    json: bool = False
    others: Mapping[str, str | None] = field(default_factory=dict)
    categories: Mapping[Direction, str] = field(default_factory=dict)
    names_safe: bool = False

    def read(self, text: str, direction: Direction) -> tuple[Sense, str | None]:
        """See `Reader`."""
        pairs, is_whole = self._pairs(text)
        found = dict(pairs)
        named = found.get(self.categories.get(direction, ""))
        if any(name == self.deciding[direction] and self._blocks(value) for name, value in pairs):
            return "block", categories_of(named)
        if not is_whole:
            raise UnreadableAnswerError(_OTHER)
        known = {*self.deciding.values(), *self.others, *self.categories.values()}
        if len(found) != len(pairs) or not known.issuperset(found):
            raise UnreadableAnswerError(_OTHER)
        senses = {label: self._sense(found[label]) for label in set(self.deciding.values()) & found.keys()}
        sense = senses.get(self.deciding[direction])
        if sense is None or not all(self._allows_other(label, found[label]) for label in self.others if label in found):
            raise UnreadableAnswerError(_OTHER)
        if not names_nothing(named) and not self.names_safe and self._names_only_safe(senses, direction):
            raise UnreadableAnswerError("names a category of what it finds safe")
        return sense, categories_of(named)

    def _names_only_safe(self, senses: Mapping[str, Sense | None], direction: Direction) -> bool:
        """Whether all of which a direction's category may speak is safe: labels that share one may be meant, each."""
        label = self.categories[direction]
        meant = [self.deciding[other] for other, its in self.categories.items() if its == label]
        return all(senses.get(name) in ("allow", None) for name in meant)

    def _pairs(self, text: str) -> tuple[list[tuple[str, object]], bool]:
        """Return the labels with their values, and whether the answer is nothing else."""
        if self.json:
            pairs = pairs_of(text)
            return [(key_of(name), value) for name, value in pairs or ()], pairs is not None
        lines = [_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
        return [(key_of(line[1]), line[2]) for line in lines if line is not None], all(lines)

    def _blocks(self, value: object) -> bool:
        return self.values.get(folded(str(value)).strip()) == "block"

    def _sense(self, value: object) -> Sense | None:
        word = folded(str(value)).strip()
        if word not in self.values and word not in _NONE:
            raise UnreadableAnswerError(_OTHER)
        return self.values.get(word)

    def _allows_other(self, label: str, value: object) -> bool:
        pattern = self.others[label]
        return pattern is None or re.fullmatch(pattern, folded(str(value)).strip()) is not None


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that a regular expression describes whole; its group `value` decides.

    Attributes:
        pattern: matched without regard to case.
        values: what a value means, in lower case.
    """

    pattern: str
    values: Mapping[str, Sense]

    def read(self, text: str, direction: Direction) -> tuple[Sense, str | None]:  # noqa: ARG002  # the same of both
        """See `Reader`."""
        found = re.fullmatch(self.pattern, text, re.IGNORECASE | re.DOTALL)
        sense = self.values.get(folded(found["value"])) if found else None
        if sense is None:
            raise UnreadableAnswerError(_OTHER)
        return sense, None


def judged(sense: Sense, category: str | None, *, middle_allows: bool) -> Judgement:
    """Return what follows from an answer."""
    blocked = sense == "block" or (sense == "middle" and not middle_allows)
    return Judgement(blocked, category if blocked else None)
