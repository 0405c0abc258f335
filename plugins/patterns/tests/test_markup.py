"""Markup that is looked through: what is shown, where it is written, and that nothing is lost or found too much."""

from __future__ import annotations

import random
from functools import cache

import pytest
from handrail_patterns._actions import Action
from handrail_patterns._fold import ALL_OF_IT, Folding
from handrail_patterns._markup import Rendering
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._phrases import Phrases
from handrail_patterns._secrets import SECRETS
from patterns_definition import delivered, expected, random_split, shipped

FOLDING = Folding(("unicode", "invisible", "marks", "markup"))
REDACT = Action("redact", "PHRASE")
TOKEN = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
MARKS = (
    "**",
    "*",
    "~~",
    "`",
    "\\",
    "&",
    "&#",
    "&amp;",
    "&shy;",
    "&#x34;",
    "&#49;",
    "<b>",
    "</b>",
    "<",
    "<!-- -->",
    "<br>",
)
VALUES = (TOKEN, "4111 1111 1111 1111", "jane.doe@example.com", "+1 415 555 2671", "DE89 3704 0044 0532 0130 00")


@cache
def kinds():
    """Compile all shipped kinds, which takes a second, where a test first needs them."""
    return shipped((*PERSONAL_DATA, *SECRETS))


def found(phrases: list[str], text: str, see_through: tuple[str, ...] = ALL_OF_IT) -> str:
    folding = Folding(see_through)  # type: ignore[arg-type]
    forms = {form.strip() for phrase in phrases for form in folding.texts(phrase)}
    compiled = Phrases(forms, REDACT, spaced="spaced_letters" in see_through)
    outcomes = {
        delivered(compiled.open(), pieces, folding).text
        for pieces in ([text], text, random_split(text, random.Random(1)))
    }
    (outcome,) = outcomes
    return outcome


def values(text: str) -> str:
    patterns, _ = kinds()
    outcomes = {delivered(patterns.open(), pieces, FOLDING).text for pieces in ([text], text)}
    (outcome,) = outcomes
    return outcome


@pytest.mark.parametrize(
    "written",
    [
        "**ig**nore",
        "ig*no*re",
        "ig~~no~~re",
        "ig`no`re",
        "ig<b>no</b>re",
        "ig<wbr>nore",
        "ig<!-- x -->nore",
        "ig&shy;nore",
        "ig&#8203;nore",
        "&#105;gnore",
        "ig&#x6e;ore",
        "ign&omicron;re",
    ],
)
def test_a_phrase_is_found_in_what_markup_shows(written: str) -> None:
    out = found(["ignore"], f"to {written} it")
    assert "[PHRASE]" in out
    assert out.startswith("to ")
    assert out.endswith(" it")
    assert found(["ignore"], f"to {written} it", ALL_OF_IT[:-1]) == f"to {written} it"


@pytest.mark.parametrize(
    "written",
    [
        "project **falcon**",
        "*project* falcon",
        "project&nbsp;falcon",
        "project<br>falcon",
        "project\\\nfalcon",
        "**project\nfalcon**",
        "<em>project</em> <strong>falcon</strong>",
    ],
)
def test_a_phrase_of_words_is_found_in_what_markup_shows(written: str) -> None:
    assert "[PHRASE]" in found(["project falcon"], f"the {written} is")


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("internal_use_only", "for internal\\_use\\_only"),
        ("a*b*c", "for a*b*c"),
        ("f**k", "for f**k"),
        ("*.exe", "for *.exe"),
        ("&amp;", "for &amp; so"),
        ("<b>x</b>", "for <b>x</b>"),
        ("bomb", "for x*bomb* and x**bomb"),
        ("C:\\_x", "for C:\\_x"),
    ],
)
def test_what_is_found_as_it_is_written_is_still_found(phrase: str, text: str) -> None:
    assert "[PHRASE]" in found([phrase], text)


@pytest.mark.parametrize(
    "text",
    [
        "a * b, a & b, a < b, AT&T",
        "- ig\n* nore",
        "ig\n\n***\n\nnore",
        "ig****nore",
        "ig\\nore",
        "ig&nonsense;nore",
        "ig&nore",
        "ig<x>nore",
    ],
)
def test_what_is_no_markup_is_left_alone(text: str) -> None:
    assert found(["ignore", "a b", "att"], text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("key ghp\\_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8 ok", "key [GITHUB_TOKEN] ok"),
        ("key **ghp_a1B2c3D4**e5F6g7H8i9J0k1L2m3N4o5P6q7R8 ok", "key **[GITHUB_TOKEN] ok"),
        ("key ghp&lowbar;a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8; ok", "key [GITHUB_TOKEN]; ok"),
        ("mail jane\\.doe\\@example\\.com ok", "mail [EMAIL] ok"),
        ("mail jane.doe&#64;example&#46;com ok", "mail [EMAIL] ok"),
        ("mail jane.<b>doe</b>@example.com ok", "mail [EMAIL] ok"),
        ("card **4111 1111** 1111 **1111** ok", "card **[CARD]** ok"),
        ("call 415\\-555\\-0132 ok", "call [PHONE] ok"),
        ("call &#43;1 415 555 267&#49; ok", "call [PHONE] ok"),
        ("mask **** **** **** 1111, 2 * 3 * 4, `a` & `b`", "mask **** **** **** 1111, 2 * 3 * 4, `a` & `b`"),
        ("60*60*24*365 and 4096*4096", "60*60*24*365 and 4096*4096"),
    ],
)
def test_a_value_is_redacted_where_markup_shows_it(text: str, redacted: str) -> None:
    assert values(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Card: 4111 1111\n1111 1111 ok", "Card: [CARD] ok"),
        ("credit card\n> 4111 1111\n> 1111 1111\n", "credit card\n> [CARD]\n"),
        ("IBAN DE89 3704 0044\r\n    0532 0130 00 ok", "IBAN [IBAN] ok"),
        ("call +1 415\u2028555 2671 ok", "call [PHONE] ok"),
        ("phone: (415)\n555-2671 ok", "phone: [PHONE] ok"),
        (f"{TOKEN[:17]}\\\n    {TOKEN[17:]} ok", "[GITHUB_TOKEN] ok"),
        ("AKIAIOSF\nODNN7EXAMPLQ ok", "[AWS_ACCESS_KEY] ok"),
        (f"{TOKEN}\nThis is", "[GITHUB_TOKEN]\nThis is"),
        (f"{TOKEN}\n{TOKEN}", "[GITHUB_TOKEN]\n[GITHUB_TOKEN]"),
        ("k=sk-proj-a1B2c3D4e5F6g7H8i9J0\nOTHER_NAME2=x", "k=[OPENAI_KEY]\nOTHER_NAME2=x"),
        ("-----BEGIN RSA\nPRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "[PRIVATE_KEY]"),
        ("The table:\n2048 4096\n8192 1024", "The table:\n2048 4096\n8192 1024"),
        ("sk-learn\nis4 a word", "sk-learn\nis4 a word"),
        ("+100\n200300400", "+100\n200300400"),
    ],
)
def test_a_value_over_two_lines_is_redacted(text: str, redacted: str) -> None:
    assert values(text) == redacted


def test_markup_is_found_by_the_definition_however_it_is_cut(effort: int) -> None:
    chance = random.Random(11)
    patterns, plain = kinds()
    for _ in range(60 * effort):
        text = "".join(
            chance.choice((chance.choice(VALUES), chance.choice(MARKS), " ", "to be", "1", "x")) for _ in range(8)
        )
        at = chance.randrange(len(text) + 1)
        text = f"{text[:at]}{chance.choice(MARKS)}{text[at:]}, card" * chance.choice((1, 1, 8))
        whole = expected(text, plain, FOLDING)
        for pieces in ([text], random_split(text, chance)):
            assert delivered(patterns.open(), pieces, FOLDING, whole.text) == whole, text


def test_a_text_is_shown_alike_however_it_is_cut_and_each_character_has_its_place(effort: int) -> None:
    chance = random.Random(12)
    for _ in range(200 * effort):
        text = "".join(chance.choice((*MARKS, "a", "bc ", "\n", ";", "1")) for _ in range(12))
        whole, cut = Rendering(0), Rendering(0)
        shown = whole.feed(text, ended=True)
        assert "".join(map(cut.feed, random_split(text, chance))) + cut.feed("", ended=True) == shown
        spans = [(whole.origin(at), whole.origin_of_end(at + 1)) for at in range(len(shown))]
        assert spans == [(cut.origin(at), cut.origin_of_end(at + 1)) for at in range(len(shown))]
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:], strict=False) if end != start)
        assert all(text[start] == char for (start, end), char in zip(spans, shown, strict=True) if end == start + 1)


def test_a_flag_is_noted_once() -> None:
    from handrail_patterns._session import PatternSession

    noted: list[str] = []
    compiled = Phrases(["bomb"], Action("flag", "PHRASE"))
    session = PatternSession(compiled.open(), None, lambda match, _: noted.append(match.rule.name), markup=True)
    session.feed("a **bomb** and a bo**mb**, ")
    session.finish()
    assert noted == ["bomb", "bomb"]
