"""Properties of the reader of answers: whatever it is given, it never lets through what a word of it forbids."""

from __future__ import annotations

from handrail_self_check._answer import UnreadableAnswerError, read_answer
from handrail_self_check._reading import IS_IT_SUPPORTED, MUST_IT_BE_BLOCKED, Question
from handrail_self_check._words import BLOCKING, FILLERS, HEDGES, INTENSIFIERS, NEGATORS
from hypothesis import given, settings
from hypothesis import strategies as st

ANSWERS_THAT_BLOCK = ["yes", "Yes.", "unsafe", "Not safe", "It is not safe.", "It should be blocked", "{} yes"]
ANSWERS_THAT_ALLOW = [
    "no",
    "No.",
    "safe",
    "It is safe.",
    "The answer is no.",
    "not unsafe",
    "It should not be blocked.",
]
COMMON = sorted(FILLERS | HEDGES | INTENSIFIERS)
WORDS = [*COMMON[::6], "yes", "no", "safe", "unsafe", "blocked", "allowed", "not", "never", "nor", "if", "and", "says"]
MARKS = [".", ",", "!", "?", ":", "\n", " ", "-", " - ", '"', "*", "(", ")"]

jumble = st.lists(st.sampled_from([*WORDS, *MARKS]), max_size=30).map(" ".join)


def allows(text: str, question: Question = MUST_IT_BE_BLOCKED, *, cut: bool = False) -> bool:
    try:
        return not read_answer(text, question, cut=cut).blocked
    except UnreadableAnswerError:
        return False


@given(st.text(), st.booleans(), st.sampled_from([MUST_IT_BE_BLOCKED, IS_IT_SUPPORTED]))
def test_any_text_is_read_or_refused_and_nothing_else_is_raised(text, cut, question):
    allows(text, question, cut=cut)


@given(jumble, st.booleans())
def test_any_jumble_of_known_words_is_read_or_refused(text, cut):
    allows(text, cut=cut)


@given(
    st.sampled_from(ANSWERS_THAT_ALLOW), st.sampled_from(MARKS[:6]), st.sampled_from(ANSWERS_THAT_BLOCK), st.booleans()
)
def test_an_answer_that_says_both_never_allows(one, mark, other, swap):
    first, second = (other, one) if swap else (one, other)
    assert not allows(f"{first}{mark} {second}")


@given(jumble, st.sampled_from(sorted(BLOCKING)), jumble)
def test_a_blocking_word_that_nothing_denies_never_allows(before, word, after):
    text = f"{before} {word} {after}"
    denied = NEGATORS | {"no", "false", "nope"}
    if denied.isdisjoint(text.split()):
        assert not allows(text)


@given(st.lists(st.sampled_from(COMMON), max_size=6).map(" ".join), st.sampled_from(sorted(NEGATORS)))
def test_a_denied_allowing_word_never_allows(between, negator):
    assert not allows(f"it is {negator} {between} safe")
    assert not allows(f"{negator} {between} allowed")


@given(st.text(max_size=40))
def test_a_made_up_word_between_a_denial_and_a_blocking_word_never_allows(text):
    word = "".join(character for character in text if character.isalpha())
    if word and word.casefold() not in FILLERS:
        assert not allows(f"It is not {word}x unsafe")


@given(
    st.sampled_from([*ANSWERS_THAT_ALLOW, *ANSWERS_THAT_BLOCK[:-1]]),
    st.sampled_from(
        ["{}", "**{}**", '"{}"', "`{}`", "\n{}\n", "> {}", "# {}", "<think>no, yes</think>{}", "```\n{}\n```"]
    ),
    st.sampled_from([str.upper, str.lower, str.title, str]),
)
def test_case_and_dress_make_no_difference(answer, dress, case):
    assert allows(dress.format(case(answer))) == allows(answer)


@settings(max_examples=30, deadline=1_000)
@given(
    st.sampled_from(["safe ", "not ", "no, ", "it is safe and ", '{"a":', "<think>", "</think>", "yes? ", "\n", "'t "])
)
def test_an_answer_at_the_limit_is_read_at_once(piece):
    """A second is far more than any length needs; without the limits these took minutes."""
    allows(piece * (8_000 // len(piece)))
