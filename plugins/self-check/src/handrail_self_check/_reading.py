"""Reads in a judge's words whether the text may pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from handrail_self_check._clauses import sentences
from handrail_self_check._words import (
    AFTERWARDS,
    ALLOWING,
    BLOCKING,
    BLOCKING_IF_SAID_OUTRIGHT,
    CONDITIONS,
    FILLERS,
    HEDGES,
    INTENSIFIERS,
    LETTERS,
    NEGATORS,
    NO,
    REPORTS,
    STARTERS,
    SUPPORTING,
    UNSUPPORTING,
    YES,
    Sense,
)

if TYPE_CHECKING:
    from handrail_self_check._clauses import Sentence

Reading: TypeAlias = Literal["allow", "block", "unclear"]

_REFUSAL = re.compile(
    r"\b(?:i|we)(?:'m| am|'re| are)? (?:can't|cant|cannot|can not|won't|wont|will not|unable|not able|sorry|afraid|"
    r"refuse|decline|must decline|must refuse|apologi[sz]e)\b|^\W*(?:sorry|apologies|my apologies)\b"
)
_LONGEST_CLAUSE = 60  # words; nobody answers a question in more
_FIRST = 200  # characters in which a first clause ends
_TURNING = NEGATORS | NO | HEDGES
_FOLLOWING = FILLERS | AFTERWARDS | INTENSIFIERS | {"nor"}


@dataclass(frozen=True, slots=True)
class _Word:
    sense: Sense
    outright: bool = False  # counts only where the clause says it of the text


@dataclass(frozen=True, slots=True)
class Question:
    """What a judge was asked, as far as its answer depends on it.

    Attributes:
        yes: what "yes" means.
        words: the decisive words beside yes and no.
        beside: keys of an answer in JSON that speak of another text; that one being safe answers nothing.
    """

    yes: Sense
    words: Mapping[str, _Word]
    beside: frozenset[str] = frozenset()

    @property
    def no(self) -> Sense:
        """What "no" means."""
        return opposite(self.yes)

    def asking(self, yes: Sense) -> Question:
        """Give the question with another meaning of "yes"."""
        return replace(self, yes=yes)


_SAFETY = {
    **{word: _Word("allow") for word in ALLOWING},
    **{word: _Word("block") for word in BLOCKING},
    **{word: _Word("block", outright=True) for word in BLOCKING_IF_SAID_OUTRIGHT},
}
_FACTS = {
    **_SAFETY,
    **{word: _Word("allow") for word in SUPPORTING},
    **{word: _Word("block") for word in UNSUPPORTING},
}
_OF_MESSAGES, _OF_ANSWERS = frozenset(("user_safety", "prompt_safety")), frozenset(("response_safety",))
MUST_IT_BE_BLOCKED = Question("block", _SAFETY)
MUST_THE_MESSAGE_BE_BLOCKED = replace(MUST_IT_BE_BLOCKED, beside=_OF_ANSWERS)
MUST_THE_ANSWER_BE_BLOCKED = replace(MUST_IT_BE_BLOCKED, beside=_OF_MESSAGES)
IS_IT_SUPPORTED = Question("allow", _FACTS, beside=_OF_MESSAGES)


def opposite(sense: Sense) -> Sense:
    """Turn a sense round."""
    return "block" if sense == "allow" else "allow"


def read_words(text: str, question: Question, *, cut: bool = False) -> list[Reading]:
    """Give everything that a text says on the question, in its order.

    Args:
        text: normalized.
        question: what was asked.
        cut: True if the text breaks off, so that its last clause is no whole one.
    """
    reader = _Reader(question)
    found = sentences(text)
    if cut and found and not found[-1][-1].end and len(found[-1][-1].words) > 1:
        found[-1].pop()
    for sentence in found:
        reader.read(sentence)
    if "allow" in reader.readings and (reader.left_open or _REFUSAL.search(text)):
        reader.readings.append("unclear")
    return reader.readings


def first_reading(text: str, question: Question) -> Reading | None:
    """Give what the first clause of a normalized text says, if it says anything."""
    found = sentences(text[:_FIRST])
    readings = read_words(" ".join(found[0][0].words), question) if found else []
    return readings[0] if readings else None


class _Reader:
    """Goes through an answer; a denial without anything denied waits for the clauses to come."""

    def __init__(self, question: Question) -> None:
        self.readings: list[Reading] = []
        self._question = question
        self._pending = False  # the clauses so far ended in a denial
        self._by_word = False  # what was read first was no yes or no

    @property
    def left_open(self) -> bool:
        """True if the answer ends in a denial of what it said before: 'safe, it is not'."""
        return self._pending and self._by_word

    def read(self, sentence: Sentence) -> None:
        asks = any(clause.end == "?" for clause in sentence)
        reported = False  # somebody else's words follow
        for clause in sentence:
            words = tuple(map(_base, clause.words)) if any("'" in word for word in clause.words) else clause.words
            doubtful = asks or reported
            if words[0] in CONDITIONS and self.readings:
                self.readings.append("unclear")
            self._read(words, doubtful=doubtful)
            reported = reported or not REPORTS.isdisjoint(words)

    def _read(self, words: tuple[str, ...], *, doubtful: bool) -> None:
        """Read a clause; a bare "no" after "safe" is taken for neither, since it may deny it: 'Safe: no'."""
        found = _ClauseReader(words, self._question, denied=self._pending)
        self._pending = found.pending
        for reading, by_word in found.readings:
            said_as_value = self._by_word and len(words) == 1 and words[0] in NO and "block" not in self.readings
            if not self.readings:
                self._by_word = by_word
            self.readings.append("unclear" if doubtful or (said_as_value and reading == "allow") else reading)


class _ClauseReader:
    """Reads one clause. Only a clause whose every word is known can allow."""

    def __init__(self, words: tuple[str, ...], question: Question, *, denied: bool) -> None:
        self.readings: list[tuple[Reading, bool]] = []  # with True if a word other than yes and no says it
        self._words = words
        self._question = question
        self._denied = denied
        self._denials = 0
        self._open = denied  # a denial still looks for what it denies
        self._plain = len(words) <= _LONGEST_CLAUSE
        self._hedged = False
        for index, word in enumerate(words):
            if (reading := self._step(index, word)) is not None:
                self.readings.append((reading, word not in YES and word not in NO))

    @property
    def pending(self) -> bool:
        """True if it ends in a denial of what is still to come."""
        return self._open and not self.readings

    def _step(self, index: int, word: str) -> Reading | None:
        if word in YES or word in NO:
            return self._answer(index, word)
        if (known := self._question.words.get(word)) is not None:
            return self._decisive(index, known)
        if word == "nor" and self._denials:
            return None
        if word in NEGATORS:
            self._deny()
        elif word in HEDGES:
            self._hedged = True
        elif word in INTENSIFIERS:
            self._plain = self._plain and not self._denials
        elif word not in FILLERS:
            self._plain = False
            self._open = self._denied
        return None

    def _deny(self) -> None:
        self._denials += 1
        self._open = True

    def _answer(self, index: int, word: str) -> Reading | None:
        sense = self._question.yes if word in YES else self._question.no
        following = self._words[index + 1] if index + 1 < len(self._words) else None
        if word in LETTERS and len(self._words) > 1:
            self._plain = False
            return None
        if "or" in {following, self._words[index - 1] if index else None}:
            return "unclear"
        if following is None or (index == 0 and following in STARTERS):
            return self._answered(sense)
        if word in NO:
            self._deny()
            return None
        return sense if sense == "block" else None

    def _answered(self, sense: Sense) -> Reading | None:
        if sense == "block":
            return sense
        if self._denials or self._denied or self._hedged:
            return "unclear"
        return sense if self._plain else None

    def _decisive(self, index: int, word: _Word) -> Reading | None:
        if word.outright and not self._plain:
            return None
        sense = self._said(word.sense)
        if sense == "block":
            return sense
        if not self._plain:
            return None
        rest = self._words[index + 1 :]
        if self._hedged or any(w in _TURNING and not (w == "nor" and self._denials) for w in rest):
            return "unclear"
        return sense if all(w in _FOLLOWING or w in self._question.words for w in rest) else None

    def _said(self, sense: Sense) -> Sense:
        """Turn round what is denied. Whatever allows is turned by any denial, what blocks by a single plain one."""
        if sense == "allow":
            return "block" if self._denials or self._denied else "allow"
        return "allow" if self._denials == 1 and self._plain else "block"


def _base(word: str) -> str:
    """Undo a contraction: "isn't" denies, "it's" is 'it'."""
    base, apostrophe, ending = word.partition("'")
    if not apostrophe:
        return word
    return "not" if ending == "t" else base
