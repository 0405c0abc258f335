"""The observer: a span for each call, each request to a model and each check, and what is counted of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anyio import to_thread
from handrail import Blocked, Observer
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from handrail_otel import _names as names
from handrail_otel._contents import Contents
from handrail_otel._meters import Meters

if TYPE_CHECKING:
    from handrail import CallEnded, CheckRecord, LLMCall, ObservedCall, ObserverContext, RailFailed, Released
    from opentelemetry.context import Context
    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from handrail_otel._settings import OTelSettings

_INSIDE = contexts.create_key("handrail-check")


@dataclass(slots=True)
class _Open:
    """The spans of a call.

    Attributes:
        span, context: of the call itself.
        parts: of requests and checks that run, by the identity of their record.
        released_at: when something last went out, in seconds since the call began.
    """

    span: Span
    context: Context
    parts: dict[int, Span] = field(default_factory=dict)
    released_at: float = 0.0


class OTel(Observer):
    """Makes spans and metrics with whatever the program has set up; without any set-up both cost next to nothing."""

    def __init__(self, settings: OTelSettings, context: ObserverContext) -> None:
        self._config = settings.config_name or context.base_path.resolve().name
        self._tracer = trace.get_tracer("handrail")
        self._meters = Meters(settings, self._config, context.config.prices.currency)
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
            attributes[names.CALLER] = call.caller
        if call.conversation_id is not None:
            attributes[names.CONVERSATION] = call.conversation_id
        span = self._tracer.start_span(names.CALL_SPAN, attributes=attributes, start_time=_ns(call.started_at))
        self._calls[call.call_id] = _Open(span, trace.set_span_in_context(span))

    def model_asked(self, call: ObservedCall, request: LLMCall) -> None:
        """Begin a span: in the check that asks, or else in the call."""
        if (opened := self._calls.get(call.call_id)) is None:
            return
        inside = contexts.get_value(_INSIDE) == call.call_id
        attributes: dict[str, AttributeValue] = {
            names.OPERATION: "chat",
            names.PROVIDER: request.engine,
            names.REQUEST_MODEL: request.model,
            names.TASK: request.task,
        }
        opened.parts[id(request)] = self._tracer.start_span(
            f"chat {request.model}".strip(),
            context=None if inside else opened.context,
            kind=SpanKind.CLIENT,
            attributes=attributes,
        )

    @contextmanager
    def around_model(self, call: ObservedCall, request: LLMCall) -> Iterator[None]:
        """Have the request sent inside its span, so that it carries `traceparent` and baggage."""
        opened = self._calls.get(call.call_id)
        span = opened.parts.get(id(request)) if opened is not None else None
        if span is None:
            yield
            return
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            yield

    def model_answered(self, call: ObservedCall, request: LLMCall) -> None:
        """End the span with what the request has cost, as far as the provider has said."""
        self._meters.model(call, request)
        opened = self._calls.get(call.call_id)
        span = opened.parts.pop(id(request), None) if opened is not None else None
        if span is None:
            return
        if span.is_recording():
            span.set_attributes(_said_of(request))
        self._contents.end(span, request)

    def check_begun(self, call: ObservedCall, check: CheckRecord) -> None:
        """Begin a span in the call's."""
        if (opened := self._calls.get(call.call_id)) is not None:
            opened.parts[id(check)] = self._tracer.start_span(
                f"{names.CHECK_SPAN} {check.rail}", context=opened.context, start_time=_ns(check.started_at)
            )

    def around_check(self, call: ObservedCall, check: CheckRecord) -> AbstractContextManager[None] | None:
        """Have the rail work inside its span."""
        opened = self._calls.get(call.call_id)
        span = opened.parts.get(id(check)) if opened is not None else None
        return None if span is None else _Inside(span, call.call_id)

    def check_ended(self, call: ObservedCall, check: CheckRecord) -> None:
        """End the span with what the rail said."""
        self._meters.check(call, check)
        opened = self._calls.get(call.call_id)
        span = opened.parts.pop(id(check), None) if opened is not None else None
        if span is None:
            return
        if span.is_recording():
            span.set_attributes(_said_by(check))
            if check.decision == "failed":
                span.set_status(Status(StatusCode.ERROR, check.failure))
        span.end(_ns(check.finished_at))

    def released(self, call: ObservedCall, released: Released) -> None:
        """Note when the first text goes out, and how long each further release took."""
        if (opened := self._calls.get(call.call_id)) is None:
            return
        self._meters.released(call, released, released.after - opened.released_at)
        opened.released_at = released.after
        if released.first:
            opened.span.add_event(names.FIRST_EVENT)

    def stopped(self, call: ObservedCall, stop: Blocked | RailFailed) -> None:
        """Note which rail ends the call; never why in words, for they may quote what was refused."""
        self._meters.stopped(call, stop)
        if (opened := self._calls.get(call.call_id)) is not None:
            decision = "block" if isinstance(stop, Blocked) else "failed"
            opened.span.add_event(
                names.STOP_EVENT,
                {names.RAIL: stop.rail, names.DIRECTION: stop.direction, names.DECISION: decision},
            )

    def call_ended(self, call: ObservedCall, ended: CallEnded) -> None:
        """End the call's span, and whatever is still open in it."""
        held = sum(check.held for check in ended.checks)
        self._meters.call(call, ended, held)
        if (opened := self._calls.pop(call.call_id, None)) is None:
            return
        for span in opened.parts.values():
            span.end()
        opened.span.set_attributes({names.OUTCOME: ended.outcome, names.HELD: held, names.CHECKS: len(ended.checks)})
        if ended.outcome in ("rail failed", "generation failed", "timed out"):
            opened.span.set_status(Status(StatusCode.ERROR, ended.outcome))
        if ended.error is not None:
            opened.span.set_attribute(names.ERROR_TYPE, type(ended.error).__name__)
        opened.span.end()

    async def aclose(self) -> None:
        """End the spans whose contents are being masked."""
        await to_thread.run_sync(self._contents.close)


def _said_of(request: LLMCall) -> dict[str, AttributeValue]:
    said: dict[str, AttributeValue] = {}
    if request.id is not None:
        said[names.RESPONSE_ID] = request.id
    if request.reported is not None and not request.reported.estimated:
        said[names.INPUT_TOKENS] = request.reported.input_tokens
        said[names.OUTPUT_TOKENS] = request.reported.output_tokens
    if request.price is not None and (cost := request.cost) is not None:
        said |= {names.COST: cost, names.CURRENCY: request.price.currency}
    if request.failure:
        said[names.ERROR_TYPE] = request.failure
    return said


def _said_by(check: CheckRecord) -> dict[str, AttributeValue]:
    said: dict[str, AttributeValue] = {
        names.RAIL: check.rail_id.text,
        names.PLUGIN: check.plugin,
        names.DIRECTION: check.direction,
        names.CHANNEL: check.channel,
        names.DECISION: str(check.decision),
        names.WINDOW_START: check.window[0],
        names.WINDOW_END: check.window[1],
        names.HELD: check.held,
    }
    if check.mode != "enforce":
        said[names.MODE] = check.mode
    if check.span is not None:
        said[names.SPAN_START], said[names.SPAN_END] = check.span
    rare = (
        (names.WOULD_HAVE, check.would_have),
        (names.CATEGORY, check.category),
        (names.SCORE, check.score),
        (names.ERROR_TYPE, check.failure),
    )
    return said | {name: value for name, value in rare if value is not None}


class _Inside(AbstractContextManager[None]):
    """Makes the span of a check the current one; by hand, because a generator would cost as much as the span does."""

    __slots__ = ("_call_id", "_span", "_token")

    def __init__(self, span: Span, call_id: str) -> None:
        self._span = span
        self._call_id = call_id

    def __enter__(self) -> None:
        inside = contexts.set_value(_INSIDE, self._call_id, trace.set_span_in_context(self._span))
        self._token = contexts.attach(inside)

    def __exit__(self, *_: object) -> None:
        contexts.detach(self._token)


def _ns(seconds: float) -> int | None:
    return int(seconds * 1e9) or None
