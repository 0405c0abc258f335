"""Lines beside the answers, on the error stream: what stopped an answer, what went wrong, what was asked for."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console


def notes_console(file: TextIO | None = None) -> Console:
    """Make a console that takes text as it is: no markup, no emoji names, and line breaks only for a terminal."""
    from rich.console import Console

    console = Console(file=file, stderr=file is None, markup=False, emoji=False, highlight=False)
    console.soft_wrap = not console.is_terminal
    return console


class Notes:
    """Writes lines for a person, each with a tag that says what it is.

    Args:
        console: where to write; the process's error stream by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or notes_console()

    def tagged(self, tag: str, text: str, style: str) -> None:
        """Write a line that begins with a coloured tag, which no model's text can have."""
        from rich.text import Text

        first, *rest = visible(text).split("\n")
        line = Text.assemble((f"[{tag}]", f"{style} bold"), " ", (first, style))
        for more in rest:
            line.append(f"\n  {more}", style)
        self._console.print(line)

    def plain(self, text: str, style: str = "") -> None:
        """Write lines without a tag."""
        from rich.text import Text

        self._console.print(Text(visible(text), style))

    def piece(self, text: str, style: str) -> None:
        """Write text that more text will follow on the same line."""
        from rich.text import Text

        self._console.print(Text(visible(text), style), end="", soft_wrap=True)


class _NotesHandler(logging.Handler):
    """Shows what Handrail logs, made harmless for a terminal: a log line may quote a model."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, unless it is of a rail's failure that stops the answer: that is shown as its end."""
        if getattr(record, "failed_rail", None) is not None and not getattr(record, "passes", False):
            return
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        self._notes.tagged(record.levelname.lower(), self.format(record), style)


@contextmanager
def shown_log(notes: Notes, level: int) -> Iterator[None]:
    """Show what Handrail logs from this level on, inside the `with` block."""
    logger = logging.getLogger("handrail")
    handler = _NotesHandler(notes)
    before = (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
