"""The clock of the kernel's tests, which is the test kit's, and how a property test runs on it."""

from __future__ import annotations

import asyncio

import trio
from handrail_testkit import VirtualLoop as VirtualLoop
from trio.testing import MockClock


def run(backend: str, function, *arguments):
    """Run on one of the two event loops, on a virtual clock."""
    if backend == "asyncio":
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(function(*arguments))
    return trio.run(function, *arguments, clock=MockClock(autojump_threshold=0))
