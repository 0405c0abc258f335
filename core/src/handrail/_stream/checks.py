"""Runs one check of a window rail: its time limit, its errors, and whether what it said makes sense."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio

from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError, RailError, RailTimeoutError

if TYPE_CHECKING:
    from handrail._stream.lanes import Check, Lane
    from handrail._stream.pipeline import Pipeline
    from handrail._stream.plan import RailPlan
    from handrail._stream.windows import WindowStage


async def run_check(host: Pipeline, stage: WindowStage, lane: Lane, check: Check) -> None:
    """Ask the rail about one window, and hand the outcome to its stage, whatever happens."""
    plan, started = lane.plan, anyio.current_time()
    try:
        with anyio.move_on_after(plan.timeout) as scope:
            check.scope = scope
            check.verdict = _sound(await plan.rail.check(check.window, host.turn), check.window, plan)  # type: ignore[union-attr]  # a plan with a strategy has `check`
        if not check.done:
            _time_out(host, plan, check)
    except anyio.get_cancelled_exc_class():
        raise
    except (KeyboardInterrupt, SystemExit) as exc:
        _fail(host, plan, check, exc)
        raise
    except BaseException as exc:  # noqa: BLE001  # the plugin boundary: whatever a rail raises becomes its failure
        _fail(host, plan, check, exc)
    finally:
        if not check.done:  # cancelled from within the rail, or with the stream: never a pass
            check.failure = RailError(f"{plan.plugin}: cancelled", rail=plan.name, plugin=plan.plugin)
        _record(host, check, anyio.current_time() - started)
        stage.resolve(lane, check)


def _sound(verdict: object, window: Window, plan: RailPlan) -> Verdict:
    """Give the verdict if it makes sense. A block is a block, whatever else is wrong with it."""
    if type(verdict) is not Verdict:
        raise PluginContractError(f"check() returned {verdict!r}; it must return a Verdict")
    if verdict.decision == "allow":
        return verdict
    if verdict.decision == "block":
        return _sound_block(verdict, window, plan)
    if verdict.decision != "rewrite":
        raise PluginContractError(f"check() returned the decision {verdict.decision!r}; use allow, block or rewrite")
    if plan.stream_first:
        reason = verdict.reason or "the rail rewrites text that stream_first has delivered"
        return Verdict("block", reason, verdict.category)
    _refuse_bad_edits(verdict, window)
    return verdict


def _sound_block(verdict: Verdict, window: Window, plan: RailPlan) -> Verdict:
    span = verdict.span
    if span is None or (window.context_start <= span[0] <= span[1] <= window.end):
        return verdict
    where = f"characters {window.context_start} to {window.end}"
    note = f"{plan.plugin} gave the span {span!r}, which is outside its window, {where}"
    return Verdict("block", f"{verdict.reason} ({note})".strip(), verdict.category)


def _refuse_bad_edits(verdict: Verdict, window: Window) -> None:
    position = window.context_start
    for edit in sorted(verdict.edits, key=lambda edit: (edit.start, edit.end)):
        if not isinstance(edit, Edit) or not isinstance(edit.replacement, str):
            raise PluginContractError(f"check() returned the edit {edit!r}; it must be an Edit with a text")
        if not position <= edit.start <= edit.end <= window.end:
            raise PluginContractError(
                f"check() returned the edit {edit!r}; edits must lie apart within characters "
                f"{window.context_start} to {window.end} of the whole text"
            )
        position = edit.end


def _time_out(host: Pipeline, plan: RailPlan, check: Check) -> None:
    if check.dropped:
        return
    message = f"{plan.plugin}: rail {plan.name!r} did not answer within {plan.timeout:g} seconds"
    if plan.allow_on_timeout:
        _allow(host, plan, check, message)
    else:
        check.failure = RailTimeoutError(message, rail=plan.name, plugin=plan.plugin)


def _fail(host: Pipeline, plan: RailPlan, check: Check, exc: BaseException) -> None:
    check.verdict = None
    message = f"{plan.plugin}: rail {plan.name!r} failed: {type(exc).__name__}: {exc}"
    if plan.allow_on_error and isinstance(exc, Exception):
        _allow(host, plan, check, message)
    else:
        check.failure = RailError(message, rail=plan.name, plugin=plan.plugin)
        check.failure.__cause__ = exc


def _allow(host: Pipeline, plan: RailPlan, check: Check, message: str) -> None:
    check.verdict = Verdict.allow()
    check.run.allowed_on_error = True
    check.run.error = message
    host.log_allowed(plan, message)


def _record(host: Pipeline, check: Check, duration: float) -> None:
    run, verdict = check.run, check.verdict
    run.duration = duration
    run.finished_at = time.time()
    if check.dropped:
        run.decision = "cancelled"
    elif check.failure is not None:
        run.decision, run.error = "failed", str(check.failure)
    elif verdict is not None:
        run.decision = "failed" if run.allowed_on_error else verdict.decision
        run.reason, run.category, run.span = verdict.reason, verdict.category, verdict.span
    host.turn.journal.rail_runs.append(run)
