"""How well a stream was cleaned: values found, characters leaked, text damaged; the same measure for every system."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import accumulate
from os.path import commonprefix
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "corpus"))

from patterns_corpus import Document, Gold, documents, tokens  # noqa: E402  # found through the line above

KINDS = (
    "email",
    "payment_card",
    "phone",
    "us_ssn",
    "ip_address",
    "mac_address",
    "iban",
    "url_credentials",
    "aws_access_key",
    "github_token",
)
"""The kinds of the comparison: those that at least one of the peers says it finds."""

_SHORTEST_RUN = 4


@dataclass(slots=True)
class Score:
    """What became of the values of one kind, and of the text around them.

    Attributes:
        values: how many there were.
        found: how many of them no character of was delivered.
        leaked: characters of values that were delivered.
        removed: stretches of ordinary text that were taken away.
        damaged: characters in them.
    """

    values: int = 0
    found: int = 0
    leaked: int = 0
    removed: int = 0
    damaged: int = 0


@dataclass(slots=True)
class Result:
    """What one system made of the corpus.

    Attributes:
        system: its name and version.
        split: how the text was cut.
        scores: by kind; ordinary text under the empty name.
        microseconds: CPU per piece.
        early: the share of what was delivered that came before the end of the stream.
    """

    system: str
    split: str
    scores: dict[str, Score] = field(default_factory=dict)
    microseconds: float = 0.0
    early: float = 0.0


def corpus(count: int, kinds: Sequence[str] | None = None, *, seed: int = 7, parts: int = 1) -> list[Document]:
    """Make the texts, each of so many parts."""
    made = list(documents(count * parts, seed, kinds))
    return [_joined(made[start : start + parts]) for start in range(0, len(made), parts)]


def _joined(made: Sequence[Document]) -> Document:
    text, gold = "", []
    for document in made:
        gold += [Gold(len(text) + one.start, len(text) + one.end, one.kind) for one in document.gold]
        text += document.text
    return Document(text, tuple(gold))


def pieces(text: str, split: str, seed: int) -> list[str]:
    """Cut a text: "tokens", "characters" or "whole"."""
    if split == "tokens":
        return tokens(text, random.Random(seed))
    return list(text) if split == "characters" else [text]


def score(corpus_documents: Sequence[Document], outputs: Iterable[str]) -> dict[str, Score]:
    """Line each delivered text up with its original, and count."""
    scores: dict[str, Score] = {"": Score()}
    for document, output in zip(corpus_documents, outputs, strict=True):
        kept = _kept(document.text, output)
        in_gold = [False] * len(document.text)
        for gold in document.gold:
            in_gold[gold.start : gold.end] = [True] * (gold.end - gold.start)
            one = scores.setdefault(gold.kind, Score())
            leaked = sum(kept[gold.start : gold.end])
            one.values += 1
            one.found += leaked == 0
            one.leaked += leaked
        _count_damage(scores[""], kept, in_gold)
    return scores


def _kept(text: str, output: str) -> list[bool]:
    """Return for each character of the original whether it was delivered: by words first, then within what differs."""
    kept = [False] * len(text)
    before, after = re.findall(r"\S+\s*|\s+", text), re.findall(r"\S+\s*|\s+", output)
    starts, ends = [0, *accumulate(map(len, before))], [0, *accumulate(map(len, after))]
    for kind, first, last, from_, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        start, end = starts[first], starts[last]
        if kind == "equal":
            kept[start:end] = [True] * (end - start)
        elif kind == "replace":
            for block_start, block_end in _runs(text[start:end], output[ends[from_] : ends[to]]):
                kept[start + block_start : start + block_end] = [True] * (block_end - block_start)
    return kept


def _runs(before: str, after: str) -> Iterator[tuple[int, int]]:
    """Yield what two texts have in common: beginning and end, and between them what is too long for chance."""
    head = len(commonprefix((before, after)))
    tail = len(commonprefix((before[head:][::-1], after[head:][::-1])))
    yield 0, head
    yield len(before) - tail, len(before)
    inner = SequenceMatcher(None, before[head : len(before) - tail], after[head : len(after) - tail], autojunk=False)
    for block in inner.get_matching_blocks():
        if block.size >= _SHORTEST_RUN:
            yield head + block.a, head + block.a + block.size


def _count_damage(ordinary: Score, kept: Sequence[bool], in_gold: Sequence[bool]) -> None:
    place = 0
    while place < len(kept):
        end = place
        while end < len(kept) and not kept[end]:
            end += 1
        if end > place:
            outside = sum(not in_gold[index] for index in range(place, end))
            ordinary.removed += outside == end - place
            ordinary.damaged += outside
        place = end + 1


def write_job(path: Path, corpus_documents: Sequence[Document], splits: Sequence[str]) -> None:
    """Write what a peer's program is to stream, for a process of its own."""
    job = {
        split: [pieces(document.text, split, seed) for seed, document in enumerate(corpus_documents)]
        for split in splits
    }
    path.write_text(json.dumps(job), encoding="utf-8")
