"""OpenTelemetry, in a process that has loaded it: the trace that a client's headers name, and the one that runs now."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager

_LONGEST = 8192  # bytes of a header: the most of baggage by its standard; OpenTelemetry would log longer ones in full


def is_traced() -> bool:
    """Return whether the process has loaded OpenTelemetry's API, so that there may be traces."""
    return "opentelemetry.trace" in sys.modules


@contextmanager
def trace_of(headers: Iterable[tuple[bytes, bytes]]) -> Generator[None, None, None]:
    """Run the block in the trace of `traceparent`, with its baggage, unless an instrumentation has seen to that."""
    if not is_traced():
        yield
        return
    from opentelemetry import context, propagate, trace

    if trace.get_current_span().get_span_context().is_valid:
        yield
        return
    carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if len(value) <= _LONGEST}
    token = context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        context.detach(token)


def current_trace_id() -> str:
    """Return the id of the trace that runs now, if it is sampled; else an empty text."""
    if not is_traced():
        return ""
    from opentelemetry import trace

    current = trace.get_current_span().get_span_context()
    return f"{current.trace_id:032x}" if current.is_valid and current.trace_flags.sampled else ""
