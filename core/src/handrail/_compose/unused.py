"""What a configuration says and nothing reads: most often a misspelt name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from handrail._nearest import did_you_mean
from handrail._specs import RailSpec
from handrail.config import normalized_name
from handrail.errors import HandrailError, InvalidRailsConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail._compose.models import Models
    from handrail._compose.problems import Problems
    from handrail._plugins.registry import Registry
    from handrail._stream.plan import RailPlan
    from handrail.config import RailsConfig


def refuse_unserved(config: RailsConfig, registry: Registry, problems: Problems) -> None:
    """Note files with rails that no installed plugin can run."""
    if any(plugin.config_rails is not None for plugin in registry.plugins):
        return
    files = [str(file) for file in (*config.colang_files, *config.action_files)]
    if files or config.colang_content:
        found = ", ".join(files) or "colang_content"
        problems.note(
            InvalidRailsConfigurationError(
                f"the configuration has rails in Colang or custom actions ({found}), "
                "which no installed plugin can run; see 'handrail plugins'",
                code="unknown-name",
                subject="Colang",
            )
        )


def refuse_unused_settings(
    config: RailsConfig, registry: Registry, rails: Iterable[RailPlan], problems: Problems
) -> None:
    """Note keys under `rails.config` that fit no rail: a misspelt one would silently leave a rail without settings."""
    used = {normalized_name(plan.name) for plan in rails}
    known = {normalized_name(name) for name in _rail_keys(registry)}
    for key in config.rails.config:
        if normalized_name(key) not in used | known:
            names = registry.names(RailSpec)
            problems.note(
                InvalidRailsConfigurationError(
                    f"rails.config.{key} does not match any installed rail; "
                    f"installed rails: {', '.join(names)}{did_you_mean(key, names)}",
                    code="unused",
                    subject=str(key),
                ),
                config.where("rails", "config", key),
            )


def refuse_misspelt_models(config: RailsConfig, registry: Registry, models: Models, problems: Problems) -> None:
    """Note a judge whose type is misspelt: it would never be asked, and the main model would judge itself."""
    spare = (type_ for entry in config.models for type_ in entry.fallback)
    usual = (name.replace(" ", "_") for name in _rail_keys(registry))  # what rails ask for that are only installed
    known = {"main", *(type_ for _, type_ in models.asked), *spare, *usual}
    idle = [entry.type for entry in config.models if entry.type not in known]
    for rail, type_ in models.asked:
        nearest = get_close_matches(type_, idle, n=1, cutoff=0.75) if type_ not in models.built else []
        if nearest:
            index = next(n for n, entry in enumerate(config.models) if entry.type == nearest[0])
            problems.note(
                InvalidRailsConfigurationError(
                    f"nothing asks a model of type {nearest[0]!r}, and rail {rail!r} asks for {type_!r}, "
                    f"which is not configured; did you mean {type_!r}?",
                    code="unused",
                    subject=nearest[0],
                    fix=type_,
                ),
                config.where("models", index, "type"),
            )


def _rail_keys(registry: Registry) -> Iterable[str]:
    for name in registry.names(RailSpec):
        yield name
        try:
            spec = registry.rail(name).spec
        except HandrailError:  # offered twice, which matters only to a flow that names it
            continue
        yield spec.config_key or spec.name
