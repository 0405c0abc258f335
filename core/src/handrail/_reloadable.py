"""`ReloadableRails`: an `LLMRails` that is replaced while its calls run."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio import to_thread

from handrail._rails import LLMRails
from handrail.errors import InvalidArgumentError, RailsClosedError

logger = logging.getLogger("handrail")

_TAKES = "ReloadableRails takes a function that builds an LLMRails"
_CLOSED = "this ReloadableRails is closed; make a new one"
_CLOSE_SECONDS = 5.0  # that providers and rails of what was replaced may take to close, after its last call


@dataclass(slots=True, eq=False)
class _Generation:
    """What was built once.

    Attributes:
        users: how many blocks use it now.
        retired: True once no further block may use it.
    """

    rails: LLMRails
    users: int = 0
    retired: bool = False


class ReloadableRails:
    """An `LLMRails` that can be replaced while its calls run.

    What is new is built beside what runs, and takes its place once it is complete. What was replaced goes on until the
    last block that uses it has ended, and is closed then. If what is new cannot be built, nothing changes. May be used
    from several threads and event loops.

    Args:
        build: builds the `LLMRails`, such as by reading its configuration again. Called here, and in a thread for each
            reload.
        drain: how many seconds calls that outlive the last block may still go on before they are cut.

    Raises:
        TypeError: `build` is not a function, or returns something else than an `LLMRails`.
        Exception: what `build` raises.
    """

    def __init__(self, build: Callable[[], LLMRails], *, drain: float = 2.0) -> None:
        if not callable(build):
            raise InvalidArgumentError(f"{_TAKES}, not {build!r}; write ReloadableRails(lambda: LLMRails(...))")
        self._build = build
        self._drain = drain
        self._counting = threading.Lock()  # around users, and around which generation is current
        self._building = threading.Lock()  # so that of two reloads the later one wins
        self._current = _Generation(self._built())
        self._unclosed: list[_Generation] = []  # retired, and not closed yet

    def _built(self) -> LLMRails:
        rails = self._build()
        if not isinstance(rails, LLMRails):
            raise InvalidArgumentError(f"{_TAKES}; it returned {type(rails).__name__!r}")
        return rails

    @asynccontextmanager
    async def use(self) -> AsyncGenerator[LLMRails, None]:
        """Use what is current for as long as the block lasts; it is closed after the block at the earliest.

        Raises:
            RailsClosedError: this is closed.
        """
        with self._counting:
            generation = self._current
            if generation.retired:
                raise RailsClosedError(_CLOSED)
            generation.users += 1
        try:
            yield generation.rails
        finally:
            with self._counting:
                generation.users -= 1
            await self._close_unused()

    async def reload(self) -> None:
        """Build anew, in a thread, and use that for every block that begins from now on.

        A reload that asyncio cancels still takes place; what it replaced is closed by the next reload, end of a block
        or `aclose`.

        Raises:
            Exception: what `build` raises; the old one stays.
            RailsClosedError: this is closed.
        """
        await to_thread.run_sync(self._replace)
        await self._close_unused()
        if self._current.retired:
            raise RailsClosedError(_CLOSED)

    async def aclose(self) -> None:
        """Refuse new blocks, and close what is current: here, or after the last block that still uses it."""
        with self._counting:
            if not self._current.retired:
                self._retire(self._current)
        await self._close_unused()

    def _replace(self) -> None:
        """Build, and exchange; what is not needed any more is the old one, or the new one if this is closed."""
        with self._building:
            fresh = _Generation(self._built())
            with self._counting:
                old = self._current
                if old.retired:
                    self._retire(fresh)
                    return
                self._current = fresh
                self._retire(old)

    def _retire(self, generation: _Generation) -> None:
        generation.retired = True
        self._unclosed.append(generation)

    async def _close_unused(self) -> None:
        """Close all that nobody needs any more, each once unless that is cancelled; that it fails is only logged."""
        while True:
            with self._counting:
                generation = next((one for one in self._unclosed if not one.users), None)
                if generation is None:
                    return
                self._unclosed.remove(generation)
            try:
                await self._close(generation)
            except BaseException:  # cancelled by asyncio itself, against which no scope shields
                with self._counting:
                    self._unclosed.append(generation)
                raise

    async def _close(self, generation: _Generation) -> None:
        with anyio.move_on_after(self._drain + _CLOSE_SECONDS, shield=True):
            try:
                await generation.rails.aclose(drain=self._drain)
            except Exception as exc:  # noqa: BLE001  # the plugin boundary: what is closed is not needed any more
                logger.warning("closing an LLMRails that was replaced failed: %s", type(exc).__name__)
