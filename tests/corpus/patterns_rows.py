"""The rows of real shapes in `patterns_rows.txt`, and what every kind makes of them and of the generated texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from handrail import Edit
from handrail_patterns._actions import Action
from handrail_patterns._fold import Folding
from handrail_patterns._kind import Kind
from handrail_patterns._making import rules_of
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._regex import Patterns
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import PatternSession
from patterns_corpus import documents

KINDS: tuple[Kind, ...] = (*PERSONAL_DATA, *SECRETS)
_ROWS = Path(__file__).with_name("patterns_rows.txt")


@dataclass(frozen=True, slots=True)
class Row:
    """A piece of text, and the values in it.

    Attributes:
        text: the text.
        values: where values stand, as start and end.
        kind: what they are; empty if there are none.
        source: where the form comes from.
    """

    text: str
    values: tuple[tuple[int, int], ...]
    kind: str
    source: str


@dataclass(slots=True)
class Score:
    """What became of values.

    Attributes:
        values: how many there were.
        found: how many of them were withheld, and nothing beside them.
        wrong: how often something else was taken for one.
        misses: what went wrong, for whoever wants to put it right.
    """

    values: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def recall(self, kind: str | None = None) -> float:
        """Return the share of values that were found, of one kind or of all."""
        values, found = (_of(counter, kind) for counter in (self.values, self.found))
        return found / values if values else 1.0

    def precision(self, kind: str | None = None) -> float:
        """Return the share of what was withheld that was a value, of one kind or of all."""
        found, wrong = (_of(counter, kind) for counter in (self.found, self.wrong))
        return found / (found + wrong) if found + wrong else 1.0

    def count(self, text: str, edits: Iterable[Edit], golds: dict[tuple[int, int], str]) -> None:
        """Count what was found in one text."""
        taken = {(edit.start, edit.end): edit.replacement for edit in edits}
        for span, kind in golds.items():
            self.values[kind] += 1
            self.found[kind] += span in taken
            if span not in taken:
                self.misses.append(f"{kind}: {text[slice(*span)]!r} in {text!r}")
        for span, label in taken.items():
            if span not in golds:
                self.wrong[_NAMES[label.strip("[]")]] += 1
                self.misses.append(f"wrong: {text[slice(*span)]!r} in {text!r}")


_NAMES = {kind.label: kind.name for kind in KINDS}
_PATTERNS = Patterns(rules_of(KINDS, {kind.name: Action("redact", kind.label) for kind in KINDS}))
_FOLDING = Folding(("unicode", "invisible", "marks"))


def rows() -> Iterator[Row]:
    """Read the rows."""
    kind = source = ""
    for line in _ROWS.read_text("utf-8").splitlines()[3:]:
        if line.startswith("# "):
            kind, _, source = line[2:].partition(" | ")
            kind = "" if kind == "nothing" else kind
        elif line:
            yield _row(line.replace("\u23ce", "\n"), kind, source)


def _row(written: str, kind: str, source: str) -> Row:
    text, *parts = written.split("[[")
    values = []
    for part in parts:
        value, _, after = part.partition("]]")
        values.append((len(text), len(text) + len(value)))
        text += value + after
    return Row(text, tuple(values), kind, source)


def score_of_rows() -> Score:
    """Score all kinds on the rows."""
    score = Score()
    for row in rows():
        score.count(row.text, _edits(row.text), dict.fromkeys(row.values, row.kind))
    return score


def score_of_documents(count: int, seed: int = 21) -> Score:
    """Score all kinds on generated texts."""
    score = Score()
    for document in documents(count, seed):
        golds = {(gold.start, gold.end): gold.kind for gold in document.gold}
        score.count(document.text, _edits(document.text), golds)
    return score


def _edits(text: str) -> list[Edit]:
    session = PatternSession(_PATTERNS.open(), _FOLDING.open(), lambda *_: None)
    return [*session.feed(text).edits, *session.finish().edits]


def _of(counter: Counter[str], kind: str | None) -> int:
    return counter.total() if kind is None else counter[kind]
