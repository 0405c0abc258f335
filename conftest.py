"""For every test: the loggers are afterwards as they were, for commands that run in this process set them up anew."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest

_OURS = ("handrail", "nemoguardrails", "uvicorn")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Run a test, and put the loggers back."""
    loggers = [logging.getLogger(name) for name in _OURS]
    before = [(log.handlers[:], log.level, log.propagate) for log in loggers]
    try:
        return (yield)
    finally:
        for log, (handlers, level, propagate) in zip(loggers, before, strict=True):
            log.handlers[:] = handlers
            log.setLevel(level)
            log.propagate = propagate
