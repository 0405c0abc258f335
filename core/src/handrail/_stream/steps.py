"""What a gate asks of whoever drives it: checks to start and to cancel, items to deliver, whether to read on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from handrail._events import Blocked, Event, RailFailed, ReasoningDelta
from handrail._types import ToolCallDelta, Verdict, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from handrail._records import CheckRecord
    from handrail._stream.kept import StageText
    from handrail._stream.plan import Judge, RailPlan
    from handrail._turn import Turn
    from handrail.errors import RailError

NEVER = 2**62
"""More characters than any text has."""

Item: TypeAlias = str | Event
"""What the engine delivers; plain text stays a plain string, because making an event costs more than moving one."""

Stop: TypeAlias = Blocked | RailFailed


class Asker(Protocol):
    """The lane of a rail, as its checks know it.

    Attributes:
        plan: the rail.
        turn: what the rail is told of the call.
        stage: the text that it reads.
        judge: asks the rail, or the session that it opens for the stream.
        running: its checks that have not been answered.
        slots: how many of them it may have.
    """

    plan: RailPlan
    turn: Turn
    stage: StageText
    judge: Judge
    running: int
    slots: int


class Check:
    """One window that a rail is asked about, and what came of it.

    Attributes:
        lane: the rail's lane, which the gate knows it by.
        window: what the rail is shown.
        verdict, failure: one of them is set once the rail has answered.
        dropped: True if the answer no longer matters; it is still to be reported, for it frees the rail's slot.
        run: the record of the check, once it has been answered.
        started_at: when it began, in seconds since the epoch; set by the driver.
        asked_at: the same on the driver's clock.
        cancel: cancels the check while it runs; set by the driver.
    """

    __slots__ = ("asked_at", "cancel", "dropped", "failure", "lane", "run", "started_at", "verdict", "window")

    def __init__(self, lane: Asker, window: Window) -> None:
        self.lane = lane
        self.window = window
        self.verdict: Verdict | None = None
        self.failure: RailError | None = None
        self.dropped = False
        self.run: CheckRecord | None = None
        self.started_at = self.asked_at = 0.0
        self.cancel: Callable[[], None] | None = None

    @property
    def answered(self) -> bool:
        """True once the rail has answered or failed."""
        return self.verdict is not None or self.failure is not None

    @property
    def refused(self) -> bool:
        """True if the window did not pass."""
        return self.failure is not None or (self.verdict is not None and self.verdict.decision == "block")


@dataclass(frozen=True, slots=True)
class Failure:
    """A rail that could not do its work, as the log has it: without any text of a user or a model.

    Attributes:
        rail: the flow's name.
        plugin: distribution and version behind it.
        reason: the kind of failure.
        passes: True if the configuration lets the text pass all the same.
    """

    rail: str
    plugin: str
    reason: str
    passes: bool = False


class Step:
    """What is to be done after a call of the gate; the driver takes out what it has done.

    Attributes:
        items: what is delivered, in order; the consumer's own queue.
        start: checks to begin, in order.
        cancel: checks that run and no longer matter.
        stop_reading: True once nothing that the provider may still say can be delivered.
        failures: rails that failed, for the log.
    """

    __slots__ = ("cancel", "failures", "items", "start", "stop_reading")

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.start: deque[Check] = deque()
        self.cancel: list[Check] = []
        self.stop_reading = False
        self.failures: list[Failure] = []


def item_size(item: Item) -> int:
    """Return the characters that wait with an item."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, ReasoningDelta):
        return len(item.text)
    return 1 + len(item.arguments) if isinstance(item, ToolCallDelta) else 0
