"""What is measured, and Prometheus' two text forms of it. No library: three kinds of series and their escaping."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text"
OPEN_METRICS_TYPE = f"{OPEN_METRICS}; version=1.0.0; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LIMITS = (*map(str, SECONDS), "+Inf")
_MOST_SERIES = 1000  # of one metric; what comes later is counted under "other"

Labels = tuple[str, ...]


class Metric:
    """One name with its labels. Everything runs in one thread of one event loop.

    An exemplar is the id of a trace that belongs to what was counted last; only OpenMetrics has a place for it.
    """

    kind = "counter"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:  # noqa: A002  # Prometheus' word
        self.name = name
        self.help = help
        self.labels = tuple(labels)
        self._values: dict[Labels, float] = {}
        self._exemplars: dict[
            tuple[Labels, int], tuple[str, float, float]
        ] = {}  # by series and bucket: trace, value, time

    def add(self, *labels: str, value: float = 1.0, trace_id: str = "") -> None:
        """Count."""
        key = self._key(labels)
        self._values[key] = self._values.get(key, 0.0) + value
        if trace_id:
            self._exemplars[key, 0] = trace_id, value, time.time()

    def lines(self, *, is_open: bool = False) -> Iterator[str]:
        """Return the series, as OpenMetrics if `is_open`."""
        family = self.name.removesuffix("_total") if is_open else self.name
        yield f"# HELP {family} {self.help}"
        yield f"# TYPE {family} {self.kind}"
        yield from self._series(is_open=is_open)

    def _series(self, *, is_open: bool) -> Iterator[str]:
        if not self.labels and not self._values:
            yield f"{self.name} 0"
        for key, value in sorted(self._values.items()):
            exemplar = self._exemplar(key) if is_open else ""
            yield f"{self.name}{_labels(self.labels, key)} {value:.10g}{exemplar}"

    def _exemplar(self, key: Labels, bucket: int = 0) -> str:
        if (found := self._exemplars.get((key, bucket))) is None:
            return ""
        trace_id, value, at = found
        return f' # {{trace_id="{trace_id}"}} {value:.10g} {at:.3f}'

    def _key(self, labels: Labels) -> Labels:
        if labels in self._values or len(self._values) < _MOST_SERIES:
            return labels
        return ("other",) * len(self.labels)


class Gauge(Metric):
    """A value that goes up and down."""

    kind = "gauge"


class Histogram(Metric):
    """How long things take, in seconds."""

    kind = "histogram"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:  # noqa: A002
        super().__init__(name, help, labels)
        self._buckets: dict[Labels, list[int]] = {}

    def observe(self, seconds: float, *labels: str, trace_id: str = "") -> None:
        """Note one duration."""
        key = self._key(labels)
        counts = self._buckets.setdefault(key, [0] * len(_LIMITS))
        bucket = bisect_left(SECONDS, seconds)
        counts[bucket] += 1
        self._values[key] = self._values.get(key, 0.0) + seconds
        if trace_id:
            self._exemplars[key, bucket] = trace_id, seconds, time.time()

    def _series(self, *, is_open: bool) -> Iterator[str]:
        for key, total in sorted(self._values.items()):
            below = 0
            for bucket, (limit, count) in enumerate(zip(_LIMITS, self._buckets[key], strict=True)):
                below += count
                exemplar = self._exemplar(key, bucket) if is_open else ""
                yield f"{self.name}_bucket{_labels((*self.labels, 'le'), (*key, limit))} {below}{exemplar}"
            yield f"{self.name}_sum{_labels(self.labels, key)} {total:.10g}"
            yield f"{self.name}_count{_labels(self.labels, key)} {below}"


class TenantMetrics:
    """What each tenant, by the label of its key, has asked for."""

    def __init__(self) -> None:
        self.requests = Metric("handrail_key_requests_total", "Requests by tenants.", ("key", "status"))
        self.tokens = Metric(
            "handrail_key_tokens_total", "Tokens of tenants, those of judges too.", ("key", "config", "direction")
        )
        self.costs = Metric(
            "handrail_key_costs_total", "What tenants cost, as far as prices are known.", ("key", "config", "currency")
        )


class RailMetrics:
    """What rails have done, and how long text has waited for them."""

    def __init__(self) -> None:
        self.blocks = Metric(
            "handrail_blocks_total", "Answers and messages that a rail refused.", ("rail", "direction")
        )
        self.failures = Metric("handrail_rail_failures_total", "Rails that could not do their work.", ("rail",))
        self.checks = Metric("handrail_checks_total", "Checks by rails.", ("rail", "direction", "decision"))
        self.check_seconds = Histogram("handrail_check_seconds", "How long a check took.", ("rail",))
        self.held = Histogram("handrail_held_seconds", "How long text of one answer waited for checks, in all.")
        self.would_have = Metric(
            "handrail_would_have_total",
            "What rails that observe would have done.",
            ("rail", "direction", "decision"),
        )


class ModelMetrics:
    """What requests to models took and cost, those of judges too."""

    def __init__(self) -> None:
        self.failures = Metric("handrail_model_failures_total", "Answers that a model broke.", ("error",))
        self.tokens = Metric(
            "handrail_tokens_total",
            "Tokens of prompts and answers, those of judges too.",
            ("direction", "config", "model", "task"),
        )
        self.costs = Metric(
            "handrail_costs_total",
            "What requests to models cost, as far as prices are known.",
            ("config", "model", "task", "currency"),
        )
        self.seconds = Histogram(
            "handrail_model_seconds", "How long a request to a model took.", ("config", "model", "task")
        )


class Metrics:
    """Everything that one process measures."""

    def __init__(self) -> None:
        self.tenants, self.rails, self.models = TenantMetrics(), RailMetrics(), ModelMetrics()
        self.requests = Metric("handrail_requests_total", "Requests answered.", ("route", "status"))
        self.first_text = Histogram("handrail_first_text_seconds", "From a streamed request to its first text.")
        self.calls = Metric("handrail_calls_total", "Calls, by how they ended.", ("config", "kind", "outcome"))
        self.reloads = Metric("handrail_reloads_total", "Configurations loaded again.", ("outcome",))
        self.store_failures = Metric("handrail_store_failures_total", "Threads that could not be kept.")
        self.connections = Gauge("handrail_connections_open", "Connections that are open now.")
        self.dropped = Metric("handrail_connections_dropped_total", "Connections closed by a limit.", ("limit",))
        self.streams = Gauge("handrail_streams_open", "Streams that run now.")
        self.open = Gauge("handrail_requests_open", "Requests that run now.")

    def __iter__(self) -> Iterator[Metric]:
        for group in (self, self.tenants, self.rails, self.models):
            yield from (metric for metric in vars(group).values() if isinstance(metric, Metric))

    def text(self, *, is_open: bool = False) -> str:
        """Return all series in Prometheus' text form; as OpenMetrics, which has exemplars, if `is_open`."""
        lines = [line for metric in self for line in metric.lines(is_open=is_open)]
        return "\n".join((*lines, "# EOF", "") if is_open else (*lines, ""))


def _labels(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _escaped(value: str) -> str:
    """Return a label's value; half a surrogate pair, with which nothing could be answered, becomes an escape."""
    value = value.encode("utf-8", "backslashreplace").decode()
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
