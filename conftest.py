"""For every test: the loggers are afterwards as they were, for commands that run in this process set them up anew.

And the garbage collector does not look at the tests themselves, which takes longer than most of them.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Generator

import pytest

_OURS = ("handrail", "nemoguardrails", "uvicorn")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what was made of 15,000 tests: it stays until the end."""
    gc.collect()
    gc.freeze()


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
