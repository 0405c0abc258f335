"""What the tests of windows share: making strategies, feeding them, and the rules that every window obeys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from handrail import Window
from handrail._tokens import estimate_tokens
from handrail_strategies import Paragraph, ParagraphSettings, Sentence, SentenceSettings, Whole, WholeSettings

KINDS = {
    "sentence": (Sentence, SentenceSettings),
    "paragraph": (Paragraph, ParagraphSettings),
    "whole": (Whole, WholeSettings),
}


@pytest.fixture(scope="session")
def count_tokens():
    return estimate_tokens


@pytest.fixture(scope="session")
def make():
    def build(kind: str, **settings: object):
        strategy, model = KINDS[kind]
        return strategy(model(**settings), estimate_tokens)

    return build


@pytest.fixture(scope="session")
def windows_of():
    """Feed all pieces, then take windows to the end: the fewest windows that there can be."""

    def collect(strategy, pieces: Iterable[str], *, eager: bool = False) -> list[Window]:
        windows = []
        for piece in pieces:
            strategy.feed(piece)
            while eager and (window := strategy.window()) is not None:
                windows.append(window)
        strategy.finish()
        while (window := strategy.window()) is not None:
            windows.append(window)
        assert strategy.window() is None
        return windows

    return collect


@pytest.fixture(scope="session")
def units_of(make, windows_of):
    """Cut a text into its sentences or paragraphs: every window one of them, however short."""

    def cut(text: str, kind: str = "sentence", **settings: object) -> list[str]:
        words = "sentences" if kind == "sentence" else "paragraphs"
        strategy = make(kind, **{"min_tokens": 1, f"context_{words}": 0, **settings})
        return [window.text for window in windows_of(strategy, text, eager=True)]

    return cut


@pytest.fixture(scope="session")
def assert_valid():
    """Check what the stream demands of windows, and that what is held is seen again."""

    def check(windows: Sequence[Window], text: str) -> None:
        end = clears = 0
        for window in windows:
            assert window.start == end
            assert 0 <= window.context_start <= window.start < window.end <= len(text)
            assert window.text == text[window.context_start : window.end]
            assert window.context_start <= clears <= window.clears <= window.end
            end, clears = window.end, window.clears
        assert end == len(text)
        assert clears == len(text)
        assert [window.last for window in windows] == [False] * (len(windows) - 1) + [True] * bool(windows)

    return check
