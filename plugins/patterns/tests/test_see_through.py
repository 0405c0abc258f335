"""What is looked through, each option alone and all together; what the options leave alone; and that nothing shifts."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest
from handrail import ConfigurationError, LLMRails
from handrail_patterns._actions import Action
from handrail_patterns._fold import ALL_OF_IT, Folding, SeeThrough
from handrail_patterns._phrases import Phrases
from handrail_patterns._scripts import homoglyphs
from patterns_definition import delivered, random_split
from patterns_streamed import configured

REDACT = Action("redact", "PHRASE")


def given(phrase: str, text: str, see_through: tuple[SeeThrough, ...] = ALL_OF_IT, seed: int = 0) -> str:
    folding = Folding(see_through)
    phrases = Phrases({form.strip() for form in folding.texts(phrase)}, REDACT, spaced="spaced_letters" in see_through)
    outcomes = {
        delivered(phrases.open(), pieces, folding).text
        for pieces in (text, [text], random_split(text, random.Random(seed)))
    }
    (outcome,) = outcomes
    return outcome


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("case", "the BoMb is"),
        ("unicode", "the \uff42\uff4f\uff4d\uff42 is"),
        ("unicode", "the \U0001d41b\U0001d428\U0001d426\U0001d41b is"),
        ("unicode", "the b\xf6mb is"),
        ("unicode", "the \u24d1\u24de\u24dc\u24d1 is"),
        ("invisible", "the b\u200bomb is"),
        ("invisible", "the bo\xadmb is"),
        ("invisible", "the b\x00o\x08mb is"),
        ("invisible", "the b\ufff9omb is"),
        ("invisible", "the b\u2800omb is"),
        ("invisible", "the b\x1fomb is"),
        ("invisible", "the bo\u0640mb is"),
        ("invisible", "the b\U000e0041omb is"),
        ("marks", "the bo\u0489mb is"),
        ("marks", "the b\u0488omb is"),
        ("marks", "the b\u064eomb is"),
        ("marks", "the b\u05b0omb is"),
        ("marks", "the b\u0e34omb is"),
        ("marks", "the b\u093eomb is"),
        ("letters", "the \u0299\u1d0f\u1d0d\u0299 is"),
        ("letters", "the \U0001f171\U0001f17e\U0001f17c\U0001f171 is"),
        ("letters", "the \U0001f1e7\U0001f1f4\U0001f1f2\U0001f1e7 is"),
        ("homoglyphs", "the b\u043emb is"),
        ("homoglyphs", "the b\u03bfmb is"),
        ("homoglyphs", "the \u13cf\u0585\u043c\u0184 is"),
        ("spacing", "the bo  mb is"),
        ("spaced_letters", "the b o m b is"),
        ("spaced_letters", "the b.o.m.b is"),
        ("spaced_letters", "the b_o_m_b is"),
        ("spaced_letters", "the b - o - m - b is"),
    ],
)
def test_each_option_looks_through_one_thing(option: SeeThrough, text: str) -> None:
    phrase = "bo mb" if option == "spacing" else "bomb"
    assert given(phrase, text) == "the [PHRASE] is"
    alone = given(phrase, text, (option,))
    assert alone == "the [PHRASE] is" or option == "letters"
    assert given(phrase, text, tuple(one for one in ALL_OF_IT if one != option)) == text


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("炸弹", "这是炸弹吗", "这是[PHRASE]吗"),
        ("爆弾", "これは爆弾です", "これは[PHRASE]です"),
        ("ระเบิด", "คือระเบิดหรือ", "คือ[PHRASE]หรือ"),
        ("폭탄", "이것은 폭탄을 만", "이것은 [PHRASE]을 만"),
        ("가", "각자", "각자"),
        ("か", "がぎ", "がぎ"),
        ("bomb", "这是bomb吗", "这是[PHRASE]吗"),
        ("bomb", "bombs and bombardment, xbomb", "bombs and bombardment, xbomb"),
        ("бомба", "Это БОМБА!", "Это [PHRASE]!"),
        ("бомба", "бомбардировка", "бомбардировка"),
        ("νίκη", "Η ΝΊΚΗ.", "Η [PHRASE]."),
        ("किताब", "यह किताब है", "यह [PHRASE] है"),
        ("किताब", "यह कतब है", "यह कतब है"),
    ],
)  # fmt: skip
def test_words_of_every_script(phrase: str, text: str, found: str) -> None:
    assert given(phrase, text) == found


@pytest.mark.parametrize("written", ["don't tell", "don\u2019t tell", "don\u02bct tell", "don\uff07t tell"])
@pytest.mark.parametrize("phrase", ["don't tell", "don\u2019t tell"])
def test_every_apostrophe_is_one(phrase: str, written: str) -> None:
    assert given(phrase, f"so {written} him") == "so [PHRASE] him"


def test_every_quote_is_one() -> None:
    assert given('the "plan"', "see \u201ethe \u201cplan\u201d\u201c") == "see \u201e[PHRASE]\u201c"


@pytest.mark.parametrize("hyphen", "-\u2010\u2011\u2012\u2013\u2212\uff0d")
def test_every_hyphen_is_one(hyphen: str) -> None:
    assert given("data-base", f"the data{hyphen}base is") == "the [PHRASE] is"
    assert given("data-base", "the data\u2014base is") == "the data\u2014base is"


@pytest.mark.parametrize(
    "text", ["I am a bo, m b", "b o m", "xb o m b", "b o m bs", "ab o m b", "b    o    m    b", "b o xx m b"]
)
def test_letters_that_stand_apart_otherwise_are_no_phrase(text: str) -> None:
    assert given("bomb", text, ("spaced_letters",)) == text


@pytest.mark.parametrize("pieces", [["the bo \xb4mb is"], ["the bo ", "\xb4mb is"], ["the bo\xb4", "\xb4", " mb is"]])
def test_characters_that_fold_to_a_space_are_spaces_however_they_are_cut(pieces: list[str]) -> None:
    folded = Folding(ALL_OF_IT).open()
    places = accumulate(map(len, pieces), initial=0)
    assert "".join(map(folded.feed, pieces, places)) == "the bo mb is"
    assert folded.origin(7) == "".join(pieces).index("m")


def test_letters_that_stand_apart_wait_only_while_they_may_go_on() -> None:
    from handrail_patterns._session import PatternSession

    session = PatternSession(Phrases(["bomb"], REDACT, spaced=True).open(), None, lambda *_: None)
    assert session.feed("I b").text == "I "
    assert session.feed("e a b o").text == "be a "
    assert session.feed(" m ").text == ""
    assert session.feed("b").text == ""
    assert session.feed(".").text == ""  # the last letter may begin another one
    assert session.feed(" x").text == "[PHRASE]. x"


def test_letters_that_stand_apart_are_found_in_any_text_however_it_is_cut(effort: int) -> None:
    chance = random.Random(3)
    phrases = Phrases(["abc", "ab cab", "ccc"], REDACT, spaced=True)
    for _ in range(300 * effort):
        text = "".join(chance.choices("aabbcc   .-", k=chance.randint(1, 24)))
        whole = delivered(phrases.open(), [text]).text
        assert delivered(phrases.open(), text, whole=whole).text == whole
        assert delivered(phrases.open(), random_split(text, chance), whole=whole).text == whole


def test_the_look_alikes_are_letters_of_other_alphabets() -> None:
    assert len(homoglyphs()) > 300
    assert all(not chr(code).isascii() and chr(code).isalpha() for code in homoglyphs())


@pytest.mark.parametrize("flow", ["regex check", "personal data check"])
def test_letters_that_stand_apart_are_for_phrases_only(flow: str) -> None:
    settings = {"see_through": ["spaced_letters"], **({"patterns": ["x"]} if flow == "regex check" else {})}
    with pytest.raises(ConfigurationError, match="phrase check"):
        LLMRails(configured([flow], {flow: settings}))


@pytest.mark.parametrize("size", [1, 7, 100, 1024, 5000])
def test_places_are_right_in_long_texts_in_which_every_so_often_a_character_is_left_out(size: int) -> None:
    """What is remembered of a text is forgotten in stretches of about a thousand characters."""
    folding = Folding(ALL_OF_IT)
    phrases = Phrases(["bomb"], REDACT, spaced=True)
    text = "a b\u200bomb  of \ufb01ve b\u0301ombs\nb o m b, " * 300
    given = delivered(phrases.open(), [text[place : place + size] for place in range(0, len(text), size)], folding).text
    assert given == "a [PHRASE]  of \ufb01ve b\u0301ombs\n[PHRASE], " * 300
