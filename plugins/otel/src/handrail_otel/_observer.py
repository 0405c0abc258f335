"""The observer: a span for each call, each request to a model and each check, and what is counted of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anyio import to_thread
from handrail import Blocked, Observer
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from handrail_otel import _names as names
from handrail_otel._checks import Alike, CheckSpan, Current, Inside, alike, is_inside, ns, said_by_all, span_name
from handrail_otel._contents import Contents
from handrail_otel._meters import Meters, Releases, labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from handrail import CallEnded, CheckRecord, LLMCall, ObservedCall, ObserverContext, RailFailed, Released
    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from handrail_otel._settings import OTelSettings

_MOST_WAITING = 16  # checks of a call: less than a millisecond of work
_LONGEST_WAITING = 1.0  # seconds


@dataclass(slots=True)
class _Open:
    """The spans of a call.

    Attributes:
        span, context, labels: of the call itself.
        requests, checks: those that run, by the identity of their record.
        releases: what went out.
        ended: checks whose spans are still to be made.
        shared: what checks that are `alike` have in common.
        is_recorded: whether anybody will see the spans.
    """

    span: Span
    context: Context
    labels: Mapping[str, str]
    requests: dict[int, Span] = field(default_factory=dict)
    checks: dict[int, CheckSpan] = field(default_factory=dict)
    releases: Releases = field(default_factory=Releases)
    ended: list[CheckSpan] = field(default_factory=list)
    shared: dict[tuple[object, ...], Alike] = field(default_factory=dict)
    is_recorded: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_recorded = self.span.is_recording()

    @property
    def is_due(self) -> bool:
        """Whether what waits has become much, or old."""
        first, last = self.ended[0].check, self.ended[-1].check
        return len(self.ended) >= _MOST_WAITING or last.finished_at - first.finished_at >= _LONGEST_WAITING

    def shared_by(self, check: CheckRecord) -> Alike:
        """Return what a check has in common with others."""
        if (found := self.shared.get(key := alike(check))) is None:
            found = self.shared[key] = Alike(span_name(check), said_by_all(check), labels_of(check, self.labels))
        return found


class OTel(Observer):
    """Makes spans and metrics with whatever the program has set up; without any set-up both cost next to nothing."""

    def __init__(self, settings: OTelSettings, context: ObserverContext) -> None:
        self._config = names.sendable(settings.config_name or context.base_path.resolve().name)
        self._tracer = trace.get_tracer("handrail")
        self._meters = Meters(settings, context.config, self._config)
        self._contents = Contents(settings, context)
        self._calls: dict[str, _Open] = {}

    def call_begun(self, call: ObservedCall) -> None:
        """Begin a span in the caller's context."""
        attributes: dict[str, AttributeValue] = {
            names.CALL_ID: call.call_id,
            names.KIND: call.kind,
            names.CONFIG: self._config,
        }
        if call.caller is not None:
            attributes[names.CALLER] = names.sendable(call.caller)
        if call.conversation_id is not None:
            attributes[names.CONVERSATION] = names.sendable(call.conversation_id)
        span = self._tracer.start_span(names.CALL_SPAN, attributes=attributes, start_time=ns(call.started_at))
        self._calls[call.call_id] = _Open(span, trace.set_span_in_context(span), self._meters.labels(call))

    def model_asked(self, call: ObservedCall, request: LLMCall) -> None:
        """Begin a span: in the check that asks, or else in the call."""
        if (opened := self._calls.get(call.call_id)) is None:
            return
        model = names.sendable(request.model)
        attributes: dict[str, AttributeValue] = {
            names.OPERATION: "chat",
            names.PROVIDER: request.engine,
            names.REQUEST_MODEL: model,
            names.TASK: request.task,
        }
        opened.requests[id(request)] = self._tracer.start_span(
            f"chat {model}".strip(),
            context=None if is_inside(call.call_id) else opened.context,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=ns(request.started_at),
        )

    def around_model(self, call: ObservedCall, request: LLMCall) -> AbstractContextManager[None] | None:
        """Have the request sent inside its span, so that it carries `traceparent` and baggage."""
        opened = self._calls.get(call.call_id)
        span = opened.requests.get(id(request)) if opened is not None else None
        return None if span is None else Current(span)

    def model_answered(self, call: ObservedCall, request: LLMCall) -> None:
        """End the span with what the request has cost, as far as the provider has said."""
        opened = self._calls.get(call.call_id)
        self._meters.model(self._labels(call, opened), request)
        span = opened.requests.pop(id(request), None) if opened is not None else None
        if span is None:
            return
        if span.is_recording():
            span.set_attributes(_said_of(request))
        self._contents.end(span, request)

    def around_check(self, call: ObservedCall, check: CheckRecord) -> AbstractContextManager[None] | None:
        """Have the rail work inside its span, or in that of a call of which nothing is recorded."""
        if (opened := self._calls.get(call.call_id)) is None:
            return None
        if not opened.is_recorded:
            return Current(opened.span)
        span = opened.checks.get(id(check))
        if span is None:
            span = opened.checks[id(check)] = CheckSpan(self._tracer, opened.context, check)
        return Inside(span, call.call_id)

    def check_ended(self, call: ObservedCall, check: CheckRecord) -> None:
        """Note what the rail said. What is told of it waits for others, for together they cost half as much."""
        if (opened := self._calls.get(call.call_id)) is None:
            self._meters.check(check, labels_of(check, self._meters.labels(call)))
            return
        if not opened.is_recorded:
            self._meters.check(check, opened.shared_by(check).labels)
            return
        span = opened.checks.pop(id(check), None) or CheckSpan(self._tracer, opened.context, check)
        opened.ended.append(span)
        if opened.is_due:
            self._tell(opened)

    def released(self, call: ObservedCall, released: Released) -> None:
        """Note when text goes out; each further time costs next to nothing."""
        if (opened := self._calls.get(call.call_id)) is None:
            return
        releases = opened.releases
        releases.count, releases.last_at = releases.count + 1, released.after
        if released.first:
            releases.first_at = released.after
            opened.span.add_event(names.FIRST_EVENT)

    def stopped(self, call: ObservedCall, stop: Blocked | RailFailed) -> None:
        """Note which rail ends the call; never why in words, for they may quote what was refused."""
        opened = self._calls.get(call.call_id)
        self._meters.stopped(self._labels(call, opened), stop)
        if opened is not None:
            decision = "block" if isinstance(stop, Blocked) else "failed"
            opened.span.add_event(
                names.STOP_EVENT,
                {names.RAIL: names.sendable(stop.rail), names.DIRECTION: stop.direction, names.DECISION: decision},
            )

    def call_ended(self, call: ObservedCall, ended: CallEnded) -> None:
        """End the call's span, and whatever is still open in it."""
        held = sum(check.held for check in ended.checks)
        opened = self._calls.pop(call.call_id, None)
        releases = opened.releases if opened is not None else Releases()
        self._meters.call(self._labels(call, opened), ended, held, releases)
        if opened is None:
            return
        self._tell(opened)
        for span in opened.requests.values():
            span.end()
        opened.span.set_attributes({names.OUTCOME: ended.outcome, names.HELD: held, names.CHECKS: len(ended.checks)})
        if ended.outcome in ("rail failed", "generation failed", "timed out"):
            opened.span.set_status(Status(StatusCode.ERROR, ended.outcome))
        if ended.error is not None:
            opened.span.set_attribute(names.ERROR_TYPE, type(ended.error).__name__)
        opened.span.end(ns(max(call.started_at, time.time())))

    def _tell(self, opened: _Open) -> None:
        """Make the spans of checks that wait, and count them."""
        ended, opened.ended = opened.ended, []
        for span in ended:
            shared = opened.shared_by(span.check)
            self._meters.check(span.check, shared.labels)
            span.finish(shared)

    def _labels(self, call: ObservedCall, opened: _Open | None) -> Mapping[str, str]:
        return self._meters.labels(call) if opened is None else opened.labels

    async def aclose(self) -> None:
        """End the spans whose contents are being masked."""
        await to_thread.run_sync(self._contents.close)


def _said_of(request: LLMCall) -> dict[str, AttributeValue]:
    said: dict[str, AttributeValue] = {}
    if request.id is not None:
        said[names.RESPONSE_ID] = names.sendable(request.id)
    if request.reported is not None and not request.reported.estimated:
        said[names.INPUT_TOKENS] = request.reported.input_tokens
        said[names.OUTPUT_TOKENS] = request.reported.output_tokens
    if request.price is not None and (cost := request.cost) is not None:
        said |= {names.COST: cost, names.CURRENCY: request.price.currency}
    if request.failure:
        said[names.ERROR_TYPE] = request.failure
    return said
