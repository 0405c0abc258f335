"""What a configuration compiles to: rails that are built, with everything the engine must know of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from handrail._events import Blocked
from handrail._protocols import Strategy, StreamRail, WindowRail
from handrail._stream.whole import Whole
from handrail._types import Channel, Verdict

MakeStrategy: TypeAlias = Callable[[], Strategy]


@dataclass(frozen=True, slots=True)
class RailPlan:
    """One rail of a flow list.

    Attributes:
        name: the flow's name as the configuration has it.
        plugin: distribution and version behind it, for errors.
        rail: the built rail.
        direction: the list in which it stands.
        channels: the channels it guards.
        make_strategy: builds the strategy of a window rail for one stream.
        strategy_plugin: distribution and version behind the strategy, for errors.
        stream_first: True if text does not wait for this rail, and a block retracts.
        max_concurrency: how many of its checks may run at once in one stream.
        timeout: seconds that a check may take; None for no limit.
        allow_on_error, allow_on_timeout: True if the text passes when the rail fails.
        is_stream_rail: True if the rail keeps a session for each stream instead of judging windows.
    """

    name: str
    plugin: str
    rail: WindowRail | StreamRail
    direction: Literal["input", "output"] = "output"
    channels: tuple[Channel, ...] = ("text",)
    make_strategy: MakeStrategy | None = None
    strategy_plugin: str = ""
    stream_first: bool = False
    max_concurrency: int = 8
    timeout: float | None = 30.0
    allow_on_error: bool = False
    allow_on_timeout: bool = False
    is_stream_rail: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_stream_rail", callable(getattr(self.rail, "open", None)))

    def blocked(self, verdict: Verdict, channel: Channel) -> Blocked:
        """Give the event of this rail's refusal."""
        return Blocked(
            self.name, self.direction, verdict.reason, verdict.category, verdict.span, channel, verdict.message
        )

    def for_whole_text(self) -> RailPlan:
        """Give the same rail with one window of everything in place of its strategy."""
        return self if self.is_stream_rail else replace(self, make_strategy=Whole, stream_first=False)

    def for_message(self) -> RailPlan:
        """Give the same rail for a user's message: it reads the text, whatever it looks at in an answer."""
        return replace(self.for_whole_text(), channels=("text",))


StagePlan: TypeAlias = tuple[RailPlan, ...]
"""Rails that see the same text: a single stream rail, or window rails that run beside one another."""


def stage_plans(rails: tuple[RailPlan, ...], *, parallel: bool) -> tuple[StagePlan, ...]:
    """Group the rails of a flow list: with `parallel`, neighbouring window rails share a stage."""
    stages: list[list[RailPlan]] = []
    for rail in rails:
        joins = parallel and stages and not rail.is_stream_rail and not stages[-1][-1].is_stream_rail
        if joins:
            stages[-1].append(rail)
        else:
            stages.append([rail])
    return tuple(map(tuple, stages))
