"""The terminal of the person who chats."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LOCAL_MODES = 3  # the place of a terminal's local modes in what tcgetattr gives


@contextmanager
def echo_off() -> Iterator[None]:
    """Keep what is typed from being shown amid an answer; the next prompt has it. Does nothing without a terminal."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    quiet = [*before]
    quiet[_LOCAL_MODES] = before[_LOCAL_MODES] & ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
