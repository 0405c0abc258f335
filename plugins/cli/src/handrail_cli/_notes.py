"""Lines beside the answers, on the error stream: what stopped an answer, what went wrong, what was asked for."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_ERASE_LINE = "\r\x1b[K"
_DIM, _RESET = "\x1b[2m", "\x1b[0m"


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
        self._shows_status = False

    @property
    def has_status(self) -> bool:
        """Whether a status can be shown: only a terminal takes a line back."""
        return self._console.file.isatty() and os.environ.get("TERM") != "dumb"

    def status(self, text: str) -> None:
        """Show what is being waited for, in place of the last status, until something else is written."""
        if self.has_status:
            self.clear()
            shown = visible(text)[: self._console.width - 1]
            self._console.file.write(f"{_DIM}{shown}{_RESET}")
            self._console.file.flush()
            self._shows_status = True

    def clear(self) -> None:
        """Take the status away, and leave the cursor where it was before."""
        if self._shows_status:
            self._console.file.write(_ERASE_LINE)
            self._console.file.flush()
            self._shows_status = False

    def tagged(self, tag: str, text: str, style: str) -> None:
        """Write a line that begins with a coloured tag, which no model's text can have."""
        from rich.text import Text

        first, *rest = visible(text).split("\n")
        line = Text.assemble((f"[{tag}]", f"{style} bold"), " ", (first, style))
        for more in rest:
            line.append(f"\n  {more}", style)
        self.clear()
        self._console.print(line)

    def plain(self, text: str, style: str = "") -> None:
        """Write lines without a tag."""
        from rich.text import Text

        self.clear()
        self._console.print(Text(visible(text), style))

    def piece(self, text: str, style: str) -> None:
        """Write text that more text will follow on the same line."""
        from rich.text import Text

        self.clear()
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
