"""The log of commands that serve: lines on the error stream, without content."""

from __future__ import annotations

import logging
import sys

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send what Handrail logs from a level on to the error stream of this process, and nowhere else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("handrail")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
