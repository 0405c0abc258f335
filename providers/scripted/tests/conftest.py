"""A virtual clock for both event loops, so that no test waits, and a way to ask a model."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from handrail import Chunk
from trio.testing import MockClock

if TYPE_CHECKING:
    from handrail_scripted import ScriptedProvider


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock on instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None):
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    if request.param == "asyncio":
        return "asyncio", {"loop_factory": VirtualLoop}
    return "trio", {"clock": MockClock(autojump_threshold=0)}


Ask = Callable[..., Awaitable[list[Chunk]]]


@pytest.fixture
def ask() -> Ask:
    async def collect(provider: ScriptedProvider, text: str = "hello", **params: object) -> list[Chunk]:
        async with aclosing(provider.stream([{"role": "user", "content": text}], params)) as stream:
            return [chunk async for chunk in stream]

    return collect
