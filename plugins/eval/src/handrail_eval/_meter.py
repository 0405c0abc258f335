"""Measures each check, and answers a row's checks in one order, whatever their latency.

The answer of a check waits until every check of the row that runs at the same time has been answered; then they go on
in the order of their rails and windows. So what is decided does not depend on which of two judges was quicker, and a
run that is repeated gives the same verdicts.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from handrail import RailPlan, Turn, Window

METER: ContextVar[Meter | None] = ContextVar("handrail_eval_meter", default=None)
_MARGIN = 0.5  # seconds before a check's deadline at which it waits for others no longer
_STEPS = 4  # how often others are let go on: a check that was asked for begins within one


@dataclass(slots=True)
class Asked:
    """One check of a row: what was asked, when, and what came of it.

    Attributes:
        spared: True if the score of the rail before it in a cascade decided, so that this rail was not asked.
        would: what this rail would have said then, where it was asked all the same.
    """

    rail: str
    rank: int
    turn: int
    window: tuple[int, int, int]
    channel: str
    decision: str = "failed"
    category: str | None = None
    score: float | None = None
    span: tuple[int, int] | None = None
    seconds: float = 0.0
    cached: bool = False
    timed_out: bool = False
    spared: bool = False
    would: str | None = None

    def note(self, verdict: object) -> None:
        """Write down what the rail said, nonsense too."""
        self.decision = str(getattr(verdict, "decision", "failed"))
        self.category = getattr(verdict, "category", None)
        self.span = getattr(verdict, "span", None)
        score, detail = getattr(verdict, "score", None), getattr(verdict, "detail", None)
        self.score = float(score) if isinstance(score, int | float) and math.isfinite(score) else None
        self.spared = isinstance(detail, Mapping) and "when" in detail


@dataclass(slots=True)
class Meter:
    """The checks of one row.

    Attributes:
        turn: which piece of the answer came last.
        due: True if windows were made, so that checks begin; without any, there is nothing to wait for.
    """

    turn: int = 0
    due: bool = False
    asked: list[Asked] = field(default_factory=list)
    _running: int = 0
    _answered: list[tuple[Asked, anyio.Event]] = field(default_factory=list)
    _round: deque[anyio.Event] = field(default_factory=deque)  # those that go on, one after the other
    _idle: anyio.Event | None = None

    def begin(self, plan: RailPlan, rank: int, window: Window) -> Asked:
        """Write down that a check begins."""
        asked = Asked(
            plan.rail_id.text, rank, self.turn, (window.context_start, window.start, window.end), window.channel
        )
        self.asked.append(asked)
        self._running += 1
        return asked

    async def end(self, asked: Asked, turn: Turn) -> None:
        """Wait until every check that runs has been answered, and those before this one have gone on."""
        for _ in range(_STEPS):  # so that every check which was asked for together with this one has begun
            await anyio.lowlevel.checkpoint()
        entry = (asked, anyio.Event())
        self._answered.append(entry)
        self._go_on()
        limit = turn.deadline
        patience = math.inf if limit is None else limit - anyio.current_time() - _MARGIN
        try:
            with anyio.move_on_after(patience):
                await entry[1].wait()
        finally:
            if entry in self._answered:  # cancelled, or out of patience
                self._answered.remove(entry)
            if entry[1] in self._round:
                self._round.remove(entry[1])

    def leave(self) -> None:
        """Write down that a check is over, however it has ended."""
        self._running -= 1
        self._go_on()
        if self._running == 0 and self._idle is not None:
            self._idle.set()

    async def settle(self) -> None:
        """Wait until every check that the engine has asked for, and those that follow from them, is answered."""
        self.due = False
        while True:
            for _ in range(_STEPS):
                await anyio.lowlevel.checkpoint()
            if self._running == 0:
                return
            self._idle = anyio.Event()
            await self._idle.wait()

    def _go_on(self) -> None:
        """Let the next one go on, or a new round begin once all that run have been answered."""
        if not self._round and self._answered and len(self._answered) >= self._running:
            ordered = sorted(self._answered, key=lambda entry: (entry[0].window, entry[0].rank))
            self._round.extend(event for _, event in ordered)
            self._answered.clear()
        if self._round:
            self._round.popleft().set()
