"""A clock that does not wait: an event loop whose time jumps to the next timer as soon as nothing else can happen."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any, TypeAlias

from trio.testing import MockClock

Backend: TypeAlias = tuple[str, dict[str, Any]]


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock on instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop of asyncio on a virtual clock."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time, in seconds from 0."""
        return self._jumping.now


def virtual_backend(name: str) -> Backend:
    """Return what anyio takes as `anyio_backend`: "asyncio" or "trio", on a virtual clock."""
    if name == "asyncio":
        return name, {"loop_factory": VirtualLoop}
    return name, {"clock": MockClock(autojump_threshold=0)}
