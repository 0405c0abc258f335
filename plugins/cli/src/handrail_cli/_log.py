"""The log of commands that serve: lines on the error stream, without content."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import MappingProxyType

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: int = logging.INFO, *, others: Mapping[str, int] = MappingProxyType({})) -> None:
    """Send what Handrail logs to the error stream of this process, and nowhere else.

    Args:
        level: the least that is shown.
        others: further loggers to send there, each with the least that is shown of it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    for name, least in {"handrail": level, **others}.items():
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(least)
        logger.propagate = False
