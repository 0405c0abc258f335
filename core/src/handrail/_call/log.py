"""The log of one call: which rails ran and what they decided, which models were asked, what it took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handrail._call.options import LogOptions
    from handrail._records import CheckRecord
    from handrail._turn import Journal, LLMCall
    from handrail._types import Span


@dataclass(frozen=True, slots=True)
class LLMCallInfo:
    """One request to a model; durations in seconds, times in seconds since the epoch."""

    task: str
    duration: float
    total_tokens: int
    prompt_tokens: int
    completion_tokens: int
    started_at: float
    finished_at: float
    id: str | None
    prompt: str
    completion: str
    llm_model_name: str
    llm_provider_name: str
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ExecutedAction:
    """What a rail did, with the requests to models that it made."""

    action_name: str
    action_params: dict[str, Any] = field(default_factory=dict)
    return_value: Any = None
    llm_calls: tuple[LLMCallInfo, ...] = ()
    started_at: float = 0.0
    finished_at: float = 0.0
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class ActivatedRail:
    """One rail in one call: all of its checks together.

    Attributes:
        type: "input", "output" or "generation".
        name: the flow's name.
        decisions: what each check said, in order.
        executed_actions: one for each check.
        stop: True if the rail ended the call, by a refusal or because it failed.
        reason, category, span: of the check that ended it, or else of the last that gave a reason.
        held: seconds that text waited for the rail, added up.
        started_at, finished_at: of the first and of the last check, in seconds since the epoch.
        duration: seconds from the first to the last.
    """

    type: str
    name: str
    decisions: tuple[str, ...] = ()
    executed_actions: tuple[ExecutedAction, ...] = ()
    stop: bool = False
    reason: str = ""
    category: str | None = None
    span: Span | None = None
    held: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    duration: float = 0.0
    additional_info: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class GenerationStats:
    """What a call took: seconds and tokens."""

    input_rails_duration: float = 0.0
    output_rails_duration: float = 0.0
    generation_rails_duration: float = 0.0
    total_duration: float = 0.0
    llm_calls_duration: float = 0.0
    llm_calls_count: int = 0
    llm_calls_total_prompt_tokens: int = 0
    llm_calls_total_completion_tokens: int = 0
    llm_calls_total_tokens: int = 0


@dataclass(frozen=True, slots=True)
class GenerationLog:
    """What happened in one call. A part that was not asked for is None."""

    activated_rails: tuple[ActivatedRail, ...] | None = None
    stats: GenerationStats = field(default_factory=GenerationStats)
    llm_calls: tuple[LLMCallInfo, ...] | None = None
    internal_events: tuple[dict[str, Any], ...] | None = None
    colang_history: str | None = None

    def print_summary(self) -> None:
        """Print what happened, for people at a terminal."""
        print("\n".join(summary(self)))  # noqa: T201  # what the method is for


def build_log(journal: Journal, options: LogOptions, total_duration: float) -> GenerationLog:
    """Make the log of a call from its journal."""
    calls = tuple(map(call_info, journal.llm_calls))
    rails = tuple(_activated(journal, calls))
    return GenerationLog(
        activated_rails=rails if options.activated_rails else None,
        stats=_stats(rails, calls, total_duration),
        llm_calls=calls if options.llm_calls else None,
        internal_events=tuple(_events(journal)) if options.internal_events else None,
        colang_history="" if options.colang_history else None,
    )


def call_info(call: LLMCall) -> LLMCallInfo:
    """Return a request as the log has it."""
    usage = call.usage
    return LLMCallInfo(
        call.task,
        call.duration,
        usage.total_tokens,
        usage.input_tokens,
        usage.output_tokens,
        call.started_at,
        call.finished_at,
        call.id,
        call.prompt,
        call.completion,
        call.model,
        call.engine,
        usage.estimated,
    )


def summary(log: GenerationLog) -> Iterable[str]:
    """Return a log as lines for people."""
    stats = log.stats
    yield "# General stats"
    yield f"- Total time: {stats.total_duration:.2f}s"
    for name in ("input", "generation", "output"):
        yield f"  - {name} rails: {getattr(stats, f'{name}_rails_duration'):.2f}s"
    yield f"- {calls_line(stats.llm_calls_count, stats.llm_calls_duration, stats.llm_calls_total_tokens)}"
    if log.activated_rails:
        yield "# Rails"
    for rail in log.activated_rails or ():
        outcome = f"stopped the call: {rail.reason}" if rail.stop else ", ".join(dict.fromkeys(rail.decisions))
        checks = _counted(len(rail.decisions), "check")
        yield f"- [{rail.duration:.2f}s] {rail.type} rail {rail.name!r}, {checks}: {outcome}"
    if log.llm_calls:
        yield "# LLM calls"
    for call in log.llm_calls or ():
        yield call_line(call)


def calls_line(count: int, duration: float, tokens: int) -> str:
    """Return the sum of the requests to models as a line."""
    return f"{_counted(count, 'LLM call')}, {duration:.2f} seconds, {_counted(tokens, 'token')}"


def call_line(call: LLMCallInfo) -> str:
    """Return one request as a line."""
    about = ", estimated" if call.estimated else ""
    model = f"{call.llm_provider_name}/{call.llm_model_name}"
    tokens = f"{call.prompt_tokens} + {call.completion_tokens} tokens{about}"
    return f"- [{call.duration:.2f}s] {call.task}, {model}, {tokens}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _activated(journal: Journal, calls: Sequence[LLMCallInfo]) -> Iterable[ActivatedRail]:
    runs = sorted(journal.rail_runs, key=_whose)
    grouped = [list(group) for _, group in groupby(runs, key=_whose)]
    rails = [_rail(sorted(group, key=lambda run: run.started_at), calls) for group in grouped]
    general = [call for call in calls if call.task == "general"]
    if general:
        rails.append(_generation(general))
    yield from sorted(rails, key=lambda rail: rail.started_at)


def _whose(run: CheckRecord) -> tuple[str, str]:
    return run.direction, run.rail_id.text


def _rail(runs: list[CheckRecord], calls: Sequence[LLMCallInfo]) -> ActivatedRail:
    first, last = runs[0], max(runs, key=lambda run: run.finished_at)
    stops = [run for run in runs if run.stopped]
    telling = next(iter(stops), None) or next((run for run in reversed(runs) if run.reason or run.error), first)
    task = first.rail.replace(" ", "_") + first.rail_id.text[len(first.rail) :]
    own = tuple(call for call in calls if call.task == task)
    return ActivatedRail(
        first.direction,
        first.rail_id.text,
        tuple(run.decision for run in runs),
        tuple(
            ExecutedAction(
                task, {}, run.decision, own if run is first else (), run.started_at, run.finished_at, run.duration
            )
            for run in runs
        ),
        bool(stops),
        telling.reason or telling.error or "",
        telling.category,
        telling.span,
        sum(run.held for run in runs),
        first.started_at,
        last.finished_at,
        max(last.finished_at - first.started_at, 0.0),
    )


def _generation(calls: Sequence[LLMCallInfo]) -> ActivatedRail:
    first, last = calls[0], calls[-1]
    action = ExecutedAction("generate", {}, None, tuple(calls), first.started_at, last.finished_at, last.duration)
    return ActivatedRail(
        "generation",
        "generate",
        ("generate",),
        (action,),
        started_at=first.started_at,
        finished_at=last.finished_at,
        duration=sum(call.duration for call in calls),
    )


def _stats(rails: Sequence[ActivatedRail], calls: Sequence[LLMCallInfo], total: float) -> GenerationStats:
    def span(kind: str) -> float:
        own = [rail for rail in rails if rail.type == kind]
        return max(rail.finished_at for rail in own) - min(rail.started_at for rail in own) if own else 0.0

    return GenerationStats(
        max(span("input"), 0.0),
        max(span("output"), 0.0),
        sum(rail.duration for rail in rails if rail.type == "generation"),
        total,
        sum(call.duration for call in calls),
        len(calls),
        sum(call.prompt_tokens for call in calls),
        sum(call.completion_tokens for call in calls),
        sum(call.total_tokens for call in calls),
    )


def _events(journal: Journal) -> Iterable[dict[str, Any]]:
    for run in sorted(journal.rail_runs, key=lambda run: run.started_at):
        yield {
            "type": f"{run.direction.capitalize()}RailFinished",
            "rail": run.rail_id.text,
            "decision": run.decision,
            "reason": run.reason or run.error or "",
            "duration": run.duration,
        }
