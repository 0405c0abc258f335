"""The log of the commands: on the error stream, for the output belongs to the protocol; without content."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("handrail.mcp")


def log_to_stderr() -> None:
    """Send warnings of Handrail to the error stream."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger("handrail")
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    root.propagate = False
