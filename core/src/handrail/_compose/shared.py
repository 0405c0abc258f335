"""What rails and providers share within a loop, such as a connection pool: opened once, and left when all is closed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, TypeVar

import anyio

from handrail._stream.backend import Wake, ended_loop, running_loop, scheduler, spawn, wake_factory, wake_up
from handrail.errors import RailsClosedError

T = TypeVar("T")

Open: TypeAlias = Callable[[], AbstractAsyncContextManager[T]]


class Shared:
    """The shared things of one `LLMRails`, by loop and key.

    Each is entered and left by a task of its own, for what is entered may hold task groups and cancel scopes.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, Hashable], _Kept] = {}

    async def get(self, key: Hashable, open: Open[T]) -> T:  # noqa: A002  # the contract's own word
        """Return what was entered for a key on the running loop; enter it, if nothing was.

        Raises:
            Exception: what entering it raised; the next who asks tries again.
        """
        place = (id(running_loop()), key)
        kept = self._kept.get(place)
        if kept is None or kept.is_over():
            kept = self._kept[place] = _Kept(open, lambda: self._kept.pop(place, None))
        return await kept.get()  # type: ignore[no-any-return]  # whoever shares a key says what it stands for

    async def aclose(self) -> None:
        """Leave everything: what belongs to this loop at once, to another one soon, and to none that has ended."""
        kept, self._kept = list(self._kept.values()), {}
        here = running_loop()
        for one in kept:
            one.end()
        for one in kept:
            if one.loop is here:
                await one.wait_ended()


class _Kept:
    def __init__(self, open_: Open[Any], forget: Callable[[], object]) -> None:
        self.loop = running_loop()
        self.is_over = ended_loop()
        self._open = open_
        self._forget = forget
        self._soon = scheduler()
        self._new_wake = wake_factory()
        self._waiting: list[Wake] = []
        self._scope = anyio.CancelScope()
        self._value: Any = None
        self._error: BaseException | None = None
        self._is_open = self._ended = False
        self._leave: Wake = self._new_wake()
        self._task = spawn(self._keep)

    async def get(self) -> Any:
        while not (self._is_open or self._ended):
            await self._wait()
        if self._ended:
            raise self._error or RailsClosedError("the LLMRails was closed")
        return self._value

    def end(self) -> None:
        """Have it left soon; may be called in any thread."""
        self._soon(self._end_here)

    async def wait_ended(self) -> None:
        with anyio.CancelScope(shield=True):
            while not self._ended:
                await self._wait()
        if self._error is not None and self._is_open:
            raise self._error

    async def _wait(self) -> None:
        wake = self._new_wake()
        self._waiting.append(wake)
        await wake

    def _end_here(self) -> None:
        wake_up(self._leave)
        if not self._is_open:  # it may never open
            self._scope.cancel()

    async def _keep(self) -> None:
        try:
            with self._scope:
                async with self._open() as self._value:
                    self._is_open = True
                    self._wake_all()
                    await self._leave
        except Exception as exc:  # noqa: BLE001  # the plugin boundary: raised where it is asked for, or closed
            self._error = exc
        finally:
            self._ended, self._value = True, None
            self._forget()
            self._wake_all()

    def _wake_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake_up(wake)
