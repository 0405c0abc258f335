"""Values in the shapes of real texts, and what only looks like them; the bounds are those that the README states."""

from __future__ import annotations

import random

import pytest
from handrail_patterns._actions import Action
from handrail_patterns._fold import Folding
from handrail_patterns._kind import Kind
from handrail_patterns._making import rules_of
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._regex import Patterns
from handrail_patterns._secrets import SECRETS
from patterns_definition import delivered, expected, random_split, shipped
from patterns_rows import Row, rows, score_of_documents, score_of_rows

FOLDING = Folding(("unicode", "invisible", "marks", "markup"))
ALL_PATTERNS, ALL_PLAIN = shipped((*PERSONAL_DATA, *SECRETS))
ROWS = list(rows())


def test_values_are_found_and_nothing_else_is() -> None:
    score = score_of_rows()
    assert score.recall() >= 0.98, score.misses
    assert score.precision() >= 0.98, score.misses


def test_generated_values_are_found_and_nothing_else_is(effort: int) -> None:
    score = score_of_documents(100 * effort)
    assert score.recall() >= 0.99, score.misses
    assert score.precision() >= 0.99, score.misses


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.text[:40])
def test_a_row_is_the_same_however_it_is_cut(row: Row) -> None:
    want = expected(row.text, ALL_PLAIN, FOLDING)
    chance = random.Random(row.text)
    for pieces in (row.text, [row.text], random_split(row.text, chance), random_split(row.text, chance)):
        assert delivered(ALL_PATTERNS.open(), pieces, FOLDING, want.text) == want


@pytest.mark.parametrize(
    ("make", "most"),
    [
        ("{m:02d}/{d:02d}/20{y:02d} {m:02d}:{n:02d} PM", 0.01),
        ("0{a}-{b}", 0.01),
        ("{c} {c2} {c3}", 0.01),
        ("{c} {n:02d} {b}", 0.01),
        ("{e}", 0.01),
        ("+{k}00 000 000", 0.01),
        ("at {c}000 a year", 0.01),
        ("{f}", 0.01),
    ],
)
def test_numbers_that_are_nobodys_are_hardly_ever_taken(make: str, most: float) -> None:
    chance = random.Random(make)
    taken = 0
    for _ in range(300):
        number = make.format(
            m=chance.randint(1, 12), d=chance.randint(1, 28), y=chance.randint(10, 26), n=chance.randint(10, 59),
            a=chance.randint(1000, 8999), b=chance.randint(1000, 9999), c=chance.randint(100, 899),
            c2=chance.randint(100, 999), c3=chance.randint(100, 999), e=chance.randint(10**11, 10**12 - 1),
            f=chance.uniform(1, 1000), k=chance.randint(1, 9),
        )  # fmt: skip
        text = f"The value is {number} here."
        taken += delivered(ALL_PATTERNS.open(), [text], FOLDING).text != text
    assert taken / 300 <= most


@pytest.mark.parametrize("needs_words", [True, False])
def test_digits_alone_count_only_after_their_name_unless_that_is_not_wanted(needs_words: bool) -> None:
    kinds: list[Kind] = [kind for kind in PERSONAL_DATA if kind.name == "pl_pesel"]
    patterns = Patterns(rules_of(kinds, {"pl_pesel": Action("redact", "PESEL")}, needs_words=needs_words))
    found = delivered(patterns.open(), "It is 44051401359.").text
    assert found == ("It is 44051401359." if needs_words else "It is [PESEL].")
    assert delivered(patterns.open(), "PESEL: 44051401359.").text == "PESEL: [PESEL]."


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("userPhone: 2025550143", "userPhone: [PHONE]"),
        ("telephone 2025550143", "telephone [PHONE]"),
        ("saxophone 2025550143", "saxophone 2025550143"),
        ("phone, order number 2025550143", "phone, order number 2025550143"),
        ("order 7, phone 2025550143", "order 7, phone [PHONE]"),
        (f"phone {'x' * 48} 2025550143", f"phone {'x' * 48} 2025550143"),
    ],
)
def test_the_nearest_word_tells_what_a_number_is(text: str, given: str) -> None:
    assert delivered(ALL_PATTERNS.open(), text, FOLDING).text == given
