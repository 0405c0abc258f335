"""Measures calls while they happen: an observer of every configuration that is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handrail import Blocked, Observer

from handrail_server._request_id import note_call
from handrail_server._tracing import current_trace_id, is_traced

if TYPE_CHECKING:
    from handrail import CallEnded, CheckRecord, LLMCall, ObservedCall, RailFailed, RailsConfig

    from handrail_server._metrics import Metrics


def measuring(metrics: Metrics, name: str, config: RailsConfig) -> Measuring:
    """Return what measures a configuration; with exemplars where there are traces."""
    return (MeasuringTraced if is_traced() or "otel" in config.observers else Measuring)(metrics, name)


class Measuring(Observer):
    """Counts what one configuration does.

    Args:
        metrics: where.
        config: the configuration's name, as the metrics have it.
    """

    def __init__(self, metrics: Metrics, config: str) -> None:
        self._metrics = metrics
        self._config = config
        self._traces: dict[str, str] = {}  # ids of traces, by call
        self._rails: set[str] = set()

    def call_begun(self, call: ObservedCall) -> None:
        """Have the access log name the call, by which a record of decisions and traces know it."""
        note_call(call.call_id)

    def check_ended(self, call: ObservedCall, check: CheckRecord) -> None:
        """Count a check; one of a rail that observes also by what it would have done."""
        metrics, trace_id = self._metrics, self._trace_of(call)
        if check.rail not in self._rails:  # an alert sees a series grow, and not begin
            self._rails.add(check.rail)
            metrics.rails.failures.add(check.rail, value=0)
        metrics.rails.checks.add(check.rail, check.direction, check.decision, trace_id=trace_id)
        metrics.rails.check_seconds.observe(check.duration, check.rail, trace_id=trace_id)
        if check.would_have is not None:
            metrics.rails.would_have.add(check.rail, check.direction, check.would_have, trace_id=trace_id)

    def model_answered(self, call: ObservedCall, request: LLMCall) -> None:
        """Count the tokens and the price of a request, a judge's too, and for whom it was."""
        metrics, usage, key = self._metrics, request.usage, call.caller
        labels = (self._config, request.model or request.engine, request.task)
        metrics.models.seconds.observe(request.duration, *labels, trace_id=self._trace_of(call))
        for direction, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            metrics.models.tokens.add(direction, *labels, value=tokens)
            if key is not None:
                metrics.tenants.tokens.add(key, self._config, direction, value=tokens)
        if request.price is None or (cost := request.cost) is None:
            return
        currency = request.price.currency
        metrics.models.costs.add(*labels, currency, value=cost)
        if key is not None:
            metrics.tenants.costs.add(key, self._config, currency, value=cost)

    def stopped(self, call: ObservedCall, stop: Blocked | RailFailed) -> None:
        """Count a refusal, or a rail that could not do its work."""
        if isinstance(stop, Blocked):
            self._metrics.rails.blocks.add(stop.rail, stop.direction, trace_id=self._trace_of(call))
        else:
            self._metrics.rails.failures.add(stop.rail, trace_id=self._trace_of(call))

    def call_ended(self, call: ObservedCall, ended: CallEnded) -> None:
        """Count a call, and how long its text was held; known at its end."""
        metrics, trace_id = self._metrics, self._trace_of(call)
        self._traces.pop(call.call_id, None)
        metrics.calls.add(self._config, call.kind, ended.outcome, trace_id=trace_id)
        if ended.checks:
            metrics.rails.held.observe(sum(check.held for check in ended.checks), trace_id=trace_id)

    def _trace_of(self, call: ObservedCall) -> str:
        return self._traces.get(call.call_id, "")


class MeasuringTraced(Measuring):
    """Notes to which trace each call belongs: to the caller's, or else to that in which its model is asked."""

    def call_begun(self, call: ObservedCall) -> None:
        """Note the caller's trace."""
        super().call_begun(call)
        self._note(call)

    @contextmanager
    def around_model(self, call: ObservedCall, request: LLMCall) -> Iterator[None]:  # noqa: ARG002  # the interface
        """Note the trace that another observer has begun."""
        self._note(call)
        yield

    def _note(self, call: ObservedCall) -> None:
        if trace_id := current_trace_id():
            self._traces[call.call_id] = trace_id
