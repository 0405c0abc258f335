"""A virtual clock for both event loops, so that no test waits, and a way to ask a model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from handrail import Chunk

if TYPE_CHECKING:
    from handrail_scripted import ScriptedProvider


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


Ask = Callable[..., Awaitable[list[Chunk]]]


@pytest.fixture
def ask() -> Ask:
    async def collect(provider: ScriptedProvider, text: str = "hello", **params: object) -> list[Chunk]:
        async with aclosing(provider.stream([{"role": "user", "content": text}], params)) as stream:
            return [chunk async for chunk in stream]

    return collect
