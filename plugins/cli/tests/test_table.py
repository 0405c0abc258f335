from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
from handrail_cli._table import aligned, table, wrapped
from handrail_cli.app import run
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.text(string.ascii_lowercase + "-/.", min_size=1, max_size=20)
TEXTS = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)


def test_columns_line_up():
    assert aligned([("a", "b", "c"), ("long", "", "x")]) == ["a     b  c", "long     x"]


def test_a_shorter_row_ends_earlier():
    assert aligned([("a", "b"), ("long", "b", "c")]) == ["a     b", "long  b  c"]
    assert aligned([]) == []


def test_without_a_width_a_row_is_one_line_however_long():
    assert aligned([("a", "word " * 100)]) == [f"a  {'word ' * 100}".rstrip()]


def test_what_does_not_fit_goes_on_below_its_column():
    rows = [("rail", "one two three four five six seven eight nine ten")]
    assert list(table(rows, indent="  ", width=40)) == [
        "  rail  one two three four five six",
        "        seven eight nine ten",
    ]


def test_a_last_column_without_room_begins_on_a_line_of_its_own():
    rows = [("a name that is rather long", "one two three four five six seven")]
    assert list(table(rows, width=40)) == ["a name that is rather long", "    one two three four five six seven"]


@given(st.lists(st.tuples(WORDS, WORDS, TEXTS), min_size=1, max_size=5), st.integers(20, 200))
def test_no_width_breaks_a_word_or_loses_one(rows: list[tuple[str, str, str]], width: int):
    lines = list(table(rows, width=width))
    assert " ".join(lines).split() == [word for row in rows for cell in row for word in cell.split()]
    assert all(len(line) <= width or len(line.split()) <= 3 for line in lines)


@given(TEXTS, st.integers(20, 200))
def test_a_wrapped_text_keeps_its_words(text: str, width: int):
    assert " ".join(wrapped(text, width=width)).split() == text.split()


@pytest.mark.parametrize("arguments", [("plugins",), ("check",)])
def test_a_terminal_is_given_no_line_to_break(
    arguments: tuple[str, ...], terminal: Callable[..., Any], configuration: Callable[..., str], own_plugin: None
):
    path = [configuration("no curse", "nothing wrong")] if arguments == ("check",) else []
    shown = terminal(*arguments, *path)
    lines = shown.rest().splitlines()
    assert len(lines) > 5
    assert [line for line in lines if len(line) > 100] == []


def test_a_pipe_is_given_one_line_a_row(capsys: pytest.CaptureFixture[str]):
    assert run(["plugins"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "rail      personal data check" in line)
    assert line.endswith("and their like.")
