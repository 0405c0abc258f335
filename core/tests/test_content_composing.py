"""Several stages after one another: what they do together, as pieces of the content."""

from __future__ import annotations

import pytest
from entropy import entropy, thorough
from handrail._content import ComposedPieces, pieces_of
from handrail._types import Edit
from hypothesis import given, note


def applied(text, edits):
    for edit in reversed(edits):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


def made(text, pieces):
    """Check that pieces cover a text without a gap; return what they make of it."""
    assert [start for start, _, _ in pieces] == [0, *(end for _, end, _ in pieces)][: len(pieces)]
    assert (pieces[-1][1] if pieces else 0) == len(text)
    return "".join(text[start:end] if new is None else new for start, end, new in pieces)


def edits_of(choices, text):
    ends = sorted(set(choices.several(lambda: choices.between(0, len(text)), 6)))
    spans = zip(ends[::2], ends[1::2], strict=False)
    return [Edit(start, end, choices.text("xyz", 3)) for start, end in spans]


def released(text, edits, cuts):
    """Yield the pieces of a text release by release, no edit cut through."""
    at = 0
    for end in [*sorted(cut for cut in cuts if cut < len(text)), len(text)]:
        stop = next((edit.start for edit in edits if edit.start < end < edit.end), end)
        if stop >= at:
            yield list(pieces_of(at, stop, [edit for edit in edits if edit.start >= at and edit.end <= stop]))
            edits = [edit for edit in edits if edit.end > stop]
            at = stop


def cuts(choices):
    return choices.several(lambda: choices.between(0, 30), 5)


@thorough
@given(entropy)
def test_stages_together_make_what_they_make_one_after_the_other(choices):
    text = choices.text("abc", 12)
    first = edits_of(choices, text)
    between = applied(text, first)
    second = edits_of(choices, between)
    first_cuts, second_cuts = cuts(choices), cuts(choices)
    note(f"{text=} {first=} {second=} {first_cuts=} {second_cuts=}")
    composed, out, have = ComposedPieces(), [], 0
    later = list(released(between, second, second_cuts))
    for given_pieces in released(text, first, first_cuts):
        composed.give(given_pieces)
        have += sum(end - start if new is None else len(new) for start, end, new in given_pieces)
        while later and (later[0][-1][1] if later[0] else 0) <= have:
            out += composed.take(later.pop(0))
    out += composed.take((), finished=True)
    assert later == []
    assert made(text, out) == applied(between, second)


@pytest.mark.parametrize(
    ("first", "taken", "pieces"),
    [
        ([(0, 4, None)], [[(0, 4, None)]], [[(0, 4, None)]]),
        ([(0, 4, None)], [[(0, 1, None)], [(1, 3, "x"), (3, 4, None)]], [[(0, 1, None)], [(1, 3, "x"), (3, 4, None)]]),
        ([(0, 4, "[ABC]")], [[(0, 2, None)], [(2, 5, None)]], [[], [(0, 4, "[ABC]")]]),
        ([(0, 4, "[ABC]")], [[(0, 2, None), (2, 3, "x")], [(3, 5, None)]], [[], [(0, 4, "[AxC]")]]),
        ([(0, 2, "ab"), (2, 4, None)], [[(0, 1, None), (1, 3, "x")]], [[(0, 3, "ax")]]),
        ([(0, 2, None), (2, 4, "")], [[(0, 2, None)]], [[(0, 2, None), (2, 4, "")]]),
        ([(0, 2, None), (2, 4, ""), (4, 6, None)], [[(0, 4, "x")]], [[(0, 6, "x")]]),
        ([(0, 2, None)], [[(0, 0, "x")], [(0, 2, None)]], [[(0, 0, "x")], [(0, 2, None)]]),
    ],
)  # fmt: skip
def test_a_replacement_is_one_piece(first, taken, pieces):
    composed = ComposedPieces()
    composed.give(first)
    assert [composed.take(part) for part in taken] == pieces


def test_what_goes_out_before_it_was_given_waits():
    """A stage between two others may have taken in all of a replacement of which only a part has gone on so far."""
    composed = ComposedPieces()
    composed.give([(0, 2, None)])
    assert composed.take([(0, 3, None)]) == [(0, 2, None)]
    assert composed.take([(3, 4, "x")]) == []
    composed.give([(2, 5, "ab")])
    assert composed.take([]) == [(2, 5, "ax")]


def test_pieces_may_begin_in_the_middle_of_a_content():
    composed = ComposedPieces(4)
    assert composed.take([(0, 0, "x")], finished=True) == [(4, 4, "x")]


def test_what_is_put_in_stands_behind_what_was_taken_out_there_however_both_came():
    whole = ComposedPieces()
    whole.give([(0, 1, None), (1, 7, ""), (7, 9, None)])
    assert whole.take([(0, 1, None), (1, 1, "x"), (1, 3, None)]) == [
        (0, 1, None),
        (1, 7, ""),
        (7, 7, "x"),
        (7, 9, None),
    ]
    cut = ComposedPieces()
    cut.give([(0, 1, None)])
    assert cut.take([(0, 1, None), (1, 1, "x")]) == [(0, 1, None)]
    cut.give([(1, 7, ""), (7, 9, None)])
    assert cut.take([(1, 3, None)]) == [(1, 7, ""), (7, 7, "x"), (7, 9, None)]
