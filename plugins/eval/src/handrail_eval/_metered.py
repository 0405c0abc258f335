"""Rails whose checks are measured, bounded over all rows, and remembered."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from handrail import Journal, LLMRails, Verdict
from handrail.errors import RailTimeoutError

from handrail_eval._meter import METER, Asked

if TYPE_CHECKING:
    from handrail import (
        LLMCall,
        MakeStrategy,
        RailPlan,
        RailsConfig,
        Registry,
        Strategy,
        Turn,
        Window,
        WindowSession,
    )

    from handrail_eval._cache import Cache

_Ask: TypeAlias = "Callable[[Window, Turn], Awaitable[Verdict]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """How the checks of one rail are measured.

    Attributes:
        limit: how many run at once, over all rows.
        cache: answers that are already known.
        timeout: seconds that a check may take, from when the rail is asked.
        ask_all: whether a rail of a cascade is asked about windows that its condition spares it, too.
    """

    limit: anyio.CapacityLimiter
    cache: Cache | None
    timeout: float | None
    ask_all: bool


class MeteredRail:
    """A window rail whose checks are measured, bounded over all rows, and remembered."""

    def __init__(self, plan: RailPlan, rank: int, metering: Metering) -> None:
        self._plan, self._rank, self._metering = plan, rank, metering
        self._rail: Any = plan.rail

    async def check(self, window: Window, turn: Turn) -> Verdict:
        """Judge a window as the rail does."""
        return await self.measured(window, turn, self._rail.check, self._metering.cache)

    async def measured(self, window: Window, turn: Turn, ask: _Ask, cache: Cache | None) -> Verdict:
        """Judge a window by a function, and write down what came of it."""
        meter = METER.get()
        if meter is None:
            return await self._ask(window, turn, None, ask, cache)
        asked = meter.begin(self._plan, self._rank, window)
        try:
            try:
                verdict = await self._ask(window, turn, asked, ask, cache)
                asked.note(verdict)
                await self._ask_all_the_same(window, turn, asked)
            except Exception:  # what a rail raises waits its turn, too
                await meter.end(asked, turn)
                raise
            await meter.end(asked, turn)
        finally:
            meter.leave()
        return verdict

    async def _ask_all_the_same(self, window: Window, turn: Turn, asked: Asked) -> None:
        """Ask the rail behind a condition what it would have said; it counts neither as a check nor as a cost."""
        if not asked.spared or not self._metering.ask_all:
            return
        rail = self._rail.rail  # of the kernel's cascade, which alone says that a rail was spared
        try:
            async with self._metering.limit:
                with anyio.fail_after(self._metering.timeout):
                    verdict = await rail.check(window, replace(turn, journal=Journal()))
            limit, score = self._plan.threshold, verdict.score
            asked.would = "block" if None not in (limit, score) and score >= limit else str(verdict.decision)
        except Exception:  # noqa: BLE001  # whatever is wrong with it, the check itself has been answered
            asked.would = "failed"

    async def _ask(self, window: Window, turn: Turn, asked: Asked | None, ask: _Ask, cache: Cache | None) -> Verdict:
        key = cache.key(self._plan.rail_id.text, window, turn) if cache is not None else ""
        if cache is not None and (found := cache.get(key)) is not None:
            verdict, seconds, calls = found
            turn.journal.llm_calls.extend(calls)
            if asked is not None:
                asked.seconds, asked.cached = seconds, True
            return verdict
        verdict, seconds, calls = await self._ask_anew(window, turn, asked, ask)
        if cache is not None and not (asked is not None and asked.timed_out):
            cache.put(key, verdict, seconds, calls)
        return verdict

    async def _ask_anew(
        self, window: Window, turn: Turn, asked: Asked | None, ask: _Ask
    ) -> tuple[Verdict, float, list[LLMCall]]:
        journal = Journal()
        try:
            async with self._metering.limit:
                started = anyio.current_time()
                try:
                    verdict = await self._in_time(window, replace(turn, journal=journal), asked, ask)
                finally:
                    seconds = anyio.current_time() - started
                    if asked is not None:
                        asked.seconds = seconds
        finally:
            turn.journal.llm_calls.extend(journal.llm_calls)
        return verdict, seconds, journal.llm_calls

    async def _in_time(self, window: Window, turn: Turn, asked: Asked | None, ask: _Ask) -> Verdict:
        """Ask within the rail's time, which begins when the rail is asked and not when it has to wait for its turn.

        Raises:
            RailTimeoutError: the rail took too long, and the configuration does not let the text pass.
        """
        plan, timeout = self._plan, self._metering.timeout
        if timeout is None:
            return await ask(window, turn)
        with anyio.move_on_after(timeout) as scope:
            return await ask(window, turn)
        if not scope.cancelled_caught:  # pragma: no cover  # what was returned or raised has left above
            raise RuntimeError("a check ended without an answer")
        if asked is not None:
            asked.timed_out = True
        if plan.allow_on_timeout:
            return Verdict.allow("did not answer in time")
        told = f"{plan.plugin}: rail {plan.name!r} did not answer within {timeout:g} seconds"
        raise RailTimeoutError(told, rail=plan.name, plugin=plan.plugin)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rail, name)


class MeteredStatefulRail(MeteredRail):
    """A rail that judges each stream by a session of its own; what it says depends on more than the window."""

    def open(self, turn: Turn) -> MeteredSession:
        """Start a stream as the rail does."""
        return MeteredSession(self, self._rail.open(turn), turn)


class MeteredSession:
    """A session whose checks are measured."""

    def __init__(self, owner: MeteredStatefulRail, session: WindowSession, turn: Turn) -> None:
        self._owner, self._session, self._turn = owner, session, turn

    async def check(self, window: Window) -> Verdict:
        """Judge a window as the session does."""
        return await self._owner.measured(window, self._turn, self._ask, None)

    async def _ask(self, window: Window, _turn: Turn) -> Verdict:
        return await self._session.check(window)


class NotedStrategy:
    """A strategy whose windows are noted, for each of them begins a check."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self.feed, self.finish = strategy.feed, strategy.finish

    def window(self) -> Window | None:
        """Return the next window of the strategy."""
        made = self._strategy.window()
        if made is not None and (meter := METER.get()) is not None:
            meter.due = True
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)


def noted(make_strategy: MakeStrategy) -> MakeStrategy:
    """Return what makes the same strategies, whose windows are noted."""
    return lambda: NotedStrategy(make_strategy())


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
            asked.note(verdict)
        finally:
            asked.seconds = time.perf_counter() - started
            meter.leave()
        return verdict

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rail, name)


class MeteredRails(LLMRails):
    """Rails whose checks are measured. Observers of the configuration are left out: nothing happens to anybody.

    Args:
        config: what to measure.
        registry: what is installed.
        at_once: how many checks of one rail run at once, over all rows.
        cache: answers of judges that are already known.
        ask_all: whether judges of cascades are asked about windows that their conditions spare them, too.
    """

    def __init__(
        self,
        config: RailsConfig,
        *,
        registry: Registry | None = None,
        at_once: int = 32,
        cache: Cache | None = None,
        ask_all: bool = False,
    ) -> None:
        super().__init__(config.model_copy(update={"observers": {}}), registry=registry)
        limits: dict[str, anyio.CapacityLimiter] = {}

        def metered(plan: RailPlan, rank: int) -> RailPlan:
            if plan.is_stream_rail:
                return plan
            if plan.make_strategy is not None:
                plan = replace(plan, make_strategy=noted(plan.make_strategy))
            if plan.is_immediate:
                return replace(plan, rail=ImmediateRail(plan, rank))
            # To the engine, what is raised here is an error: then its own time limit is the one that knows.
            timeout = None if plan.allow_on_error and not plan.allow_on_timeout else plan.timeout
            limit = limits.setdefault(plan.rail_id.text, anyio.CapacityLimiter(at_once))
            kind = MeteredStatefulRail if plan.is_stateful else MeteredRail
            metering = Metering(limit=limit, cache=cache, timeout=timeout, ask_all=ask_all)
            rail = kind(plan, rank, metering)
            return replace(plan, rail=rail) if timeout is None else replace(plan, rail=rail, timeout=None)

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
