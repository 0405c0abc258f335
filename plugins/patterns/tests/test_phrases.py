"""Phrases by the thousand: every occurrence, however the text is cut."""

from __future__ import annotations

import random

import pytest
from handrail_patterns._actions import Action
from handrail_patterns._fold import ALL_OF_IT, Folding
from handrail_patterns._phrases import Phrases
from handrail_patterns._session import PatternSession
from patterns_definition import Match, delivered, random_split, resolved

REDACT = Action("redact", "PHRASE")


@pytest.mark.parametrize("whole_words", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_every_occurrence_is_found_however_the_text_is_cut(seed: int, whole_words: bool, effort: int) -> None:
    chance = random.Random(seed)
    for _ in range(30 * effort):
        folding = Folding(chance.choice(((), ("case",), ALL_OF_IT)))
        alphabet = "aab  b\u0301\u200bA-\ufb01i\xe9"
        words = {folding.text("".join(chance.choices(alphabet, k=chance.randint(1, 5)))).strip() for _ in range(5)}
        phrases = sorted(words - {""}) or ["a"]
        compiled = Phrases(phrases, REDACT, whole_words=whole_words)
        for _ in range(5):
            text = "".join(chance.choices(alphabet, k=chance.randint(1, 25)))
            want = resolved(text, _occurrences(text, phrases, folding, whole_words))
            assert delivered(compiled.open(), random_split(text, chance), folding, want.text) == want


@pytest.mark.parametrize(
    ("phrases", "text", "found"),
    [
        (["bad word"], "a bad word here", "a [PHRASE] here"),
        (["bad word"], "a bad words here", "a bad words here"),
        (["a b c", "b c d"], "x a b c d y", "x [PHRASE] y"),
        (["he", "she", "hers"], "ushers", "ushers"),
        (["#tag"], "x#tag y", "x[PHRASE] y"),
        (["cafe"], "cafe\u0301s", "cafe\u0301s"),
        (["x"], "", ""),
    ],
)
def test_whole_words_stand_apart(phrases: list[str], text: str, found: str) -> None:
    assert delivered(Phrases(phrases, REDACT, whole_words=True).open(), text).text == found


def test_a_phrase_waits_only_while_it_may_go_on() -> None:
    session = PatternSession(Phrases(["secret plan"], REDACT, whole_words=True).open(), None, lambda *_: None)
    assert session.feed("the sec").text == "the "
    assert session.feed("ond ").text == "second "
    assert session.feed("secret p").text == ""
    assert session.feed("icture").text == "secret picture"
    assert session.feed(" my secret plan").text == " my "
    assert session.feed("s").text == "secret plans"
    assert session.finish().text == ""


def test_ten_thousand_phrases_are_all_found() -> None:
    chance = random.Random(1)
    phrases = {" ".join("".join(chance.choices("abcdefghij", k=6)) for _ in range(2)) for _ in range(10_000)}
    compiled = Phrases(phrases, REDACT, whole_words=True)
    text = " and ".join(sorted(phrases)[:500])
    assert delivered(compiled.open(), random_split(text, chance)).text == " and ".join(["[PHRASE]"] * 500)


def _occurrences(text: str, phrases: list[str], folding: Folding, whole_words: bool) -> list[Match]:
    from handrail_patterns._phrases import _joined
    from patterns_definition import _folded

    folded, origins = _folded(text, folding)
    found: list[Match] = []
    for start in range(len(folded)):
        for phrase in phrases:
            end = start + len(phrase)
            apart = not whole_words or not (_joined(folded, start) or _joined(folded, end))
            if folded.startswith(phrase, start) and apart:
                found.append((origins[start], origins[end - 1] + 1, REDACT, 0))
    return found
