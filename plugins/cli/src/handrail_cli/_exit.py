"""What the process says to whoever started it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `handrail`. A refusal, a rail that failed and a model that failed are told apart."""

    OK = 0
    OUTPUT_FAILED = 1
    """The output cannot be written, such as on a full disk."""
    USAGE = 2
    """The command line, the configuration or a plugin is at fault; nothing was asked."""
    BLOCKED = 3
    """A rail refused the message or the answer."""
    RAIL_FAILED = 4
    """A rail could not do its work, so the answer was stopped."""
    MODEL_FAILED = 5
    """The model could not answer, or not to the end."""
    INTERRUPTED = 130
    """Ctrl-C."""
    OUTPUT_CLOSED = 141
    """Whoever read the output has gone."""
