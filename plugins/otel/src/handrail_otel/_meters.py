"""What is counted: times, tokens, decisions and prices, by rail, model, configuration and caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail import Blocked
from opentelemetry import metrics

from handrail_otel import _names as names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from handrail import CallEnded, CheckRecord, LLMCall, ObservedCall, RailFailed, RailsConfig

    from handrail_otel._settings import OTelSettings


_MOST_MODELS = 100


class _Names:
    """Tells as many names apart as there is room for; later ones are "other", for each name makes series of its own.

    Args:
        most: how many.
        known: those that are told apart whatever others there are.
    """

    def __init__(self, most: int, known: Iterable[str] = ()) -> None:
        self._known = {*map(names.sendable, known)}
        self._most = most + len(self._known)

    def label(self, name: str) -> str:
        """Return what stands for a name."""
        name = names.sendable(name)
        if name not in self._known:
            if len(self._known) >= self._most:
                return "other"
            self._known.add(name)
        return name


@dataclass(slots=True)
class Releases:
    """What went out of a call.

    Attributes:
        count: how often something did.
        first_at, last_at: when it did first, and last, in seconds since the call began.
    """

    count: int = 0
    first_at: float = 0.0
    last_at: float = 0.0


class Meters:
    """The instruments of one configuration, of which spans and metrics have the name."""

    def __init__(self, settings: OTelSettings, config: RailsConfig, name: str) -> None:
        meter = metrics.get_meter("handrail")
        self._config = name
        self._callers = _Names(settings.callers)
        self._models = _Names(_MOST_MODELS, [model.model or "" for model in config.models])
        self._operations = meter.create_histogram(names.OPERATION_DURATION, "s", "How long a request to a model took.")
        self._tokens = meter.create_histogram(names.TOKEN_USAGE, "{token}", "Tokens of a request to a model.")
        self._checks = meter.create_histogram(names.CHECK_DURATION, "s", "How long a check took.")
        self._first = meter.create_histogram(names.FIRST_DURATION, "s", "From a call to the first that goes out.")
        self._releases = meter.create_histogram(
            names.RELEASE_INTERVAL, "s", "Mean time between two releases of a call."
        )
        self._held = meter.create_histogram(names.HELD_DURATION, "s", "How long text of a call waited for checks.")
        self._calls = meter.create_histogram(names.CALL_DURATION, "s", "How long a call took.")
        self._stops = meter.create_counter(names.STOPS, "{call}", "Calls that a rail ended.")
        self._costs = meter.create_counter(names.COSTS, config.prices.currency, "What requests to models cost.")

    def labels(self, call: ObservedCall) -> Mapping[str, str]:
        """Return the labels of everything that is counted of a call."""
        if call.caller is None:
            return {names.CONFIG: self._config}
        return {names.CONFIG: self._config, names.CALLER: self._callers.label(call.caller)}

    def model(self, of_call: Mapping[str, str], request: LLMCall) -> None:
        """Count a request to a model."""
        labels = {
            **of_call,
            names.OPERATION: "chat",
            names.PROVIDER: request.engine,
            names.REQUEST_MODEL: self._models.label(request.model),
            names.TASK: request.task,
        }
        self._operations.record(request.duration, labels)
        usage = request.reported
        if usage is not None and not usage.estimated:
            self._tokens.record(usage.input_tokens, {**labels, names.TOKEN_TYPE: "input"})
            self._tokens.record(usage.output_tokens, {**labels, names.TOKEN_TYPE: "output"})
        if (cost := request.cost) is not None:
            self._costs.add(cost, labels)

    def check(self, check: CheckRecord, labels: Mapping[str, str]) -> None:
        """Count a check; `labels` are those of `labels_of`."""
        self._checks.record(check.duration, labels)

    def stopped(self, of_call: Mapping[str, str], stop: Blocked | RailFailed) -> None:
        """Count a refusal or a failure."""
        decision = "block" if isinstance(stop, Blocked) else "failed"
        labels = {names.RAIL: names.sendable(stop.rail), names.DIRECTION: stop.direction, names.DECISION: decision}
        self._stops.add(1, {**of_call, **labels})

    def call(self, labels: Mapping[str, str], ended: CallEnded, held: float, releases: Releases) -> None:
        """Count a call, and what was noted of it, at once: together that costs half as much."""
        self._calls.record(ended.duration, {**labels, names.OUTCOME: ended.outcome})
        if ended.checks:
            self._held.record(held, labels)
        if releases.count:
            self._first.record(releases.first_at, labels)
        if releases.count > 1:
            self._releases.record((releases.last_at - releases.first_at) / (releases.count - 1), labels)


def labels_of(check: CheckRecord, of_call: Mapping[str, str]) -> Mapping[str, str]:
    """Return the labels of a check, which are the same for all that are `alike`."""
    labels = {
        **of_call,
        names.RAIL: names.sendable(check.rail),
        names.DIRECTION: check.direction,
        names.DECISION: check.would_have or str(check.decision),
    }
    return labels if check.mode == "enforce" else {**labels, names.MODE: check.mode}
