"""The log of commands that serve: lines on the error stream, without content.

Whoever started the process may not read that stream. A pipe that is full stops whoever writes to it, so a thread of its
own writes; what it cannot write in time is dropped and counted.
"""

from __future__ import annotations

import logging
import os
import select
import sys
from collections import deque
from collections.abc import Mapping
from io import UnsupportedOperation
from threading import Condition, Thread
from types import MappingProxyType

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MOST_BYTES = 1024 * 1024
"""What may wait to be written. Beyond that the oldest lines are dropped, because the last ones say how it ended."""
_AT_ONCE = 4096
"""Bytes that a pipe takes as one piece, so that lines of several processes do not get into one another."""
_LAST_SECONDS = 2.0
"""How long the end of the process waits for somebody to read the last lines."""


def log_to_stderr(level: int = logging.INFO, *, others: Mapping[str, int] = MappingProxyType({})) -> None:
    """Send what Handrail logs to the error stream of this process, and nowhere else.

    No line is waited for: a stream that nobody reads stops the log, and not the process.

    Args:
        level: the least that is shown.
        others: further loggers to send there, each with the least that is shown of it.
    """
    handler = _handler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    for name, least in {"handrail": level, **others}.items():
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(least)
        logger.propagate = False


def flush_log() -> None:
    """Wait until the log is written, for two seconds at most: for a process that a signal is about to end."""
    for handler in logging.getLogger("handrail").handlers:
        handler.flush()


def _handler() -> logging.Handler:
    try:
        return LineWriter(sys.stderr.fileno())
    except (UnsupportedOperation, AttributeError):  # what a program has put in its place, which is no file
        return logging.StreamHandler(sys.stderr)


class LineWriter(logging.Handler):
    """Writes records to a file descriptor, a line each, in a thread of its own.

    Args:
        descriptor: where to.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._changed = Condition()
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._writing = False
        self._thread: Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; if too much waits already, the oldest lines go."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001  # as every handler of the standard library has it
            self.handleError(record)
            return
        with self._changed:
            self._lines.append(line)
            self._waiting_bytes += len(line)
            while self._waiting_bytes > _MOST_BYTES:
                self._waiting_bytes -= len(self._lines.popleft())
                self._dropped += 1
            if self._thread is None or not self._thread.is_alive():  # it does not survive a fork
                self._thread = Thread(target=self._write_all, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written, for two seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._lines and not self._writing, _LAST_SECONDS)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines)
                block = self._next()
                self._writing = True
            self._write(block)

    def _next(self) -> bytes:
        """Take the lines that can be written at once; what was dropped stood before them."""
        note = f"{self._dropped} lines of the log were dropped: nobody read them in time\n" if self._dropped else ""
        self._dropped = 0
        block = note.encode("ascii")
        while self._lines and (not block or len(block) + len(self._lines[0]) <= _AT_ONCE):
            block += self._lines.popleft()
        self._waiting_bytes -= len(block) - len(note)
        return block

    def _write(self, block: bytes) -> None:
        while block:
            try:
                block = block[os.write(self._descriptor, block) :]
            except BlockingIOError:  # whoever shares the stream has set it so
                select.select([], [self._descriptor], [])
            except OSError:  # nobody can read it any more
                return
