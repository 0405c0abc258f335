"""What this strategy in particular does."""

from __future__ import annotations

import pytest
from handrail_clauses.settings import ClausesSettings
from handrail_clauses.strategy import Clauses


def windows(*pieces: str, count=lambda text: len(text.split()), **settings: int) -> list[tuple[str, int]]:
    """Return the text of each window, and how far it clears the whole text."""
    strategy, found = Clauses(ClausesSettings(**settings), count), []
    for piece in (*pieces, None):
        if piece is None:
            strategy.finish()
        else:
            strategy.feed(piece)
        while (window := strategy.window()) is not None:
            found.append((window.text, window.clears))
    return found


def test_a_window_ends_with_a_clause_and_holds_it():
    assert windows("One, two three; ", "four five: six ", "seven.", min_tokens=3) == [
        ("One, two three; four five: ", 16),
        ("four five: six seven.", 37),
    ]


def test_a_number_is_no_end_of_a_clause():
    assert windows("Pi is 3.14159 or so, and e ", "is 2.71828.", min_tokens=2)[0] == ("Pi is 3.14159 or so, ", 0)


@pytest.mark.parametrize("size", [1, 7, 200])
def test_a_clause_that_never_ends_is_cut(size):
    text = "x" * 200
    found = windows(*(text[at : at + size] for at in range(0, 200, size)), min_tokens=1, longest_clause=40)
    assert max(len(window) for window, _ in found) <= 200
    assert found[-1][1] == 200
