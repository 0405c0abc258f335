"""Spans of checks: made all at once when a check is over, or earlier if something inside it asks for one."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode

from handrail_otel import _names as names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from handrail import CheckRecord, LLMCall
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext, Tracer
    from opentelemetry.util.types import Attributes, AttributeValue

_inside: ContextVar[str] = ContextVar("handrail-otel-check")


@dataclass(frozen=True, slots=True)
class Alike:
    """What checks of a call share that differ in nothing but their windows: it is made once for all of them.

    Attributes:
        name: of their spans.
        said: attributes of their spans.
        labels: those of metrics.
    """

    name: str
    said: Mapping[str, AttributeValue]
    labels: Mapping[str, str]


def alike(check: CheckRecord) -> tuple[object, ...]:
    """Return what is equal for checks that share an `Alike`."""
    rail, decision = check.rail_id.text, check.decision
    return check.rail, rail, check.plugin, check.direction, check.channel, decision, check.mode, check.would_have


class CheckSpan(Span):
    """The span of one check.

    A rail that neither asks a model nor makes spans needs none while it works, and one that is begun and ended in one
    go costs half as much. Whatever does use it, such as the beginning of a span inside it, begins it.

    Args:
        tracer: makes it.
        context: of the call.
        check: what it tells of.
    """

    def __init__(self, tracer: Tracer, context: Context, check: CheckRecord) -> None:
        self.check = check
        self._tracer = tracer
        self._context = context
        self._begun: Span | None = None
        self._beginning = Lock()  # threads of a rail's own may each begin a span inside it

    def finish(self, shared: Alike) -> None:
        """Make the span, unless it is made, and end it with what the rail said."""
        check = self.check
        with self._beginning:
            if self._begun is None:
                self._begun = self._made(shared.name, _said_by(check, shared))
            elif self._begun.is_recording():
                self._begun.set_attributes(_said_by(check, shared))
        if check.decision == "failed":
            self._begun.set_status(Status(StatusCode.ERROR, check.failure))
        self._begun.end(end_of(check))

    def get_span_context(self) -> SpanContext:
        """Return what names the span."""
        return self._span().get_span_context()

    def is_recording(self) -> bool:
        """Return whether anything would come of what is set."""
        return self._span().is_recording()

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set an attribute."""
        self._span().set_attribute(key, value)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set attributes."""
        self._span().set_attributes(attributes)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event."""
        self._span().add_event(name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link."""
        self._span().add_link(context, attributes)

    def update_name(self, name: str) -> None:
        """Change the name."""
        self._span().update_name(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status."""
        self._span().set_status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002  # the interface
    ) -> None:
        """Add an exception."""
        self._span().record_exception(exception, attributes, timestamp, escaped)

    def end(self, end_time: int | None = None) -> None:
        """End the span."""
        self._span().end(end_time)

    def _span(self) -> Span:
        with self._beginning:
            if self._begun is None:
                self._begun = self._made(span_name(self.check))
            return self._begun

    def _made(self, name: str, attributes: Attributes = None) -> Span:
        return self._tracer.start_span(name, self._context, attributes=attributes, start_time=ns(self.check.started_at))


class Current:
    """Makes a span the current one; by hand, because a generator would cost a good part of what the span does."""

    __slots__ = ("_attached", "_span")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._attached = contexts.attach(trace.set_span_in_context(self._span))

    def __exit__(self, *_: object) -> None:
        contexts.detach(self._attached)


class Inside(Current):
    """Makes the span of a check the current one, so that what the check asks for is known to be its own."""

    __slots__ = ("_call_id", "_entered")

    def __init__(self, span: CheckSpan, call_id: str) -> None:
        super().__init__(span)
        self._call_id = call_id

    def __enter__(self) -> None:
        self._entered: Token[str] = _inside.set(self._call_id)
        super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        _inside.reset(self._entered)


def is_inside(call_id: str) -> bool:
    """Return whether a rail of a call is at work here."""
    return _inside.get(None) == call_id


def ns(seconds: float) -> int | None:
    """Return a time in nanoseconds; None, which is now, for one that is not known."""
    return int(seconds * 1e9) or None


def end_of(record: CheckRecord | LLMCall) -> int | None:
    """Return when something ended, as `ns` does; never before it began, for a clock may be put back meanwhile."""
    return ns(max(record.started_at, record.finished_at))


def span_name(check: CheckRecord) -> str:
    """Return what the span of a check is called."""
    return f"{names.CHECK_SPAN} {names.sendable(check.rail)}"


def said_by_all(check: CheckRecord) -> dict[str, AttributeValue]:
    """Return what is the same for all checks that are `alike`."""
    said: dict[str, AttributeValue] = {
        names.RAIL: names.sendable(check.rail_id.text),
        names.PLUGIN: check.plugin,
        names.DIRECTION: check.direction,
        names.CHANNEL: check.channel,
        names.DECISION: str(check.decision),
    }
    if check.mode != "enforce":
        said[names.MODE] = check.mode
    if check.would_have is not None:
        said[names.WOULD_HAVE] = check.would_have
    return said


def _said_by(check: CheckRecord, shared: Alike) -> dict[str, AttributeValue]:
    begin, end = check.window
    said = {**shared.said, names.WINDOW_START: begin, names.WINDOW_END: end, names.HELD: check.held}
    if check.span is not None:
        said[names.SPAN_START], said[names.SPAN_END] = check.span
    if (category := names.category(check.category)) is not None:
        said[names.CATEGORY] = category
    if check.score is not None:
        said[names.SCORE] = check.score
    if check.failure is not None:
        said[names.ERROR_TYPE] = check.failure
    return said
