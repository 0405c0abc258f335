"""Measures each check, and answers a row's checks in one order, whatever their latency.

The answer of a check waits until every check of the row that runs at the same time has been answered; then they go on
in the order of their rails and windows. So what is decided does not depend on which of two judges was quicker, and a
run that is repeated gives the same verdicts.
"""

from __future__ import annotations

import math
import time
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.lowlevel
from handrail import Journal, LLMRails, Verdict
from handrail.errors import RailTimeoutError

if TYPE_CHECKING:
    from handrail import RailPlan, RailsConfig, Registry, Turn, Window

    from handrail_eval._cache import Cache

METER: ContextVar[Meter | None] = ContextVar("handrail_eval_meter", default=None)
_MARGIN = 0.5  # seconds before a check's deadline at which it waits for others no longer
_STEPS = 4  # how often others are let go on: a check that was asked for begins within one


@dataclass(slots=True)
class Asked:
    """One check of a row: what was asked, when, and what came of it."""

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


@dataclass(slots=True)
class Meter:
    """The checks of one row.

    Attributes:
        turn: which piece of the answer came last.
    """

    turn: int = 0
    asked: list[Asked] = field(default_factory=list)
    _running: int = 0
    _answered: list[tuple[Asked, anyio.Event]] = field(default_factory=list)
    _round: deque[anyio.Event] = field(default_factory=deque)  # those that go on, one after the other
    _idle: anyio.Event | None = None

    def begin(self, plan: RailPlan, rank: int, window: Window) -> Asked:
        """Write down that a check begins."""
        asked = Asked(plan.name, rank, self.turn, (window.context_start, window.start, window.end), window.channel)
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


class MeteredRail:
    """A window rail whose checks are measured, bounded over all rows, and remembered."""

    def __init__(
        self,
        plan: RailPlan,
        rank: int,
        limit: anyio.CapacityLimiter,
        cache: Cache | None,
        timeout: float | None,
    ) -> None:
        self._plan, self._rank, self._limit, self._cache, self._timeout = plan, rank, limit, cache, timeout
        self._rail: Any = plan.rail

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window as the rail does."""
        meter = METER.get()
        if meter is None:
            return await self._ask(window, turn, None)
        asked = meter.begin(self._plan, self._rank, window)
        try:
            try:
                verdict = await self._ask(window, turn, asked)
                _note(asked, verdict)
            except Exception:  # what a rail raises waits its turn, too
                await meter.end(asked, turn)
                raise
            await meter.end(asked, turn)
        finally:
            meter.leave()
        return verdict

    async def _ask(self, window: Window, turn: Turn, asked: Asked | None) -> Verdict:
        key = self._cache.key(self._plan.name, window, turn) if self._cache is not None else ""
        if self._cache is not None and (found := self._cache.get(key)) is not None:
            verdict, seconds, calls = found
            turn.journal.llm_calls.extend(calls)
            if asked is not None:
                asked.seconds, asked.cached = seconds, True
            return verdict
        return await self._ask_anew(key, window, turn, asked)

    async def _ask_anew(self, key: str, window: Window, turn: Turn, asked: Asked | None) -> Verdict:
        journal = Journal()
        try:
            async with self._limit:
                started = anyio.current_time()
                try:
                    verdict = await self._in_time(window, replace(turn, journal=journal), asked)
                finally:
                    seconds = anyio.current_time() - started
                    if asked is not None:
                        asked.seconds = seconds
        finally:
            turn.journal.llm_calls.extend(journal.llm_calls)
        if self._cache is not None and not (asked is not None and asked.timed_out):
            self._cache.put(key, verdict, seconds, journal.llm_calls)
        return verdict

    async def _in_time(self, window: Window, turn: Turn, asked: Asked | None) -> Verdict:
        """Ask within the rail's time, which begins when the rail is asked and not when it has to wait for its turn.

        Raises:
            RailTimeoutError: the rail took too long, and the configuration does not let the text pass.
        """
        plan = self._plan
        if self._timeout is None:
            return cast("Verdict", await self._rail.check(window, turn))
        with anyio.move_on_after(self._timeout) as scope:
            return cast("Verdict", await self._rail.check(window, turn))
        if not scope.cancelled_caught:  # pragma: no cover  # what was returned or raised has left above
            raise RuntimeError("a check ended without an answer")
        if asked is not None:
            asked.timed_out = True
        if plan.allow_on_timeout:
            return Verdict.allow("did not answer in time")
        told = f"{plan.plugin}: rail {plan.name!r} did not answer within {self._timeout:g} seconds"
        raise RailTimeoutError(told, rail=plan.name, plugin=plan.plugin)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rail, name)


class ImmediateRail:
    """A window rail that answers at once, whose checks are written down."""

    def __init__(self, plan: RailPlan, rank: int) -> None:
        self._plan, self._rank, self._rail = plan, rank, plan.rail

    def check(self, window: Window, turn: Turn) -> Any:
        """Judge a window as the rail does."""
        meter, check = METER.get(), self._rail.check  # type: ignore[union-attr]  # a rail with windows has `check`
        if meter is None:
            return check(window, turn)
        asked = meter.begin(self._plan, self._rank, window)
        started = time.perf_counter()
        try:
            verdict = check(window, turn)
            _note(asked, verdict)
        finally:
            asked.seconds = time.perf_counter() - started
            meter.leave()
        return verdict

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rail, name)


class MeteredRails(LLMRails):
    """Rails whose checks are measured.

    Args:
        config: what to measure.
        registry: what is installed.
        at_once: how many checks of one rail run at once, over all rows.
        cache: answers of judges that are already known.
    """

    def __init__(
        self,
        config: RailsConfig,
        *,
        registry: Registry | None = None,
        at_once: int = 32,
        cache: Cache | None = None,
    ) -> None:
        super().__init__(config, registry=registry)
        limits: dict[str, anyio.CapacityLimiter] = {}

        def metered(plan: RailPlan, rank: int) -> RailPlan:
            if plan.is_stream_rail:
                return plan
            if plan.is_immediate:
                return replace(plan, rail=ImmediateRail(plan, rank))
            limit = limits.setdefault(plan.name, anyio.CapacityLimiter(at_once))
            if plan.allow_on_error and not plan.allow_on_timeout:  # to the engine, what is raised here is an error
                return replace(plan, rail=MeteredRail(plan, rank, limit, cache, None))
            return replace(plan, rail=MeteredRail(plan, rank, limit, cache, plan.timeout), timeout=None)

        def all_of(plans: tuple[RailPlan, ...]) -> tuple[RailPlan, ...]:
            return tuple(metered(plan, rank) for rank, plan in enumerate(plans))

        app = self._app
        self._app = replace(app, input_rails=all_of(app.input_rails), output_rails=all_of(app.output_rails))

    @property
    def has_windows(self) -> bool:
        """True if an output rail judges windows, so that there are checks to wait for."""
        return not all(plan.is_stream_rail for plan in self._app.output_rails)

    @property
    def waits(self) -> bool:
        """True if a rail takes time, so that rows are worth judging at once in one process."""
        app = self._app
        return not all(plan.is_stream_rail or plan.is_immediate for plan in (*app.input_rails, *app.output_rails))


def _note(asked: Asked, verdict: object) -> None:
    asked.decision = str(getattr(verdict, "decision", "failed"))
    asked.category = getattr(verdict, "category", None)
    asked.span = getattr(verdict, "span", None)
    score = getattr(verdict, "score", None)
    asked.score = float(score) if isinstance(score, int | float) else None
