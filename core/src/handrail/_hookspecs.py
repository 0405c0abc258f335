"""The hooks that a plugin may implement, and the markers that tell pluggy so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from handrail._specs import CommandSpec, ProviderSpec, RailSpec, StrategySpec

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
