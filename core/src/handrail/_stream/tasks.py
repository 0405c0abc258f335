"""Tasks of one stream, which belong to the running loop: the one place where a task lives outside a `with` of its user.

Whoever takes from a stream may break out of a loop, be cancelled, forget it, or close it in another task. So its tasks
are a matter of its own: a task of the loop on asyncio, a system task on trio, ended in each of these cases.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

import anyio

from handrail._stream.backend import AsyncFunction, Wake, spawn, wake_factory, wake_up

if TYPE_CHECKING:
    from collections.abc import Callable

_inside: ContextVar[tuple[Tasks, ...]] = ContextVar("handrail_tasks", default=())


class Tasks:
    """What runs for one stream.

    Attributes:
        when_done: called whenever the last task has ended, if anything is to be.
        new_wake: makes wake-ups on the running loop.
        waiting: wake-ups that are set when the last task has ended.
    """

    def __init__(self, when_done: Callable[[], None] | None = None) -> None:
        self.when_done = when_done
        self.new_wake: Callable[[], Wake] = wake_factory()
        self._running: dict[object, object] = {}  # the loop keeps only weak references to its tasks
        self.waiting: list[Wake] = []

    @property
    def are_done(self) -> bool:
        """True while none runs."""
        return not self._running

    def start(self, function: AsyncFunction) -> None:
        """Run a function as a task; it raises nothing but cancellation."""
        key = object()

        async def run() -> None:
            _inside.set((*_inside.get(), self))
            try:
                await function()
            finally:
                del self._running[key]
                if not self._running:
                    if self.when_done is not None:
                        self.when_done()
                    self._wake_all()

        self._running[key] = None
        self._running[key] = spawn(run)

    @property
    def are_inside(self) -> bool:
        """True for code that one of the tasks runs."""
        return self in _inside.get()

    async def wait_done(self) -> None:
        """Wait for the last task to end, also while the caller is being cancelled."""
        while self._running:
            wake = self.new_wake()
            self.waiting.append(wake)
            with anyio.CancelScope(shield=True):
                await wake

    def _wake_all(self) -> None:
        for wake in self.waiting:
            wake_up(wake)
        self.waiting.clear()
