"""Does what a gate says: asks rails in tasks, within their time, and wakes whoever waits for what goes out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from handrail._foreign import ENDS_A_PROGRAM
from handrail._stream.asking import answer_at_once, begin, log_failures
from handrail._stream.backend import Wake, call_at, cancelled_from_outside, running_clock, wake_up
from handrail._turn import DEADLINE
from handrail.errors import RailError

if TYPE_CHECKING:
    from handrail._stream.gate import Gate
    from handrail._stream.reader import Pressure
    from handrail._stream.steps import Check
    from handrail._stream.tasks import Tasks

_OVERDUE = -math.inf


class Checker:
    """Runs the checks of one stream.

    Attributes:
        limit: when the program wants the stream to have ended, on the loop's clock.
        taker: what the consumer waits for.
        reading: the scope in which the provider is read.
        is_reading: False once that is over, for then there is nothing to cancel, and trying costs 15 µs.
        fatal: what a rail or the provider raised to end the program; it is the consumer's.
    """

    def __init__(self, gate: Gate, tasks: Tasks, pressure: Pressure, limit: float) -> None:
        self.limit = limit
        self.taker: Wake | None = None
        self.reading = anyio.CancelScope()
        self.is_reading = True
        self.fatal: BaseException | None = None
        self._gate = gate
        self._tasks = tasks
        self._pressure = pressure
        self._clock: Callable[[], float] = running_clock()
        self._todo: deque[tuple[Check, Awaitable[object] | None]] = deque()  # checks that wait for a worker
        self._idle: list[Wake] = []  # workers that wait for a check
        self._running: dict[Check, float] = {}  # when each must have ended
        self._timer_at = math.inf
        self._call_off: Callable[[], None] | None = None  # the timer
        self._coming = 0  # workers that were called and do not run yet
        self._begun = self._gave = self._over = False

    def do(self) -> None:
        """Do what the gate says."""
        gate, step = self._gate, self._gate.step
        while step.start:
            self._start(step.start.popleft())
        if step.failures:
            log_failures(gate)
        if step.items:
            self._give()
        if step.cancel:
            for check in step.cancel:
                if check.cancel is not None:
                    check.cancel()
            step.cancel.clear()
        if step.stop_reading:
            step.stop_reading = False
            if self.is_reading:
                self.reading.cancel()
        if gate.ended:
            self._end()

    def _give(self) -> None:
        """Wake the consumer, for there is something to take."""
        gate = self._gate
        if not self._gave:
            self._gave = True
            if gate.telling is not None:
                gate.telling.first_released(gate.step.items)
            self._pressure.let_others_go_on()
        if self.taker is not None:
            wake_up(self.taker)
            self.taker = None

    def break_off(self, error: BaseException) -> None:
        """End the stream because of what is no failure of a rail or the provider; the consumer gets it."""
        self.fatal = error
        self._gate.abandon()
        self.do()

    def _start(self, check: Check) -> None:
        if not self._begun:
            self._begun = True
            self._pressure.let_others_go_on()
        rest: Awaitable[object] | None = None
        if check.lane.plan.is_immediate:
            try:
                rest = answer_at_once(self._gate, check, self._clock)
            except ENDS_A_PROGRAM as exc:
                self.fatal = exc
            if rest is None:
                return
        self._todo.append((check, rest))
        if not self._coming:
            self._call(1)

    def _call(self, workers: int) -> None:
        """Have so many workers come; those that are on their way are among them."""
        for _ in range(workers - self._coming):
            self._coming += 1
            if self._idle:
                wake_up(self._idle.pop())
            else:
                self._tasks.start(self._work)

    async def _work(self) -> None:
        """Ask about one window after another, for starting a task costs more than waking one.

        Rails that compute answer at once, so that one worker is enough for many checks. One that comes to more checks
        than one while others run knows that answers are waited for, and calls as many workers as there are checks.
        """
        scope, todo, wake = anyio.CancelScope(), self._todo, None
        try:
            with scope:
                self._coming, has_come = self._coming - 1, True
                while not scope.cancel_called and (todo or not self._gate.ended):
                    if todo:
                        check, rest = todo.popleft()
                        if todo:
                            self._call(len(todo) if has_come and self._running else 1)
                        has_come = False
                        await self._ask(check, rest, scope)
                    else:
                        self._idle.append(wake := self._tasks.new_wake())
                        await wake
                        self._coming, has_come = self._coming - 1, True
        except Exception as exc:  # noqa: BLE001  # a fault of the engine's own: the consumer must learn of it
            self.break_off(exc)
        except BaseException:
            self._cancelled_idle(wake)
            raise
        if todo:  # the check of this worker was cancelled, and so was the worker
            self._call(1)

    def _cancelled_idle(self, wake: Wake | None) -> None:
        """Ask a worker for nothing more that is cancelled while it waits, as by a timer that a rail has left behind."""
        if wake in self._idle:
            self._idle.remove(wake)
            return
        self._coming = max(self._coming - 1, 0)  # it was one of these
        if self._todo:  # it was woken for a check that now nobody asks about
            self._abandon()
            self.do()

    async def _ask(self, check: Check, rest: Awaitable[object] | None, scope: anyio.CancelScope) -> None:
        gate, timed_out = self._gate, False
        outcome: object = None
        if check.dropped or gate.ended:
            if rest is not None:
                _close(rest)
        else:
            now, timeout = self._clock(), check.lane.plan.timeout
            check.cancel = scope.cancel
            self._watch(check, math.inf if timeout is None else now + timeout)
            try:
                outcome = await (begin(gate, check, now) if rest is None else rest)  # type: ignore[misc]  # the contract
            except ENDS_A_PROGRAM as exc:
                self.fatal = outcome = exc
            except BaseException as exc:  # noqa: BLE001  # the plugin boundary: whatever a rail raises becomes its failure
                outcome = exc
                if isinstance(exc, anyio.get_cancelled_exc_class()) and not scope.cancel_called:
                    self._leave_cancelled(scope)
            check.cancel = None
            timed_out = self._running.pop(check) == _OVERDUE
        gate.answer(check, outcome, now=self._clock(), timed_out=timed_out)
        self.do()
        self._pressure.look_again()

    def _leave_cancelled(self, scope: anyio.CancelScope) -> None:
        """Let a worker end whose check was cancelled by nobody here."""
        if cancelled_from_outside():  # the loop shuts down; a rail that cancels its own task looks the same
            self._abandon()
            scope.cancel()

    def _abandon(self) -> None:
        self._gate.error = RailError("a check was cancelled together with its task", rail="")
        self._gate.abandon()

    def _watch(self, check: Check, deadline: float) -> None:
        """Have the check cancelled when its time is over: one timer for all of a stream, set for the first of them."""
        self._running[check] = deadline
        DEADLINE.set(min(self.limit, deadline))
        if deadline < self._timer_at:
            self._set_timer(deadline)

    def _set_timer(self, when: float) -> None:
        self._stop_timer()
        if when < math.inf:
            self._timer_at, self._call_off = when, call_at(when, self._expire)

    def _stop_timer(self) -> None:
        self._timer_at = math.inf
        if self._call_off is not None:
            self._call_off()
            self._call_off = None

    def _expire(self) -> None:
        now = self._clock()
        for check in [check for check, deadline in self._running.items() if _OVERDUE < deadline <= now]:
            self._running[check] = _OVERDUE
            if check.cancel is not None:
                check.cancel()
        self._set_timer(min([deadline for deadline in self._running.values() if deadline > now], default=math.inf))

    def _end(self) -> None:
        """Have every task end: those that ask are cancelled, those that wait are woken."""
        if self._gate.telling is not None:
            self._gate.telling.look()
        if self._over:
            return
        self._over = True
        self._stop_timer()
        for check in tuple(self._running):
            if check.cancel is not None:
                check.cancel()
        self._coming += len(self._idle)
        for wake in self._idle:
            wake_up(wake)
        self._idle.clear()


def _close(awaitable: Awaitable[object]) -> None:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
