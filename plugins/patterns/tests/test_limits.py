"""What is refused when it is loaded, what is bounded while it runs, and that neither ever leaks."""

from __future__ import annotations

import random
import re

import pytest
from handrail.errors import ConfigurationError
from handrail_patterns._actions import Action, ActionName
from handrail_patterns._cost import BUDGET, cost
from handrail_patterns._limits import reach
from handrail_patterns._personal import PERSONAL_DATA
from handrail_patterns._regex import Patterns
from handrail_patterns._rule import Rule, make_rule
from handrail_patterns._secrets import SECRETS
from handrail_patterns._session import STEP, PatternSession
from handrail_patterns._tree import parse
from patterns_definition import Plain, delivered, expected, random_split
from work import least, seconds


def rule(pattern: str, action: ActionName = "redact", limit: int | None = None) -> Rule:
    return make_rule("p", pattern, Action(action, "P"), limit=limit)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "'p' does not compile: missing ), unterminated subpattern at character 0"),
        ("ab[", "unterminated character set at character 2"),
        ("(?<=a+)b", "look-behind requires fixed-width pattern"),
        ("a*", "matches the empty string"),
        ("(?=a)", "matches the empty string"),
        (r"\b", "matches the empty string"),
        ("a|", "matches the empty string"),
        ("key: .*x", "limit it, such as '.{0,200}', or set 'max_match'"),
        (r"<[^>]+>", "runs on through ordinary text"),
        (r"BEGIN[\s\S]*?END", "runs on through ordinary text"),
        (r"(?:\w+\s)+end", "runs on through ordinary text"),
        (r"(['\"])x\1", "it refers back to a group"),
        (r"(a)?b(?(1)c|d)", "it refers back to a group"),
        (r"(?<=a(?=b))bc", "it looks ahead inside a look-behind"),
        ("x.{0,90000}y", "its matches may have 90,002 characters"),
        (r"(?<!x)(\d+)+y", "can take exponential time on a hostile text"),
        (r"(?=a)(a|ab|b)*c", "can take exponential time"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(pattern: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        rule(pattern)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("pattern", "exponential"),
    [
        (r"(a+)+b", True),
        (r"(a|ab|b)*c", True),
        (r"(a|a)*b", False),
        (r"(\w+\s?)*$", True),
        (r"(a*)*b", True),
        (r"(x+x+)+y", True),
        (r"(a?){30}a{30}", True),
        (r"([a-zA-Z]+)*\d", True),
        (r"(a|ab)*c", False),
        (r"(?:\d{1,3}\.?){4}", False),
        (r'"([^"\\]|\\.)*"', False),
        (r"(\w+-)*\w+", False),
        (r"(?:[ -]{0,3}\d){7,14}", False),
        (r"[\w.+-]+@[\w-]+\.[\w.-]+", False),
    ],
)
def test_exponential_patterns_are_told_from_the_others(pattern: str, exponential: bool) -> None:
    assert (cost(parse(pattern), 1024) > BUDGET) is exponential


def test_repeats_that_share_a_text_are_allowed_only_for_short_matches() -> None:
    assert cost(parse(r"\d*\d*\d*x"), 1024) > BUDGET
    assert cost(parse(r"\d*\d*\d*x"), 64) < BUDGET


def test_re2_runs_what_could_blow_up_here_and_gives_the_same() -> None:
    chance = random.Random(8)
    for pattern in (r"(a+)+b", r"(?:a|ab|b)*c", r"(?i)(\w+ ?)*!", "([\u4e00-\u9fff]+)+x"):
        ready = rule(pattern, limit=200)
        plain = [Plain(re.compile(pattern), ready.action)]
        patterns = Patterns([ready])
        for _ in range(150):
            text = "".join(chance.choices("aaabcA !\u4e2dx\ud800", k=chance.randint(1, 12)))
            want = expected(text, plain)
            assert delivered(patterns.open(), random_split(text, chance), whole=want.text) == want


def test_a_hostile_text_takes_linear_time_with_re2() -> None:
    patterns = Patterns([rule(r"(a+)+b", limit=4000)])

    def read() -> None:
        session = PatternSession(patterns.open(), None, lambda *_: None)
        assert session.feed("a" * 3000 + "!").text == "a" * 3000 + "!"

    assert least(lambda: seconds(read), 2) < 2


def test_without_re2_such_a_pattern_is_refused_and_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("handrail_patterns._re2.find_spec", lambda *_: None)
    with pytest.raises(ConfigurationError, match="or install google-re2"):
        rule(r"(a+)+b")


@pytest.mark.parametrize("size", [1, 7, 500, STEP, 100_000])
def test_a_match_longer_than_its_limit_blocks_and_none_of_it_is_out(size: int) -> None:
    patterns = Patterns([rule(r"<[^>]*>", limit=100)])
    text = f"before {'x' * 3000} <{'secret ' * 400}> after"
    session = PatternSession(patterns.open(), None, lambda *_: None)
    out = ""
    for place in range(0, len(text), size):
        ruling = session.feed(text[place : place + size])
        out += ruling.text
        if ruling.block is not None:
            assert "max_match of 100" in ruling.block.reason
            break
    assert out == text[: text.index("<")]


@pytest.mark.parametrize("length", [90, 99, 100, 101, 600, 1023, 1024, 1025, 1200, 2047, 2048, 5000])
def test_around_the_limit_the_outcome_does_not_hang_on_the_cut(length: int) -> None:
    patterns = Patterns([rule(r"<[^>]*>", limit=100), rule("x{2,9}y", "mask")])
    for lead in (0, 5, 1000, 1020):
        text = f"{'-' * lead}<{'a' * (length - 2)}> xxxy"
        outcomes = {
            delivered(patterns.open(), pieces) for pieces in (text, [text], _in_sizes(text, 3), _in_sizes(text, 700))
        }
        assert len(outcomes) == 1
        (outcome,) = outcomes
        assert "aaa" not in outcome.text
        assert length > 100 or not outcome.blocked


def test_matches_that_overlap_without_an_end_are_bounded() -> None:
    patterns = Patterns([rule("abab"), make_rule("q", "baba", Action("mask", "Q"))])
    session = PatternSession(patterns.open(), None, lambda *_: None)
    ruling = session.feed("ab" * 100_000)
    assert ruling.block is not None
    assert ruling.text == ""


def test_a_block_ends_at_the_least_that_tells_of_a_match() -> None:
    """An open end needs no holding where the stream stops anyway, so `.*` at the end is no reason to refuse."""
    session = PatternSession(Patterns([rule(r"password: .*", "block")]).open(), None, lambda *_: None)
    assert session.feed("the password").text == "the "
    ruling = session.feed(": x")
    assert ruling.block is not None
    assert ruling.text == ""


def test_time_grows_with_the_text_and_memory_does_not() -> None:
    patterns = Patterns([rule(r"\b[a-f]{4,40}\b"), rule(r"\d+")])
    scan = patterns.open()
    session = PatternSession(scan, None, lambda *_: None)
    for _ in range(300):
        session.feed("face the facade of 1998 and go on " * 30)
    assert len(session._held) < 100
    assert len(scan._text) < 100


def _in_sizes(text: str, size: int) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


def test_every_shipped_pattern_is_cheap_on_any_text() -> None:
    for kind in (*PERSONAL_DATA, *SECRETS):
        for way in kind.ways:
            node = parse(way.lead + way.pattern)
            assert cost(node, min(way.limit or reach(node) or 1024, 2048)) < BUDGET, kind.name
