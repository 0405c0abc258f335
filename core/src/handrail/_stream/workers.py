"""Tasks that run the checks of a window rail: their time limit, their errors, and whether what they say makes sense."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from handrail._stream.soundness import sound
from handrail._types import Verdict
from handrail.errors import RailError, RailTimeoutError

if TYPE_CHECKING:
    from handrail._stream.backend import Wake
    from handrail._stream.batch import Batch
    from handrail._stream.lanes import Check, Lane
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.pump import Pump
    from handrail._stream.windows import WindowStage


class Worker:
    """A task that runs one check after another, for as long as its lane has some: starting a task costs more."""

    __slots__ = ("_host", "_lane", "_pump", "_scope", "_stage", "_wake", "check")

    def __init__(self, pump: Pump | Batch, stage: WindowStage, lane: Lane, check: Check) -> None:
        self.check: Check | None = check
        self._pump = pump
        self._host: Pipeline = pump.pipeline
        self._stage = stage
        self._lane = lane
        self._scope = anyio.CancelScope()
        self._wake: Wake | None = None
        check.worker = self

    async def run(self) -> None:
        """Work until the stream ends, or a check had to be cancelled."""
        with self._scope:
            while True:
                if self.check is None:
                    self._wake = self._pump.new_wake()
                    await self._wake.wait()
                    self._wake = None
                elif not await self._run(self.check):
                    return

    async def run_once(self) -> None:
        """Run the one check that there is."""
        with self._scope:
            if self.check is not None:
                await self._run(self.check)

    def take(self, check: Check) -> None:
        """Take a further check; only called while the worker is idle."""
        self.check = check
        check.worker = self
        if self._wake is not None:
            self._wake.set()

    def cancel(self) -> None:
        """Cancel the check that runs."""
        self._scope.cancel()

    async def _run(self, check: Check) -> bool:
        """Ask the rail about one window, and hand the outcome to its stage, whatever happens.

        Returns:
            True if the worker can go on with another check.
        """
        plan, scope, clock = self._lane.plan, self._scope, self._pump.clock
        started = clock()
        if plan.timeout is not None:
            scope.deadline = started + plan.timeout
        try:
            check.verdict = sound(await plan.rail.check(check.window, self._host.turn), check.window, plan)  # type: ignore[union-attr]  # a rail with a strategy has `check`
        except anyio.get_cancelled_exc_class():
            raise
        except (KeyboardInterrupt, SystemExit) as exc:
            self._fail(check, exc)
            raise
        except BaseException as exc:  # noqa: BLE001  # the plugin boundary: whatever a rail raises becomes its failure
            self._fail(check, exc)
        finally:
            scope.deadline = math.inf
            self.check = None
            self._conclude(check, clock() - started)
        return not scope.cancel_called

    def _conclude(self, check: Check, duration: float) -> None:
        plan = self._lane.plan
        if self._scope.cancel_called and not check.dropped:
            self._time_out(check)
        elif not check.done:  # cancelled from within the rail, or with the stream: never a pass
            check.dropped = anyio.current_effective_deadline() == -math.inf  # with the stream
            check.failure = RailError(f"{plan.plugin}: cancelled", rail=plan.name, plugin=plan.plugin)
        elif not check.dropped:
            self._lane.idle.append(self)
        self._record(check, duration)
        self._pump.check_done()
        self._stage.resolve(self._lane, check)

    def _time_out(self, check: Check) -> None:
        plan = self._lane.plan
        check.verdict = None
        message = f"{plan.plugin}: rail {plan.name!r} did not answer within {plan.timeout:g} seconds"
        if plan.allow_on_timeout:
            self._allow(check, message)
        else:
            check.failure = RailTimeoutError(message, rail=plan.name, plugin=plan.plugin)

    def _fail(self, check: Check, exc: BaseException) -> None:
        plan = self._lane.plan
        message = f"{plan.plugin}: rail {plan.name!r} failed: {type(exc).__name__}: {exc}"
        if plan.allow_on_error and isinstance(exc, Exception):
            self._allow(check, message)
        else:
            check.failure = RailError(message, rail=plan.name, plugin=plan.plugin)
            check.failure.__cause__ = exc

    def _allow(self, check: Check, message: str) -> None:
        check.verdict = Verdict.allow()
        check.run.allowed_on_error = True
        check.run.error = message
        self._host.log_allowed(self._lane.plan, message)

    def _record(self, check: Check, duration: float) -> None:
        run, verdict = check.run, check.verdict
        run.duration = duration
        run.finished_at = run.started_at + duration
        if check.dropped:
            run.decision = "cancelled"
        elif check.failure is not None:
            run.decision, run.error = "failed", str(check.failure)
        elif verdict is not None:
            run.decision = "failed" if run.allowed_on_error else verdict.decision
            run.reason, run.category, run.span = verdict.reason, verdict.category, verdict.span
        self._host.turn.journal.rail_runs.append(run)
