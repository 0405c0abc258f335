"""What a window rail's answer amounts to: a verdict that makes sense, or a failure, which may be allowed to pass."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex

from handrail._stream.steps import Failure
from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError, RailError, RailTimeoutError, message_of

if TYPE_CHECKING:
    from handrail._records import CheckRecord, FailureKind
    from handrail._stream.plan import RailPlan
    from handrail._stream.steps import Check, Step
    from handrail._types import Channel, Span

ALLOW = Verdict.allow()

DEFERRED = Verdict("defer")  # type: ignore[arg-type]  # the kernel's own: judge the rest as a whole, at the end
"""What a rail made of a function says when it first changes a window: only the whole text tells what it would make."""


_TEXTS: Sequence[tuple[str, Any]] = (("reason", ""), ("category", None), ("message", ""))
"""Fields of a verdict that are texts, and what stands for one that is not."""


def conclude(check: Check, outcome: object, *, now: float, timed_out: bool, step: Step) -> None:
    """Write into a check what its rail answered, and how that is recorded.

    Args:
        check: the check.
        outcome: what `check` of the rail returned, or the exception that it raised.
        now: the time on the driver's clock.
        timed_out: True if the rail was cut off because its time was over.
        step: takes note of a failure, for the log.
    """
    plan, verdict = check.lane.plan, None
    error: RailError | None = None
    if outcome is ALLOW and not timed_out:
        check.verdict = ALLOW
        record(check, now)
        return
    if not isinstance(outcome, BaseException):
        try:
            verdict = sound(outcome, check.window, plan)
        except PluginContractError as exc:
            outcome = exc
    if timed_out and (verdict is None or (verdict.decision == "allow" and not plan.allow_on_timeout)):
        seconds = f"did not answer within {plan.timeout:g} seconds"
        error = RailTimeoutError(f"{plan.plugin}: rail {plan.name!r} {seconds}", rail=plan.name, plugin=plan.plugin)
        verdict = _settle_failure(check, error, seconds, passes=plan.allow_on_timeout, step=step)
    elif isinstance(outcome, BaseException):
        error, reason = rail_error(plan, outcome)
        passes = plan.allow_on_error and isinstance(outcome, Exception)
        verdict = _settle_failure(check, error, reason, passes=passes, step=step)
    check.verdict = verdict
    run = record(check, now, error)
    if plan.observes:
        run.let_pass()
        check.verdict, check.failure = ALLOW, None


def rail_error(plan: RailPlan, cause: BaseException) -> tuple[RailError, str]:
    """Return the error of a rail that raised, and the kind of failure for the log."""
    if isinstance(cause, Exception):
        shown, reason = f"failed: {type(cause).__name__}: {message_of(cause)}", type(cause).__name__
    else:
        shown = reason = f"was ended from inside by {type(cause).__name__}"
    detail = cause.detail if isinstance(cause, RailError) else None
    error = RailError(f"{plan.plugin}: rail {plan.name!r} {shown}", rail=plan.name, plugin=plan.plugin, detail=detail)
    error.__cause__ = cause
    return error, reason


def kind_of(error: BaseException) -> FailureKind:
    """Return how a rail failed."""
    cause = error.__cause__ if type(error) is RailError and error.__cause__ is not None else error
    if isinstance(cause, RailTimeoutError):
        return "timed out"
    if isinstance(cause, PluginContractError):
        return "contract"
    return "raised" if isinstance(cause, Exception) else "cancelled"


def record(check: Check, now: float, error: RailError | None = None) -> CheckRecord:
    """Make the record of a check that has ended."""
    window, verdict, run = check.window, check.verdict, check.run
    if run is None:
        run = check.run = check.lane.plan.record(window.channel, check.started_at or time.time(), window)
    if check.started_at:
        run.duration = now - check.asked_at
    run.finished_at = run.started_at + run.duration
    if verdict is ALLOW and not check.dropped and error is None:
        return run
    if error is not None:
        run.note_failure(str(error), kind_of(error))
        run.allowed_on_error, run.detail = check.failure is None, error.detail
    elif verdict is not None:
        run.note_verdict(verdict)
        run.decision = "rewrite" if verdict is DEFERRED else verdict.decision
    if check.dropped:
        run.decision = "cancelled"
    return run


def lost(plan: RailPlan, channel: Channel, exc: BaseException) -> CheckRecord:
    """Make the record of a rail that observes and that its strategy shows nothing more."""
    run = plan.record(channel, time.time())
    run.finished_at = run.started_at
    run.note_failure(f"its strategy failed: {type(exc).__name__}", kind_of(exc))
    run.let_pass()
    return run


def fail_late(check: Check, edit: Edit, cleared: int, step: Step) -> None:
    """Turn a check whose edit comes after that text has passed into a failure."""
    plan = check.lane.plan
    error = RailError(
        f"{plan.plugin}: rail {plan.name!r} rewrites characters {edit.start} to {edit.end}, but the part before "
        f"{cleared} was already released; a larger hold_size lets it see them in time",
        rail=plan.name,
        plugin=plan.plugin,
    )
    check.verdict, check.failure = None, error
    step.failures.append(Failure(plan.name, plan.plugin, "it rewrites text that has passed"))
    if check.run is not None:
        check.run.note_failure(str(error), "contract")


def _settle_failure(check: Check, error: RailError, reason: str, *, passes: bool, step: Step) -> Verdict | None:
    plan = check.lane.plan
    step.failures.append(Failure(plan.name, plan.plugin, reason, passes or plan.observes))
    if passes:
        return Verdict.allow()
    check.failure = error
    return None


def sound(verdict: object, window: Window, plan: RailPlan) -> Verdict:
    """Return the verdict if it makes sense.

    Raises:
        PluginContractError: it does not.
    """
    if not isinstance(verdict, Verdict):
        if inspect.iscoroutine(verdict) and inspect.getcoroutinestate(verdict) == inspect.CORO_CREATED:
            verdict.close()  # or else Python warns that nobody has awaited it
        raise PluginContractError(f"check() returned {_kind(verdict)}; it must return a Verdict")
    if type(verdict) is not Verdict and verdict.decision != "block":
        raise PluginContractError(f"check() returned {_kind(verdict)}; it must return a Verdict, not a subclass")
    if verdict.decision == "block":
        verdict = sound_block(verdict, plan, (window.context_start, window.end))
    else:
        _refuse_bad_values(verdict)
        verdict = _with_own_numbers(_with_texts(verdict))
    if plan.threshold is not None:
        verdict = _by_score(verdict, plan.threshold)
    if verdict.decision == "block" or (verdict.decision == "allow" and not verdict.edits):
        return verdict
    if verdict.decision == "allow":
        verdict = replace(verdict, decision="rewrite")  # whoever has edits wants them made
    return _sound_rewrite(verdict, window, plan)


def _sound_rewrite(verdict: Verdict, window: Window, plan: RailPlan) -> Verdict:
    if verdict == DEFERRED:
        verdict = DEFERRED  # one that comes from another process is a copy
    if verdict is not DEFERRED and verdict.decision != "rewrite":
        raise PluginContractError(
            f"check() returned {_kind(verdict.decision)} as decision; it must be allow, block or rewrite"
        )
    if plan.stream_first:
        reason = verdict.reason or "the rail rewrites text that stream_first has delivered"
        return Verdict("block", reason, verdict.category)
    if verdict is DEFERRED and not plan.defers:
        raise PluginContractError("check() made another text of a part of the text; register it with rewrites='whole'")
    if verdict.edits and not plan.rewrites:
        raise PluginContractError("check() returned edits, but the rail is registered with rewrites=False")
    _refuse_bad_edits(verdict, window)
    return verdict


def sound_block(verdict: Verdict, plan: RailPlan, within: tuple[int, int] | None = None) -> Verdict:
    """Return a block without what of it makes no sense, which its reason names instead: it is a block all the same.

    Args:
        verdict: the block.
        plan: the rail.
        within: the offsets between which a span may lie; None for any.
    """
    changes: dict[str, Any] = {}
    if verdict.span is not None and not _is_span(verdict.span):
        changes["a span that is no pair of whole numbers"] = {"span": None}
    elif within is not None and verdict.span is not None and not _is_within(verdict.span, within):
        changes[f"a span outside its window, characters {within[0]} to {within[1]}"] = {"span": None}
    if not _is_score(verdict.score):
        changes["a score that is no number from 0 to 1"] = {"score": None}
    if not isinstance(verdict.detail, Mapping | None):
        changes["a detail that is no mapping"] = {"detail": None}
    for name, empty in _TEXTS:
        if not isinstance(getattr(verdict, name), str | None):
            changes[f"a {name} that is no text"] = {name: empty}
    for change in changes.values():
        verdict = replace(verdict, **change)
    verdict = _with_own_numbers(verdict)
    if not changes:
        return verdict
    return replace(verdict, reason=f"{verdict.reason or ''} ({plan.plugin} gave {' and '.join(changes)})".strip())


def _refuse_bad_values(verdict: Verdict) -> None:
    """Raise unless the score is a number from 0 to 1, the detail a mapping, and the edits are some."""
    if not _is_score(verdict.score):
        shown = f"{verdict.score!r}" if isinstance(verdict.score, float) else _kind(verdict.score)
        raise PluginContractError(f"the rail returned the score {shown}; it must be a number from 0 to 1")
    if not isinstance(verdict.detail, Mapping | None):
        raise PluginContractError(f"the rail returned {_kind(verdict.detail)} as detail; it must be a mapping")
    if not isinstance(verdict.edits, tuple | list):
        raise PluginContractError(f"the rail returned {_kind(verdict.edits)} as edits; it must be a tuple")


def _with_texts(verdict: Verdict) -> Verdict:
    """Return a verdict that blocks nothing without what is told of it and is of another type than it must be."""
    if verdict.span is not None and not _is_span(verdict.span):
        verdict = replace(verdict, span=None)
    for name, empty in _TEXTS:
        if not isinstance(getattr(verdict, name), str | None):
            verdict = replace(verdict, **{name: empty})
    return verdict


def _is_score(score: object) -> bool:
    return score is None or (isinstance(score, Real) and not isinstance(score, bool) and bool(0 <= score <= 1))  # type: ignore[operator]  # whatever is real compares; not all of it is a float


def _by_score(verdict: Verdict, threshold: float) -> Verdict:
    """Return what a verdict amounts to where the configuration has a threshold; without a score it stands."""
    if verdict.score is None:
        return verdict
    if verdict.score >= threshold:
        if verdict.decision == "block":
            return verdict
        return replace(verdict, decision="block", reason=verdict.reason or "the score reaches the threshold", edits=())
    return replace(verdict, decision="allow", span=None, message="") if verdict.decision == "block" else verdict


def _kind(value: object) -> str:
    """Describe a value without showing it: it may have the text that was to be judged."""
    return "None" if value is None else f"a value of type {type(value).__name__!r}"


def _is_span(span: object) -> bool:
    return isinstance(span, tuple) and len(span) == 2 and all(map(_is_offset, span))


def _is_within(span: Span, within: Span) -> bool:
    return within[0] <= index(span[0]) <= index(span[1]) <= within[1]


def _with_own_numbers(verdict: Verdict) -> Verdict:
    """Return a verdict whose numbers are Python's own: those of other libraries cannot be written as JSON."""
    score, span = verdict.score, verdict.span
    if score is not None and not isinstance(score, int | float):
        verdict = replace(verdict, score=float(score))
    if span is not None and not all(type(offset) is int for offset in span):
        verdict = replace(verdict, span=(index(span[0]), index(span[1])))
    return verdict


def _is_offset(value: object) -> bool:
    """Return whether it is a whole number, of whatever library; a comparison's result is none."""
    return isinstance(value, SupportsIndex) and not isinstance(value, bool)


def _refuse_bad_edits(verdict: Verdict, window: Window) -> None:
    for edit in verdict.edits:
        if not isinstance(edit, Edit) or not isinstance(edit.replacement, str):
            raise PluginContractError(f"check() returned {_kind(edit)} as an edit; it must be an Edit with a text")
        if not (_is_offset(edit.start) and _is_offset(edit.end)):
            raise PluginContractError("check() returned an edit whose start and end are not whole numbers")
    position = window.context_start
    for edit in sorted(verdict.edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= window.end:
            raise PluginContractError(
                f"check() returned an edit of characters {edit.start} to {edit.end}; edits must lie apart, within "
                f"characters {window.context_start} to {window.end} of the whole text"
            )
        position = edit.end
