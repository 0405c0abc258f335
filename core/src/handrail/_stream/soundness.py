"""Whether what a window rail returned makes sense: nonsense is a failure, and a block is a block all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handrail._types import Edit, Verdict, Window
from handrail.errors import PluginContractError

if TYPE_CHECKING:
    from handrail._stream.plan import RailPlan


def sound(verdict: object, window: Window, plan: RailPlan) -> Verdict:
    """Give the verdict if it makes sense.

    Raises:
        PluginContractError: it does not.
    """
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
    if span is None or _is_within(span, window):
        return verdict
    where = f"characters {window.context_start} to {window.end}"
    note = f"{plan.plugin} gave the span {span!r}, which is outside its window, {where}"
    return replace(verdict, reason=f"{verdict.reason} ({note})".strip(), span=None)


def _is_within(span: object, window: Window) -> bool:
    if not isinstance(span, tuple) or len(span) != 2 or not all(isinstance(offset, int) for offset in span):
        return False
    return bool(window.context_start <= span[0] <= span[1] <= window.end)


def _refuse_bad_edits(verdict: Verdict, window: Window) -> None:
    for edit in verdict.edits:
        if not isinstance(edit, Edit) or not isinstance(edit.replacement, str):
            raise PluginContractError(f"check() returned the edit {edit!r}; it must be an Edit with a text")
    position = window.context_start
    for edit in sorted(verdict.edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= window.end:
            raise PluginContractError(
                f"check() returned the edit {edit!r}; edits must lie apart, within characters "
                f"{window.context_start} to {window.end} of the whole text"
            )
        position = edit.end
