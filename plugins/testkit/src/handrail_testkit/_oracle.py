"""A window rail whose verdicts are known beforehand, to test strategies, providers and whole configurations with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from handrail import Verdict
from handrail.errors import InvalidArgumentError
from handrail.plugins import RailSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from handrail import Turn, Window


class OracleRail:
    """Blocks windows in which one of some phrases stands, and takes its time for it.

    Args:
        blocks: the phrases.
        latency: seconds that a check takes on the event loop's clock; or what gives them for a window.
        fails: phrases at which it raises instead of giving a verdict.

    Attributes:
        windows: the windows that it was asked about, in order.
        running: how many of its checks run now.
        most_running: how many have run at once.
        cancelled: how many were cancelled.
    """

    def __init__(
        self,
        blocks: Collection[str] = (),
        *,
        latency: float | Callable[[Window], float] = 0.0,
        fails: Collection[str] = (),
    ) -> None:
        for name, phrases in (("blocks", blocks), ("fails", fails)):
            fits = isinstance(phrases, list | tuple | set | frozenset)
            InvalidArgumentError.unless(fits, name, phrases, "a list of phrases")
        self.windows: list[Window] = []
        self.running = self.most_running = self.cancelled = 0
        self._blocks = tuple(blocks)
        self._fails = tuple(fails)
        self._latency = latency

    async def check(self, window: Window, turn: Turn) -> Verdict:  # noqa: ARG002
        """Wait, then say what is known.

        Raises:
            RuntimeError: the window has a phrase at which the rail is to fail.
        """
        self.windows.append(window)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await anyio.sleep(self._latency(window) if callable(self._latency) else self._latency)
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        return self._verdict(window)

    def as_plugin(self, name: str = "oracle") -> object:
        """Return a plugin that offers this very rail under a name, for `registry.with_plugins(...)`."""
        return _OraclePlugin(self, name)

    def _verdict(self, window: Window) -> Verdict:
        if found := [phrase for phrase in self._fails if phrase in window.text]:
            raise RuntimeError(f"the oracle fails at {found[0]!r}")
        for phrase in self._blocks:
            if (start := window.text.find(phrase)) >= 0:
                return Verdict.block(
                    f"it says {phrase!r}", category="oracle", span=window.span(start, start + len(phrase))
                )
        return Verdict.allow()


class _OraclePlugin:
    def __init__(self, rail: OracleRail, name: str) -> None:
        self._rail = rail
        self._name = name

    @hookimpl
    def handrail_rails(self) -> Iterator[RailSpec]:
        """Offer the rail."""
        yield RailSpec(self._name, lambda _settings, _context: self._rail, summary="A rail of a test.")
