"""Which plugin serves each name of a configuration, also where the configuration cannot be used yet."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from handrail import Registrations
from handrail.errors import HandrailError

from handrail_cli._packages import problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from handrail import RailsConfig, Registry


def served(config: RailsConfig, registry: Registry) -> list[dict[str, Any]]:
    """Return every engine, rail and strategy that a configuration names, in its order, with who serves it.

    Args:
        config: the configuration.
        registry: what is installed, or what a composition was made with.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for kind, name, where, find in _named(config, registry):
        found.setdefault((kind, name), {"kind": kind, "name": name, "where": where, **_by(find, name)})
    return list(found.values())


def registry_of(config: RailsConfig, registry: Registry) -> Registry:
    """Return what serves a configuration that could not be composed, what it defines itself included if possible."""
    with suppress(HandrailError):
        return registry.for_config(config, Registrations())
    return registry


def _named(config: RailsConfig, registry: Registry) -> Iterator[tuple[str, str, str, Callable[[str], Any]]]:
    for index, model in enumerate(config.models):
        yield "engine", model.engine, config.where("models", index, "engine"), registry.provider
    for direction, flows in (("input", config.input_flows), ("output", config.output_flows)):
        for index, flow in enumerate(flows):
            yield "rail", flow.name, config.where("rails", direction, "flows", index), registry.rail
    if config.output_flows:
        streaming = config.rails.output.streaming
        yield "strategy", streaming.strategy, config.where("rails", "output", "streaming"), registry.strategy
    for key, section in config.rails.config.items():
        own = section.get("streaming") or {}
        if "strategy" in own:
            where = config.where("rails", "config", key, "streaming", "strategy")
            yield "strategy", str(own["strategy"]), where, registry.strategy


def _by(find: Callable[[str], Any], name: str) -> dict[str, Any]:
    try:
        plugin = find(name).plugin
    except HandrailError as error:
        return {"plugin": None, "distribution": None, "version": None, "problem": problems_of(error)[0]}
    return {
        "plugin": plugin.label,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "problem": plugin.problem,
    }
