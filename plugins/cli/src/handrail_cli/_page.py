"""The part of an answer that stands on a terminal's screen: breaks lines between words, and can take text back."""

from __future__ import annotations

import re
import shutil

from rich.cells import cell_len

_RUNS = re.compile(r"\n| |[^\n ]+")


class Page:
    """Lays out text that begins in the first column. It is given piece by piece, and no piece waits for the next.

    A word that turns out to be too long for the rest of its line is taken from there and written into the next one.
    Line breaks are made of spaces, so that the layout has as many characters as the text.

    Args:
        size: columns and rows of the terminal; by default those that it has now.
    """

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self._width, self._height = size or shutil.get_terminal_size()
        self._before: list[str] = []  # the layout up to the last word, in pieces; each space and line feed is one
        self._word = ""  # the last word, as far as it has come
        self._column = 0  # where the last word begins

    @property
    def line_is_open(self) -> bool:
        """Whether the cursor is behind text."""
        return bool(self._word) or self._column > 0

    def feed(self, text: str) -> str:
        """Take the next piece; return what is to be written to the terminal."""
        return "".join(self._place(run) for run in _RUNS.findall(text))

    def erase(self, kept: int) -> str | None:
        """Take back everything after the first characters.

        Args:
            kept: how many characters stay.

        Returns:
            What is to be written to the terminal; None if the text begins above the screen, where nothing reaches it.
        """
        layout = "".join(self._before) + self._word
        if kept >= len(layout):
            return ""
        bottom, _ = _position(layout, self._width)
        row, column = _position(layout[:kept], self._width)
        if column == self._width:  # a full row: what follows it begins in the next one
            row, column = row + 1, 0
        up = bottom - row
        if up >= self._height:
            return None
        self._before, self._word, self._column = [layout[:kept]], "", column
        return "\r" + (f"\x1b[{up}A" if up > 0 else "") + (f"\x1b[{column}C" if column else "") + "\x1b[J"

    def _place(self, run: str) -> str:
        if run in {"\n", " "}:
            return self._break(run)
        word = self._word + run
        written, self._word = self._word, word
        cells = cell_len(word)
        if self._column + cells <= self._width or cells > self._width or self._before[-1:] != [" "]:
            return run
        self._before[-1] = "\n"
        back = f"\r\x1b[{self._column}C\x1b[K" if written else ""
        self._column = 0
        return f"{back}\n{word}"

    def _break(self, run: str) -> str:
        """End the last word; behind the last column, a space would only indent the next line."""
        _, column = _position(self._word, self._width, self._column)
        run = "\n" if column >= self._width else run
        self._before += (self._word, run)
        self._word, self._column = "", 0 if run == "\n" else column + 1
        return run


def _position(text: str, width: int, column: int = 0) -> tuple[int, int]:
    """Return row and column of the cursor after a text; a full row leaves it behind the last column."""
    row = 0
    for character in text:
        cells = cell_len(character)
        if character == "\n":
            row, column = row + 1, 0
        elif column + cells > width:
            row, column = row + 1, cells
        else:
            column += cells
    return row, column
