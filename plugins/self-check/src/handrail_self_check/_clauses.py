"""Cuts a judge's answer into sentences, and these into clauses of plain words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

from handrail_self_check._words import CONJUNCTIONS

_INVISIBLE = re.compile(r"[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_APOSTROPHES = re.compile(r"[\u2018\u2019\u02bc\u00b4`](?=[a-z])")
_PHRASES = re.compile(
    r"(?P<deny>\banything but\b|\bno longer\b|\bfar from\b)"
    r"|\bnot at all\b(?=\s*(?:[.,;!\n]|$))|\bat all\b"
    r"|(?P<dash>\s-+(?=\s))"
)
_PIECE = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[.,;:!?=|/\\\n()\[\]{}<>\u2012-\u2015\u2026]")
_SENTENCE_ENDS = frozenset(".!?\n\u2026")


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of words without punctuation or conjunction.

    Attributes:
        words: in lower case, without quotation marks and emphasis.
        end: the mark or conjunction that ends it; empty for the last one if more might have come.
    """

    words: tuple[str, ...]
    end: str


Sentence: TypeAlias = list[Clause]


def normalized(text: str) -> str:
    """Fold case, forms of letters and apostrophes, and drop what nobody sees."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return _APOSTROPHES.sub("'", text.casefold())


def sentences(text: str) -> list[Sentence]:
    """Cut a normalized text into sentences with at least one word each."""
    found: list[Sentence] = []
    sentence: Sentence = []
    words: list[str] = []
    for piece in _PIECE.findall(_PHRASES.sub(_spelled_out, text)):
        if piece[0].isalnum() and piece not in CONJUNCTIONS:
            words.append(piece)
            continue
        if words:
            sentence.append(Clause(tuple(words), piece))
            words = []
        elif sentence and piece == "?":  # after a bracket
            sentence[-1] = Clause(sentence[-1].words, piece)
        if sentence and piece in _SENTENCE_ENDS:
            found.append(sentence)
            sentence = []
    if words:
        sentence.append(Clause(tuple(words), ""))
    return [*found, sentence] if sentence else found


def _spelled_out(match: re.Match[str]) -> str:
    if match["deny"]:
        return "not"
    return " ;" if match["dash"] else " "
