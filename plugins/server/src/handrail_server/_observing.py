"""Measures calls while they happen: an observer of every configuration that is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail import Blocked, Observer

if TYPE_CHECKING:
    from handrail import CallEnded, CheckRecord, LLMCall, ObservedCall, RailFailed

    from handrail_server._metrics import Metrics


class Measuring(Observer):
    """Counts what one configuration does.

    Args:
        metrics: where.
        config: the configuration's name, as the metrics have it.
    """

    def __init__(self, metrics: Metrics, config: str) -> None:
        self._metrics = metrics
        self._config = config

    def check_ended(self, call: ObservedCall, check: CheckRecord) -> None:  # noqa: ARG002  # the interface
        """Count a check; one of a rail that observes also by what it would have done."""
        metrics = self._metrics
        metrics.checks.add(check.rail, check.direction, check.decision)
        metrics.check_seconds.observe(check.duration, check.rail)
        if check.would_have is not None:
            metrics.would_have.add(check.rail, check.direction, check.would_have)

    def model_answered(self, call: ObservedCall, request: LLMCall) -> None:  # noqa: ARG002  # the interface
        """Count the tokens of a request, a judge's too."""
        metrics, usage = self._metrics, request.usage
        labels = (self._config, request.model or request.engine, request.task)
        metrics.tokens.add("input", *labels, value=usage.input_tokens)
        metrics.tokens.add("output", *labels, value=usage.output_tokens)
        metrics.model_seconds.observe(request.duration, *labels)

    def stopped(self, call: ObservedCall, stop: Blocked | RailFailed) -> None:  # noqa: ARG002  # the interface
        """Count a refusal, or a rail that could not do its work."""
        if isinstance(stop, Blocked):
            self._metrics.blocks.add(stop.rail, stop.direction)
        else:
            self._metrics.rail_failures.add(stop.rail)

    def call_ended(self, call: ObservedCall, ended: CallEnded) -> None:
        """Count a call, and how long its text was held; known at its end."""
        metrics = self._metrics
        metrics.calls.add(self._config, call.kind, ended.outcome)
        if ended.checks:
            metrics.held.observe(sum(check.held for check in ended.checks))
