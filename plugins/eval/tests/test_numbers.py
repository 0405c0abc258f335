"""The arithmetic: intervals against published values, times, and characters that leaked."""

from __future__ import annotations

import json
from pathlib import Path

import handrail_eval
import pytest
from handrail_eval._intervals import mcnemar, paired_difference, wilson
from handrail_eval._meter import Asked
from handrail_eval._pieces import pieces_of
from handrail_eval._places import delivered_spans, leaked_characters
from handrail_eval._rows import Row
from handrail_eval._timeline import timeline
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_intervals_of_newcombe_1998(hits, total, low, high):
    assert wilson(hits, total) == pytest.approx((low, high), abs=5e-5)


def test_mcnemar_is_the_binomial_test_of_pairs_that_differ():
    assert mcnemar(0, 5) == pytest.approx(2 / 2**5)
    assert mcnemar(3, 3) == 1
    assert mcnemar(0, 0) == 1
    assert mcnemar(9_800, 10_200) == pytest.approx(0.00478089, abs=1e-8)  # scipy.stats.binomtest(9800, 20000)


@given(*[st.integers(0, 200)] * 4)
def test_the_interval_of_a_difference_holds_it_and_turns_with_the_sides(both, first, second, neither):
    total = both + first + second + neither
    low, high = paired_difference(both, first, second, neither)
    if total:
        assert low - 1e-9 <= (second - first) / total <= high + 1e-9
    assert paired_difference(both, second, first, neither) == pytest.approx((-high, -low))


def check(turn, seconds, rail="judge"):
    return Asked(rail, 0, turn, (0, 0, 1), "text", seconds=seconds)


def test_text_comes_when_its_check_and_those_before_have_ended():
    found = timeline([1.0, 2.0, 3.0], [check(0, 5.0), check(1, 0.5)], [0, 1, 2], {"judge": 2}, 2)
    assert found.released == (6.0, 6.0, 6.0)
    assert found.checks == ((1.0, 6.0), (2.0, 2.5))


def test_a_check_waits_for_a_slot_of_its_rail():
    found = timeline([1.0, 2.0], [check(0, 5.0), check(1, 0.5), check(1, 1.0, "other")], [1], {"judge": 1}, 1)
    assert found.checks == ((1.0, 6.0), (6.0, 6.5), (2.0, 3.0))


def test_without_checks_text_comes_with_its_piece():
    assert timeline([1.0, 2.0], [], [0, 1], {}, 2).released == (1.0, 2.0)


def test_what_was_replaced_was_not_delivered():
    original, delivered = "write to ada@example.com today", "write to [EMAIL] today"
    assert leaked_characters(original, delivered, [(9, 24)]) == 0
    assert delivered_spans(original, "write to ada") == [(0, 12)]
    assert leaked_characters(original, "write to ada", [(9, 24)]) == 3


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_of_a_beginning_just_its_characters_leaked(text, upto, start):
    start = min(start, len(text))
    span = [(start, len(text))]
    assert leaked_characters(text, text[:upto], span) == max(0, min(upto, len(text)) - start)


@given(st.text(max_size=200), st.integers(0, 5))
def test_pieces_are_the_answer_in_order_and_the_same_again(text, seed):
    row = Row(0, "0", "x", response=text)
    pieces = pieces_of(row, seed=seed, pace=50, first=0.3)
    assert "".join(piece.chunk.text for piece in pieces) == text
    assert [piece.at for piece in pieces] == sorted(piece.at for piece in pieces)
    assert pieces == pieces_of(row, seed=seed, pace=50, first=0.3)


def test_the_rows_in_the_box_have_what_they_promise():
    file = Path(handrail_eval.__file__).with_name("box") / "rows.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 600
    assert len({row["language"] for row in rows}) == 8
    assert any(row.get("tool_calls") for row in rows)
    assert any(row.get("reasoning") for row in rows)
    assert {"look-alike", "code", "numbers", "json"} <= {row["category"] for row in rows if not row["label"]}
    for row in rows:
        assert all(0 <= start < end <= len(row["response"]) for start, end in row.get("spans", ()))
