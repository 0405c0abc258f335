"""What `--verbose` tells of an answer: its checks, its tokens, its times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import Usage

from handrail_cli._table import aligned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail_cli._answer import Answer


def detail_lines(answer: Answer) -> list[str]:
    """Write an answer's checks, tokens and times, a line each."""
    return [*aligned(_checks(answer)), *aligned(_tokens(answer)), time_line(answer)]


def time_line(answer: Answer) -> str:
    """Write how long an answer took and how many checks it needed."""
    first = "none" if answer.seconds_to_text is None else f"{answer.seconds_to_text:.2f} s"
    count = len(answer.response.rail_runs)
    return f"time    first text {first}, total {answer.seconds:.2f} s, {count} check{'s' * (count != 1)}"


def _checks(answer: Answer) -> Iterator[Sequence[str]]:
    for run in sorted(answer.response.rail_runs, key=lambda run: run.started_at):
        decision = f"{run.decision}, let pass by on_error" if run.allowed_on_error else run.decision
        if run.mode == "observe":
            decision = f"observes, would have: {run.would_have or 'let pass'}"
        milliseconds = f"{run.duration * 1000:.0f} ms"
        window = f"{run.characters} characters"
        yield "check ", run.rail, run.direction, window, decision, milliseconds, run.error or run.reason


def _tokens(answer: Answer) -> Iterator[Sequence[str]]:
    """Write the tokens of each task, over all of its requests."""
    usages: dict[tuple[str, str], list[Usage]] = {}
    for call in answer.response.llm_calls:
        usages.setdefault((call.task, f"{call.engine}/{call.model}".rstrip("/")), []).append(call.usage)
    for (task, model), each in usages.items():
        usage = sum(each, Usage())
        count = f"{len(each)} request{'s' * (len(each) != 1)}"
        sizes = f"{usage.input_tokens} in, {usage.output_tokens} out"
        yield "tokens", task, model, count, sizes, "counted here" if usage.estimated else ""
