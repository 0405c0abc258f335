"""Asking a window rail about one window, and handing what comes of it to the gate."""

from __future__ import annotations

import inspect
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from handrail._foreign import ENDS_A_PROGRAM
from handrail._stream.backend import cancelled_from_outside
from handrail._turn import deadline_at
from handrail._types import Verdict

if TYPE_CHECKING:
    from handrail._records import CheckRecord
    from handrail._stream.gate import Gate
    from handrail._stream.steps import Check
    from handrail._telling import Telling

logger = logging.getLogger("handrail")


def begin(gate: Gate, check: Check, now: float) -> object:
    """Call the rail; return what it returns, which for most is still to be awaited."""
    check.started_at, check.asked_at = time.time(), now
    if gate.turn.journal.telling is not None:
        return _told(gate.turn.journal.telling, check)
    return check.lane.judge(check.window, check.lane.turn)


def _told(telling: Telling, check: Check) -> object:
    """Call the rail, and let observers know of it; what they put around its work is there while it works."""
    lane = check.lane
    run = check.run = lane.plan.record(check.window.channel, check.started_at, check.window)
    telling.check_begun(run)
    if telling.surrounds_checks:
        return _told_inside(telling, run, check) if lane.plan.is_immediate else _inside(telling, run, check)
    return lane.judge(check.window, lane.turn)


def _told_inside(telling: Telling, run: CheckRecord, check: Check) -> object:
    with telling.around_check(run):
        outcome: object = check.lane.judge(check.window, check.lane.turn)
    return _inside(telling, run, check, outcome) if inspect.isawaitable(outcome) else outcome


async def _inside(telling: Telling, run: CheckRecord, check: Check, rest: Awaitable[object] | None = None) -> object:
    with telling.around_check(run):
        return await (check.lane.judge(check.window, check.lane.turn) if rest is None else rest)  # type: ignore[misc]  # the contract


def answer_at_once(gate: Gate, check: Check, clock: Callable[[], float]) -> Awaitable[object] | None:
    """Have a rail whose `check` is a plain function judge a window, here and now.

    Returns:
        What is to be awaited, if the function turns out to return something that is.
    """
    outcome: object
    try:
        outcome = begin(gate, check, clock())
    except ENDS_A_PROGRAM as exc:
        gate.answer(check, exc, now=clock())
        raise
    except BaseException as exc:  # noqa: BLE001  # the plugin boundary: whatever a rail raises becomes its failure
        outcome = exc
    if type(outcome) is not Verdict and inspect.isawaitable(outcome):
        return outcome
    gate.answer(check, outcome, now=clock())
    return None


async def ask(gate: Gate, check: Check, clock: Callable[[], float], rest: Awaitable[object] | None = None) -> None:
    """Ask a rail in the caller's own task, within its time; what comes of it reaches the gate, whatever happens.

    Args:
        gate: decides.
        check: the check.
        clock: the running loop's.
        rest: what is to be awaited, if the rail was called already.
    """
    now, timeout, outcome = clock(), check.lane.plan.timeout, None
    deadline = math.inf if timeout is None else now + timeout
    with deadline_at(deadline), anyio.CancelScope(deadline=deadline) as scope:
        check.cancel = scope.cancel
        try:
            outcome = await (begin(gate, check, now) if rest is None else rest)  # type: ignore[misc]  # the contract
        except ENDS_A_PROGRAM as exc:
            gate.answer(check, exc, now=clock())
            raise
        except BaseException as exc:  # the plugin boundary: whatever a rail raises becomes its failure
            if (
                isinstance(exc, anyio.get_cancelled_exc_class())
                and not scope.cancel_called
                and cancelled_from_outside()
            ):
                gate.abandon()
                gate.answer(check, exc, now=clock())
                raise
            outcome = exc
    check.cancel = None
    gate.answer(check, outcome, now=clock(), timed_out=scope.cancel_called and not check.dropped)


def log_failures(gate: Gate) -> None:
    """Log the rails that have failed: one warning each, without any text of a user or a model."""
    failures = gate.step.failures
    for failure in failures:
        passes = ", and its configuration lets the text pass" if failure.passes else ""
        logger.warning(
            "rail %r failed%s: %s (%s, call %s)",
            failure.rail,
            passes,
            failure.reason,
            failure.plugin,
            gate.turn.call_id,
            extra={"failed_rail": failure.rail, "passes": failure.passes},
        )
    failures.clear()
