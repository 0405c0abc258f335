"""What a configuration composes: its models and rails, the plugin behind each, and how streams are cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handrail_cli._effects import without_effect

_VARIABLE = re.compile(r"\$\{\w+\}|\$\w+")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail import Composition, LLMRails, Model, RailPlan, RailsConfig
    from handrail.config import Flow


def describe(rails: LLMRails) -> dict[str, Any]:
    """Describe what was built, in values that JSON can write. Parameters, which may hold secrets, are left out."""
    app, config = rails.composition, rails.config
    return {
        "models": [
            {"type": model.type, "engine": model.engine, "model": model.name, "plugin": model.plugin}
            | _api(model)
            | _sparing(model)
            for model in app.models.values()
        ],
        "input_rails": [*map(_Rails(app).describe, config.input_flows, app.input_rails)],
        "input_parallel": config.rails.input.parallel,
        "output_rails": [*map(_Rails(app).describe, config.output_flows, app.output_rails)],
        "output_parallel": config.rails.output.parallel,
        "channels": {channel: [plan.name for plan in plans] for channel, plans in app.guards.items()},
        "observers": [{"name": plan.name, "plugin": plan.plugin} for plan in app.observer_plans],
        "withheld": sorted(app.withheld),
        "streaming": config.rails.output.streaming.enabled,
        "tokens": f"the vocabulary {app.counter.name}" if app.counter.exact else "an estimate",
        "warnings": list(_warnings(config)),
        "notes": [
            *_notes(config),
            *without_effect(config, app.input_rails, app.output_rails),
        ],
    }


def _api(model: Model) -> dict[str, str]:
    """Describe by which interface of its server a model is asked, where its provider has several and says so."""
    api = getattr(model.provider, "api", None)
    return {"api": api} if isinstance(api, str) else {}


def _sparing(model: Model) -> dict[str, Any]:
    """Describe how a model is spared when rails ask it, as far as the configuration says so."""
    found: dict[str, Any] = {}
    if model.slots is not None:
        found["concurrency"] = model.slots.count
    if model.breaker is not None:
        found["breaker"] = model.breaker.settings.model_dump()
    if model.fallback:
        found["fallback"] = [other.type for other in model.fallback]
    return found


class _Rails:
    """Describes the rails of one configuration."""

    def __init__(self, app: Composition) -> None:
        self._models = app.models
        self._asked = app.asked

    def describe(self, flow: Flow, plan: RailPlan) -> dict[str, Any]:
        """Describe one rail."""
        return {
            "flow": flow.text.strip(),
            "rail": plan.name,
            "plugin": plan.plugin,
            "kind": "stream" if plan.is_stream_rail else "window",
            "window": self._window(plan),
            "asks": [self._asks(type_) for rail, type_ in self._asked if rail == flow.text.strip()],
            "channels": list(plan.channels),
            "mode": "observe" if plan.observes else "enforce",
            "stream_first": plan.stream_first,
            "max_concurrency": plan.max_concurrency,
            "timeout": plan.timeout,
            "on_error": "allow" if plan.allow_on_error else "block",
            "on_timeout": "allow" if plan.allow_on_timeout else "block",
        }

    def _asks(self, type_: str) -> dict[str, str]:
        """Describe the model that a rail asks when it asks for one of this type."""
        model = self._models.get(type_) or self._models["main"]
        return {"type": type_, "model_type": model.type, "engine": model.engine, "model": model.name}

    def _window(self, plan: RailPlan) -> dict[str, Any] | None:
        if not plan.strategy or plan.direction == "input":
            return None
        return {"strategy": plan.strategy, "strategy_plugin": plan.strategy_plugin, **plan.sizes}


def _notes(config: RailsConfig) -> Iterator[str]:
    """Yield what means something else here than where the configuration may come from, or nothing at all."""
    yield from config.notes
    streaming = config.rails.output.streaming
    if config.output_flows and streaming.enabled and "stream_first" not in streaming.model_fields_set:
        yield "rails.output.streaming.stream_first is not set: nothing is delivered before it is checked"
    if config.colang_files or config.colang_content:
        yield "flows in Colang run for each window of a stream, as a whole"


def _warnings(config: RailsConfig) -> Iterator[str]:
    """Yield what can be used but may not be meant."""
    if config.model_for("main") is None:
        yield "no model of type 'main': text can be checked, but not generated"
    if config.output_flows and not config.rails.output.streaming.enabled:
        yield "output rails without rails.output.streaming.enabled: answers can be generated whole, not streamed"
    if not config.input_flows and not config.output_flows:
        yield "no rails: everything passes"
    for index, model in enumerate(config.models):
        if found := _VARIABLE.search(model.model or ""):
            where = config.where("models", index, "model")
            yield f"{where}: {found[0]!r} is sent as it is written; environment variables are not replaced"
