"""What holds for every text, however it is split and whenever windows are asked for."""

from __future__ import annotations

import itertools

from entropy import EXAMPLES, entropy, thorough
from hypothesis import example, given, settings
from hypothesis import strategies as st

PARTS = [
    "word", " ", "  ", ". ", ".", "! ", "?", "...", "… ", "。", "！", "」", "؟ ",
    "।", '"', "' ", ") ", "(", "**", "Dr. ", "z. B. ",
    "e.g. ", "A", "b", "I. ", "3", "12. ", "No. ", "1998. ", "\n", "\n\n", "\r\n",
    "\r", "\u2029", "\n- ", "\n1. ", "\n# ", "\n> ",
    "```", "```py\n", "\n```\n", "`", "~~~\n", "\n~~~~\n", "你", "好，", "x.y",
    "https://a.b/c?d=e. ", "-", "—", " »", "« ", "a" * 30,
    "字" * 12, "😀", "\t", "\n    ", " " * 70, "`" * 70, ")" * 20, "!" * 20,
]  # fmt: skip
TEXTS = entropy.map(lambda choices: choices.text(PARTS, 40)) | st.text(max_size=80)
SIZES = st.tuples(st.integers(1, 12), st.integers(0, 12), st.integers(0, 3), st.integers(0, 3))


@st.composite
def cases(draw):
    """Return a strategy's name and settings, a text, and two ways to split it."""
    kind = draw(st.sampled_from(["sentence", "sentence", "paragraph", "whole"]))
    text = draw(TEXTS)
    chosen = {}
    if kind != "whole":
        least, more, context, held = draw(SIZES)
        words = f"{kind}s"
        chosen = {"min_tokens": least, "max_tokens": least + more}
        chosen |= {f"context_{words}": context, f"held_{words}": min(held, context)}
    choices = draw(entropy)
    return kind, chosen, text, split(choices, text), split(choices, text)


def split(choices, text):
    places = sorted(set(choices.several(lambda: choices.between(0, len(text)), 20)))
    return [text[start:end] for start, end in itertools.pairwise([0, *places, len(text)])]


@thorough
@given(case=cases())
def test_windows_asked_for_at_the_end_are_the_same_for_every_split(case, make, windows_of, assert_valid):
    kind, chosen, text, one, other = case
    windows = windows_of(make(kind, **chosen), one)
    assert_valid(windows, text)
    assert windows == windows_of(make(kind, **chosen), other)


@thorough
@given(case=cases())
def test_windows_asked_for_at_any_time_are_valid(case, make, windows_of, assert_valid):
    """They end where sentences do, whichever of them a rail happens to be asked about together."""
    kind, chosen, text, one, other = case
    windows = windows_of(make(kind, **chosen), one, eager=True)
    assert_valid(windows, text)
    if kind != "whole":
        strategy = make(kind, **chosen)
        for piece in other:
            strategy.feed(piece)
        strategy.finish()
        strategy._take()
        assert {window.end for window in windows} <= {end for end, _ in strategy._units}


@thorough
@given(case=cases(), times=st.lists(st.booleans(), min_size=1, max_size=20))
def test_windows_are_valid_for_a_rail_that_is_often_busy(case, times, make, assert_valid):
    kind, chosen, text, pieces, _ = case
    strategy, windows, asked = make(kind, **chosen), [], itertools.cycle(times)
    for piece in pieces:
        strategy.feed(piece)
        if next(asked) and (window := strategy.window()) is not None:
            windows.append(window)
    strategy.finish()
    while (window := strategy.window()) is not None:
        windows.append(window)
    assert_valid(windows, text)


DENSE = ("sentence", {"min_tokens": 1, "max_tokens": 2, "context_sentences": 0, "held_sentences": 0})


@settings(thorough, max_examples=max(EXAMPLES // 2, 10))
@example(case=(*DENSE, "wordwordword\n」.wordword", ["wordwordword\n」.wordword"], []))
@given(case=cases())
def test_a_window_is_within_its_cap(case, make, windows_of, count_tokens):
    """Agree to within the token that is cut where a text has no better place; and but for single characters."""
    kind, chosen, _, pieces, _ = case
    if kind == "whole":
        return
    for window in windows_of(make(kind, **chosen), pieces):
        new = window.text[window.start - window.context_start :]
        assert count_tokens(new) <= chosen["max_tokens"] + 1 or len(new) == 1


def test_memory_and_work_do_not_grow_with_the_text(make):
    """Counted in characters that are looked at, so that no clock is needed."""
    for kind in ("sentence", "paragraph"):
        for unit in ("Some words, and then more of them. ", "word ", "字", "\n", "! ", "x", "`", " ", ".", "A. "):
            strategy = make(kind)
            kept = []
            for _ in range(4):
                for _ in range(3000):
                    strategy.feed(unit)
                    while strategy.window() is not None:
                        pass
                kept.append(len(strategy._text) + len(strategy._ends._text) + len(strategy._units))
            assert max(kept) < 30_000
