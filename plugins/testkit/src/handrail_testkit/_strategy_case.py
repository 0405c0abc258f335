"""A strategy to be tested, and what the tests need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handrail import LLMRails, RailsConfig

from handrail_testkit._installed import installed
from handrail_testkit._oracle import OracleRail

if TYPE_CHECKING:
    from handrail import Registry, Strategy, Window

_ORACLE = "oracle of the test kit"


@dataclass(frozen=True, slots=True)
class StrategyCase:
    """A strategy to be tested, and what the tests need to know of it.

    Attributes:
        strategy: the strategy as `rails.output.streaming.strategy` names it.
        settings: the keys beside it.
        registry: what is installed; by default whatever is found.
    """

    strategy: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    registry: Registry | None = None

    def maker(self) -> Callable[[], Strategy]:
        """Return what makes a strategy for each stream, composed as the kernel does.

        Raises:
            ConfigurationError: the case cannot be composed.
        """
        (plan,) = self.guard(OracleRail()).composition.output_rails
        if plan.make_strategy is None:
            raise AssertionError("a window rail was composed without a strategy")
        return plan.make_strategy

    def guard(self, rail: OracleRail) -> LLMRails:
        """Return a guarded model whose only rail is asked about this strategy's windows."""
        streaming = {"enabled": True, "strategy": self.strategy, **self.settings}
        config = RailsConfig.from_content(config={"rails": {"output": {"flows": [_ORACLE], "streaming": streaming}}})
        return LLMRails(config, registry=(self.registry or installed()).with_plugins(rail.as_plugin(_ORACLE)))


@dataclass(frozen=True, slots=True)
class Cut:
    """The windows of one text.

    Attributes:
        text: the text.
        windows: the windows, in order.
        early: how many of them were made before the end of the text was known.
    """

    text: str
    windows: tuple[Window, ...]
    early: int


def cut(strategy: Strategy, pieces: Iterable[str], asked: Callable[[int], bool] = lambda _: True) -> Cut:
    """Feed a strategy, and take its windows.

    Args:
        strategy: a new one.
        pieces: what comes.
        asked: tells whether windows are taken after the nth piece; they are in any case at the end.
    """
    fed: list[str] = []
    windows: list[Window] = []
    for number, piece in enumerate(pieces):
        fed.append(piece)
        strategy.feed(piece)
        if asked(number):
            windows += take(strategy, sum(map(len, fed)))
    early = len(windows)
    strategy.finish()
    windows += take(strategy, sum(map(len, fed)))
    return Cut("".join(fed), tuple(windows), early)


def take(strategy: Strategy, most: int) -> list[Window]:
    """Take windows until there is none.

    Raises:
        AssertionError: there are more of them than characters.
    """
    windows: list[Window] = []
    while (window := strategy.window()) is not None:
        windows.append(window)
        if len(windows) > most:
            raise AssertionError(
                f"window() returned {len(windows)} windows for {most} characters; each must cover some"
            )
    return windows
