"""What flows and dialogs have executed, as the log of a call has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from handrail import ActivatedRail, ExecutedAction

from handrail_colang._program import REFUSAL

if TYPE_CHECKING:
    from handrail import GenerationLog, LLMCallInfo
    from handrail.config import RailsConfig

    from handrail_colang._calls import ActionRun, CallVariables

_DIALOG, _GENERATION = "dialog", "generation"


def with_actions(log: GenerationLog, call: CallVariables, config: RailsConfig) -> GenerationLog:
    """Return a log in which rails in Colang have the actions that they executed, and dialogs are rails.

    The decisions of a rail say what it executed and whether it refused, as in a flow, beside those of its checks.

    Args:
        log: the log of the call, with its requests to models.
        call: what the call has executed.
        config: names the rails.
    """
    if log.activated_rails is None:
        return log
    texts = {
        (kind, flow.name, tuple(flow.arguments.items())): " ".join(flow.text.split())
        for kind, flows in (("input", config.input_flows), ("output", config.output_flows))
        for flow in flows
    }
    executed: dict[tuple[str, str], list[ActionRun]] = {}
    for run in call.actions:
        name = texts.get((run.kind, run.rail, tuple(run.arguments.items())), run.rail)
        executed.setdefault((run.kind, name), []).append(run)
    asked = log.llm_calls or ()
    rails = [_with_actions(rail, executed.get((rail.type, rail.name), ()), asked) for rail in log.activated_rails]
    rails += [_dialog(name, runs, asked) for (kind, name), runs in executed.items() if kind == _DIALOG]
    return replace(log, activated_rails=tuple(sorted(rails, key=lambda rail: rail.started_at)))


def _with_actions(rail: ActivatedRail, runs: Iterable[ActionRun], asked: Iterable[LLMCallInfo]) -> ActivatedRail:
    if rail.type == _GENERATION:
        return rail
    actions = tuple(_action(run, asked) for run in runs) or rail.executed_actions
    return replace(rail, executed_actions=actions, decisions=_decisions(rail, actions))


def _decisions(rail: ActivatedRail, actions: Iterable[ExecutedAction]) -> tuple[str, ...]:
    """Return what the rail decided, with the words by which existing code knows a refusal."""
    refusal = (REFUSAL,) if rail.stop and "block" in rail.decisions else ()
    executed = dict.fromkeys(f"execute {action.action_name}" for action in actions)
    return (*executed, *rail.decisions, *refusal, *(("stop",) if rail.stop else ()))


def _dialog(name: str, runs: list[ActionRun], asked: Iterable[LLMCallInfo]) -> ActivatedRail:
    return ActivatedRail(
        type=_DIALOG,
        name=name,
        decisions=tuple(f"execute {run.name}" for run in runs),
        executed_actions=tuple(_action(run, asked) for run in runs),
        reason=next((run.error for run in runs if run.error), ""),
        started_at=runs[0].started_at,
        finished_at=runs[-1].finished_at,
        duration=max(runs[-1].finished_at - runs[0].started_at, 0.0),
    )


def _action(run: ActionRun, asked: Iterable[LLMCallInfo]) -> ExecutedAction:
    own = (call for call in asked if call.task in run.tasks and run.started_at <= call.started_at <= run.finished_at)
    return ExecutedAction(
        action_name=run.name,
        action_params=dict(run.params),
        return_value=run.result,
        llm_calls=tuple(own),
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration=max(run.finished_at - run.started_at, 0.0),
    )
