"""The hooks that a plugin may implement, and the markers that tell pluggy so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from handrail._plugins.registrations import Registrations
    from handrail._specs import (
        CommandSpec,
        DialectSpec,
        ObserverSpec,
        PlacementSpec,
        ProviderSpec,
        RailSpec,
        StrategySpec,
    )
    from handrail.config import RailsConfig

PROJECT = "handrail"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def handrail_providers() -> Iterable[ProviderSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the language-model engines that this plugin adds. Called once, when a registry is built."""


@hookspec
def handrail_rails() -> Iterable[RailSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the rails that this plugin adds. Called once, when a registry is built."""


@hookspec
def handrail_strategies() -> Iterable[StrategySpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the streaming strategies that this plugin adds. Called once, when a registry is built."""


@hookspec
def handrail_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the subcommands that this plugin adds to `handrail`. Called once, when a registry is built."""


@hookspec
def handrail_dialects() -> Iterable[DialectSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the protocols that this plugin adds to a server. Called once, when a registry is built."""


@hookspec
def handrail_observers() -> Iterable[ObserverSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the observers that this plugin adds. Called once, when a registry is built."""


@hookspec
def handrail_placements() -> Iterable[PlacementSpec]:  # type: ignore[empty-body]  # a specification has no body
    """Yield the places that this plugin can run rails in. Called once, when a registry is built."""


@hookspec
def handrail_config_rails(config: RailsConfig, registrations: Registrations) -> Iterable[RailSpec] | None:
    """Return the rails that a configuration itself defines, such as those in its Colang files.

    Called when a configuration is composed, for every configuration; None if this one defines nothing that the plugin
    reads. Files that no plugin reads are an error, so a plugin that returns rails must have read all of the kind. A
    rail of the configuration takes the place of an installed one of the same name if its `defined_at` says where the
    configuration defines it; else two plugins offer one name, which is an error.

    Args:
        config: the configuration.
        registrations: where the configuration's own code registers, as a program does on its `LLMRails`.
    """


@hookspec
def handrail_config_providers(config: RailsConfig) -> Iterable[ProviderSpec] | None:
    """Return the engines that a configuration itself defines, such as those that its Python files register.

    Called when every plugin has given the configuration's rails, so that its files have been run. An engine of the
    configuration takes the place of an installed one as a rail does.
    """
