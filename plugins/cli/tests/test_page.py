"""The layout on a terminal, watched on a terminal of our own that does what real ones do."""

from __future__ import annotations

import re

from handrail_cli._page import Page
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

TEXT = "The quick brown fox jumps over the lazy dog.\n\nAnd then it sleeps under a tree for a while."
_STEP = re.compile(r"\x1b\[(\d*)([ACJK])|(.)", re.DOTALL)

texts = st.text(alphabet="aabcd    \n漢", max_size=80)
sizes = st.tuples(st.integers(8, 40), st.just(200))


class Screen:
    """A terminal with columns and endless rows; a full line wraps when the next character comes."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[list[str]] = [[]]
        self.row = self.column = 0

    def write(self, text: str) -> None:
        for count, control, character in _STEP.findall(text):
            if control:
                self._control(control, int(count or 1))
            else:
                self._put(character)

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self.rows]

    def _control(self, control: str, count: int) -> None:
        if control == "A":
            self.row = max(0, self.row - count)
        elif control == "C":
            self.column = min(min(self.column, self.width - 1) + count, self.width - 1)
        else:
            del self.rows[self.row][self.column :]
            if control == "J":
                del self.rows[self.row + 1 :]

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._next_row()
        else:
            cells = cell_len(character)
            if self.column + cells > self.width:
                self._next_row()
            row = self.rows[self.row]
            row += [" "] * (self.column - len(row))
            row[self.column :] = [character, *[""] * (cells - 1)]
            self.column += cells

    def _next_row(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append([])


def shown(pieces: list[str], size: tuple[int, int]) -> tuple[Page, Screen]:
    page, screen = Page(size), Screen(size[0])
    for piece in pieces:
        screen.write(page.feed(piece))
    return page, screen


def test_lines_break_between_words():
    _, screen = shown([TEXT], (20, 24))
    assert screen.lines == [
        "The quick brown fox",
        "jumps over the lazy",
        "dog.",
        "",
        "And then it sleeps",
        "under a tree for a",
        "while.",
    ]


def test_a_word_that_comes_in_pieces_is_taken_to_the_next_line_whole():
    _, screen = shown(["one two th", "r", "ee"], (10, 24))
    assert screen.lines == ["one two", "three"]


def test_a_word_longer_than_a_line_is_left_to_the_terminal():
    _, screen = shown(["an extraordinarily long one"], (10, 24))
    assert screen.lines == ["an extraor", "dinarily", "long one"]


@settings(deadline=None)
@given(st.lists(texts, max_size=12), sizes)
def test_the_layout_of_words_that_fit_does_not_depend_on_the_pieces(pieces: list[str], size: tuple[int, int]):
    assume(all(cell_len(word) <= size[0] for word in "".join(pieces).split()))
    assert shown(list("".join(pieces)), size)[1].lines == shown(pieces, size)[1].lines


@settings(deadline=None)
@given(st.lists(texts, max_size=12), sizes)
def test_nothing_but_spaces_and_line_breaks_is_changed(pieces: list[str], size: tuple[int, int]):
    _, screen = shown(pieces, size)
    assert "".join("".join(screen.lines).split()) == "".join("".join(pieces).split())


@settings(deadline=None)
@given(st.lists(texts, max_size=8), sizes, st.data())
def test_erasing_leaves_what_was_on_the_screen_before(pieces: list[str], size: tuple[int, int], data: st.DataObject):
    text = "".join(pieces)
    kept = data.draw(st.integers(0, len(text)))
    page, screen = shown(pieces, size)
    sequence = page.erase(kept)
    assert sequence is not None
    screen.write(sequence)
    assert "".join("".join(screen.lines).split()) == "".join(text[:kept].split())
    full = shown(pieces, size)[1].lines
    *whole, last = screen.lines
    assert whole == full[: len(whole)]
    assert full[len(whole)].startswith(last) if len(whole) < len(full) else not last


@settings(deadline=None)
@given(st.lists(texts, max_size=8), sizes)
def test_whether_a_line_is_open_is_known(pieces: list[str], size: tuple[int, int]):
    page, screen = shown(pieces, size)
    assert page.line_is_open == (screen.column > 0)


def test_what_has_left_the_screen_cannot_be_erased():
    page, _ = shown([TEXT], (20, 5))
    assert page.erase(3) is None
    assert page.erase(len(TEXT) - 10) is not None


def test_erasing_nothing_leaves_a_full_row_alone():
    page, _ = shown(["a" * 12], (12, 5))
    assert page.erase(12) == ""
