"""Rows as lines whose columns line up, and that a terminal does not have to break inside a word."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

_LEAST = 32  # characters; a last column that is narrower begins on a line of its own


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Write rows as lines whose columns line up."""
    return list(table(rows))


def table(rows: Iterable[Sequence[str]], *, indent: str = "", width: int | None = None) -> Iterator[str]:
    """Yield rows as lines whose columns line up.

    Args:
        rows: the cells; a row that is shorter than another ends earlier.
        indent: what each line begins with.
        width: the longest line. What exceeds it in the last column goes on below, word by word; a word, a path or a
            name that is longer than a line is not broken. None for one line a row, as programs expect it.
    """
    rows = [tuple(row) for row in rows]
    columns = max(map(len, rows), default=0)
    rows = [(*row, *("",) * (columns - len(row))) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=True)]
        line = f"{indent}{'  '.join(cells)}".rstrip()
        if width is None or len(line) <= width:
            yield line
        else:
            yield from _wrapped(f"{indent}{'  '.join([*cells[:-1], ''])}", row[-1], width, indent)


def wrapped(text: str, *, indent: str = "", width: int | None = None) -> Iterator[str]:
    """Yield a text as lines of at most this width; further lines are indented by two more spaces."""
    if width is None or len(indent) + len(text) <= width:
        yield indent + text
        return
    yield from _fill(text, indent, f"{indent}  ", width)


def terminal_width() -> int | None:
    """Return the columns of the terminal that the output goes to; None if it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _wrapped(head: str, text: str, width: int, indent: str) -> Iterator[str]:
    if width - len(head) >= _LEAST or not head.strip():
        yield from _fill(text, head, " " * len(head), width)
    else:
        yield head.rstrip()
        below = f"{indent}    "
        yield from _fill(text, below, below, width)


def _fill(text: str, first: str, further: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, len(further) + 1),
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
