"""The `rolling` strategy: sizes in tokens, windows that overlap, tails that are held; whatever the chunks."""

from __future__ import annotations

import itertools

import pytest
from entropy import entropy, thorough
from fakes import words
from handrail._builtin.rolling import Rolling
from handrail._tokens import estimate_tokens
from handrail.config import StreamingConfig
from hypothesis import given, note
from hypothesis import strategies as st


def windows(texts, *, ask_always: bool = True, **sizes):
    rolling = Rolling(StreamingConfig(**sizes), estimate_tokens)
    made = []
    for text in texts:
        rolling.feed(text)
        while ask_always and (window := rolling.window()) is not None:
            made.append(window)
    rolling.finish()
    while (window := rolling.window()) is not None:
        made.append(window)
    return made


def tokens(text: str) -> int:
    return estimate_tokens(text)


texts = entropy.map(lambda choices: choices.several(lambda: choices.text("ab 1.\n\u4f60\U0001f600", 12), 60))
sizes = st.integers(1, 30).flatmap(
    lambda chunk: st.integers(0, chunk - 1).flatmap(
        lambda context: st.integers(0, context).map(
            lambda hold: {
                "chunk_size": chunk,
                "context_size": context,
                "hold_size": hold,
                "first_chunk_size": max(hold + 1, chunk // 2),
            }
        )
    )
)


@thorough
@given(texts, sizes, st.booleans())
def test_windows_cover_the_text_in_order_and_each_tail_is_seen_again(texts, sizes, ask_always):
    text = "".join(texts)
    end = clears = 0
    for window in windows(texts, ask_always=ask_always, **sizes):
        assert window.text == text[window.context_start : window.end]
        assert window.start == end < window.end
        assert window.context_start <= clears <= window.clears <= window.end
        end, clears = window.end, window.clears
    assert end == len(text)


@thorough
@given(entropy, sizes, st.integers(1, 80))
def test_a_violation_as_long_as_the_hold_is_whole_in_a_window_before_any_of_it_is_cleared(choices, sizes, count):
    """I1, for every place where such a violation could stand, and whatever the chunks."""
    text = "".join(words(count))
    places = sorted(choices.several(lambda: choices.between(0, len(text)), 30))
    note(f"{places=}")
    chunks = [text[a:b] for a, b in itertools.pairwise([0, *places, len(text)])]
    made = windows(chunks, **sizes)
    hold = min(sizes["hold_size"], count)
    for begin in range(0, 4 * (count - hold) + 1, 4):
        end = begin + 4 * hold
        for window in made:  # the first to clear any of it, or one before, must have it whole
            if window.context_start <= begin and end <= window.end:
                break
            assert window.clears <= begin


@thorough
@given(st.integers(4, 40), st.integers(0, 30), st.integers(0, 400))
def test_what_a_rail_reads_is_linear_in_the_text(chunk, context, count):
    """I7: about n / (n - c) times the text for windows of n tokens that repeat c of them."""
    context = min(context, chunk // 2)
    text = words(count)
    made = windows(text, chunk_size=chunk, context_size=context, first_chunk_size=chunk)
    read = sum(tokens(window.text) for window in made)
    assert read <= count * chunk / (chunk - context) + context + 1


@pytest.mark.parametrize("cut", ["token", "character", "paragraph", "whole", "with empty chunks"])
def test_windows_are_the_same_for_every_chunking_give_or_take_a_token(cut):
    pieces = words(300)
    text = "".join(pieces)
    chunks = {
        "token": pieces,
        "character": list(text),
        "paragraph": [text[i : i + 200] for i in range(0, len(text), 200)],
        "whole": [text],
        "with empty chunks": [piece for word in pieces for piece in ("", word, "")],
    }[cut]
    made = windows(chunks, chunk_size=20, context_size=5, first_chunk_size=20)
    starts = [tokens(text[: window.start]) for window in made]
    assert len(starts) == pytest.approx(20, abs=2)
    assert all(tokens(window.text) <= 20 for window in made)


def test_the_first_window_is_early_and_each_next_one_takes_twice_as_many_new_tokens():
    made = windows(words(600), chunk_size=200, context_size=50)
    new = [round((window.end - window.start) / 4) for window in made]
    assert new[:3] == pytest.approx([75, 150, 150], abs=5)  # it is not worth looking again for a few


def test_a_window_takes_all_that_has_come():
    made = windows(words(150), ask_always=False, chunk_size=200, context_size=50)
    assert [(window.start, window.end) for window in made] == [(0, 600)]


@pytest.mark.parametrize("length", [3, 7, 10, 13])
def test_text_that_is_over_before_it_is_measured_is_cut_between_words_all_the_same(length):
    text = ("x" * length + " ") * 300  # measured in parts, which end anywhere
    rolling = Rolling(StreamingConfig(chunk_size=20, context_size=5), estimate_tokens)
    rolling.feed(text)
    rolling.finish()
    made = list(iter(rolling.window, None))
    assert (made[-1].end, made[-1].last) == (len(text), True)
    assert [window for window in made if window.end % (length + 1) not in (0, length)] == []


def test_a_window_waits_for_a_whole_number_of_tokens_and_no_longer():
    rolling = Rolling(StreamingConfig(chunk_size=20, context_size=5), estimate_tokens)
    for count, word in enumerate(words(40), start=1):
        rolling.feed(word)
        if (window := rolling.window()) is not None:
            assert count == 20
            assert window.end == 76  # the last word may still grow
            break
    else:
        raise AssertionError("there was no window")


def test_dense_text_is_cut_between_characters():
    made = windows(["\u4f60" * 100], chunk_size=10, context_size=2)
    assert max(len(window.text) for window in made) <= 10


def test_the_first_window_is_looked_for_only_a_few_times():
    rolling = Rolling(StreamingConfig(chunk_size=300, context_size=10, first_chunk_size=300), estimate_tokens)
    looks = 0
    for word in words(400):
        rolling.feed(word)
        if rolling.needs <= 0:
            looks += 1
            if rolling.window() is not None:
                break
    assert 1 < looks <= 6
