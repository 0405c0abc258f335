"""The clock of the kernel's tests, which is the test kit's, and how a property test runs on it."""

from __future__ import annotations

import asyncio

import anyio
import pytest
import trio
from handrail_testkit import VirtualLoop as VirtualLoop
from trio.testing import MockClock

FOREVER = 1e6  # virtual seconds, which pass at once where nothing else is waited for


class OnAVirtualClock:
    """Tests of a class on both event loops, whose clock does not wait; for those in which no thread works."""

    @pytest.fixture
    def anyio_backend(self, virtual_clock):
        return virtual_clock


def run(backend: str, function, *arguments):
    """Run on one of the two event loops, on a virtual clock; what would wait forever fails."""

    async def main():
        with anyio.fail_after(FOREVER):
            return await function(*arguments)

    if backend == "asyncio":
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(main())
    return trio.run(main, clock=MockClock(autojump_threshold=0))
