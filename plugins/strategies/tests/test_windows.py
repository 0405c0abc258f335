"""How sentences and paragraphs make up windows."""

from __future__ import annotations

import pytest
from handrail_strategies import ParagraphSettings, SentenceSettings
from pydantic import ValidationError

TEXT = "Aa bb cc. Dd ee ff. Gg hh ii. Jj kk ll. Mm nn oo."


def shown(windows):
    return [(window.text, window.text[: window.start - window.context_start], window.clears) for window in windows]


def test_the_last_sentence_is_held_and_seen_again(make, windows_of):
    windows = windows_of(make("sentence", min_tokens=1), TEXT, eager=True)
    assert shown(windows) == [
        ("Aa bb cc. Dd ee ff. ", "", 10),
        ("Dd ee ff. Gg hh ii. ", "Dd ee ff. ", 20),
        ("Gg hh ii. Jj kk ll. ", "Gg hh ii. ", 30),
        ("Jj kk ll. Mm nn oo.", "Jj kk ll. ", 49),
    ]


def test_without_held_sentences_each_is_cleared_by_its_own_window(make, windows_of):
    windows = windows_of(make("sentence", min_tokens=1, held_sentences=0), TEXT, eager=True)
    assert [window.clears for window in windows] == [10, 20, 30, 40, 49]
    assert [window.text for window in windows][:2] == ["Aa bb cc. ", "Aa bb cc. Dd ee ff. "]


def test_a_window_waits_for_min_tokens(make, windows_of):
    windows = windows_of(make("sentence", min_tokens=8, context_sentences=0), TEXT, eager=True)
    assert [window.text for window in windows] == ["Aa bb cc. Dd ee ff. ", "Gg hh ii. Jj kk ll. ", "Mm nn oo."]


def test_a_window_takes_all_that_has_come_up_to_the_cap(make, windows_of):
    """A busy rail is asked about fewer and larger windows."""
    windows = windows_of(make("sentence", min_tokens=1, max_tokens=12, context_sentences=2), [TEXT])
    assert shown(windows) == [
        ("Aa bb cc. Dd ee ff. ", "", 0),
        ("Aa bb cc. Dd ee ff. Gg hh ii. Jj kk ll. ", "Aa bb cc. Dd ee ff. ", 20),
        ("Gg hh ii. Jj kk ll. Mm nn oo.", "Gg hh ii. Jj kk ll. ", 49),
    ]


def test_the_first_window_waits_until_it_can_clear_something(make):
    strategy = make("sentence", min_tokens=1, context_sentences=2)
    strategy.feed("One. Two. Three")
    assert strategy.window() is None
    strategy.feed(". F")
    window = strategy.window()
    assert (window.text, window.clears) == ("One. Two. Three. ", 5)


def test_a_sentence_is_known_to_have_ended_by_the_next_ones_first_letter(make):
    strategy = make("sentence", min_tokens=1, context_sentences=0)
    for piece in ("It costs", " 3", ".", "5", " euros", ".", " "):
        strategy.feed(piece)
        assert strategy.window() is None
    strategy.feed("N")
    assert strategy.window().text == "It costs 3.5 euros. "


def test_an_end_without_a_mark_is_not_lost(make, windows_of):
    for kind in ("sentence", "paragraph", "whole"):
        assert windows_of(make(kind), ["no mark ", "at all"])[-1].text == "no mark at all"


def test_without_text_there_is_no_window(make, windows_of):
    for kind in ("sentence", "paragraph", "whole"):
        assert windows_of(make(kind), ["", ""]) == []


def test_whole_gives_one_window_at_the_end(make, windows_of):
    (window,) = windows_of(make("whole"), TEXT, eager=True)
    assert (window.text, window.context_start, window.start, window.clears, window.last) == (
        TEXT,
        0,
        0,
        len(TEXT),
        True,
    )


def test_whole_refuses_an_answer_that_is_too_long(make):
    strategy = make("whole", max_tokens=10)
    strategy.feed("one two three four five six seven eight nine ten")
    strategy.feed(" eleven")
    with pytest.raises(Exception, match="more than 10 tokens.*max_tokens"):
        strategy.feed(" twelve")


def test_whole_counts_the_last_word_too(make):
    strategy = make("whole", max_tokens=3)
    strategy.feed("one two three four")
    with pytest.raises(Exception, match="more than 3 tokens"):
        strategy.finish()


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (SentenceSettings, {"min_tokens": 300}, "min_tokens is 300; it must be at most max_tokens, which is 200"),
        (SentenceSettings, {"held_sentences": 2}, "held_sentences is 2; .* context_sentences, which is 1"),
        (ParagraphSettings, {"held_paragraphs": 2}, "held_paragraphs is 2; .* context_paragraphs, which is 1"),
        (ParagraphSettings, {"max_tokens": 0}, "max_tokens"),
        (ParagraphSettings, {"chunk_size": 5}, "chunk_size"),
    ],
)
def test_settings_that_do_not_fit_are_refused(model, settings, message):
    with pytest.raises(ValidationError, match=message):
        model(**settings)
