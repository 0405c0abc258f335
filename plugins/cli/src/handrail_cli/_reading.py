"""Reads what a person types, with line editing and history, or the lines of a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Protocol, TextIO

HISTORY_VARIABLE = "HANDRAIL_HISTORY"
_LONGEST_HISTORY = 1000  # lines
_PROMPT = "> "


class Reader(Protocol):
    """Gives one line after the other."""

    def read(self) -> str:
        """Wait for a line.

        Raises:
            EOFError: there will be no more.
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        ...

    @property
    def dropped(self) -> bool:
        """Whether Ctrl-C took away a line that was being typed."""
        ...

    def close(self) -> None:
        """Keep what is to be kept."""
        ...


class PipeReader:
    """Reads lines that nobody types."""

    dropped = False

    def __init__(self, source: TextIO | None = None) -> None:
        self._source = sys.stdin if source is None else source

    def read(self) -> str:
        """Return the next line."""
        line = self._source.readline()
        if not line:
            raise EOFError
        return line

    def close(self) -> None:
        """Nothing is kept."""


class TerminalReader:
    """Reads from the terminal. Line editing is readline's, so that it is as the person is used to.

    Args:
        history: the file that keeps lines for later; None for none. It is readable by its owner only.
    """

    def __init__(self, history: Path | None) -> None:
        self._history = history
        self._readline = _readline()
        if self._readline is not None and history is not None and history.is_file():
            try:
                self._readline.read_history_file(history)
            except OSError:  # an unreadable history is no reason not to chat
                self._history = None

    def read(self) -> str:
        """Ask for a line."""
        sys.stdout.write("\n")
        try:
            return input(_PROMPT)
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            raise

    @property
    def dropped(self) -> bool:
        """Whether something had been typed when Ctrl-C was pressed."""
        return self._readline is not None and bool(self._readline.get_line_buffer().strip())

    def close(self) -> None:
        """Write the history; where that is not possible, it is left."""
        if self._readline is None or self._history is None:
            return
        try:
            self._history.parent.mkdir(parents=True, exist_ok=True)
            self._history.touch(mode=0o600)
            self._readline.set_history_length(_LONGEST_HISTORY)
            self._readline.write_history_file(self._history)
        except OSError:
            return


def reader() -> Reader:
    """Return the reader that fits the process's input and output."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return TerminalReader(history_file())
    return PipeReader()


def history_file() -> Path | None:
    """Return where lines are kept: in the file that HANDRAIL_HISTORY names, nowhere if it is empty."""
    named = os.environ.get(HISTORY_VARIABLE)
    if named is not None:
        return Path(named).expanduser() if named else None
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "handrail" / "history"


def _readline() -> ModuleType | None:
    try:
        import readline
    except ImportError:  # Windows, whose console edits lines itself
        return None
    return readline
