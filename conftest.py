"""For every test: the loggers are afterwards as they were, for commands that run in this process set them up anew.

And what takes longer than most tests is done once: the garbage collector does not look at the tests themselves, and
what pytest makes of their modules is kept for the next time, also where Python is told to write no byte code.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Generator

import pytest

_OURS = ("handrail", "nemoguardrails", "uvicorn")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests, and keep the byte code of their modules with the assertions that pytest has rewritten."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = before


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
