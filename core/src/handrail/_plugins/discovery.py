"""Turns one plugin, installed or handed in, into the records it offers; whatever is wrong with it stays its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pluggy

from handrail._plugins import hookspecs
from handrail._plugins.points import Point
from handrail._records import message_of
from handrail._specs import (
    CommandSpec,
    DialectSpec,
    ObserverSpec,
    PlacementSpec,
    ProviderSpec,
    RailSpec,
    Spec,
    StrategySpec,
)
from handrail.errors import PluginLoadError

if TYPE_CHECKING:
    from handrail._plugins.registrations import Registrations
    from handrail.config import RailsConfig

ConfigRails: TypeAlias = Callable[["RailsConfig", "Registrations"], Iterable[Spec]]
ConfigProviders: TypeAlias = Callable[["RailsConfig"], Iterable[Spec]]

HOOKS: dict[str, type[Spec]] = {
    "handrail_providers": ProviderSpec,
    "handrail_rails": RailSpec,
    "handrail_strategies": StrategySpec,
    "handrail_commands": CommandSpec,
    "handrail_dialects": DialectSpec,
    "handrail_observers": ObserverSpec,
    "handrail_placements": PlacementSpec,
}
CONFIG_RAILS, CONFIG_PROVIDERS = "handrail_config_rails", "handrail_config_providers"
_ALL_HOOKS = (*HOOKS, CONFIG_RAILS, CONFIG_PROVIDERS)


class _Specifications(ModuleType):
    """The specifications alone: of a module, pluggy would look at every name, for each plugin again."""

    def __init__(self) -> None:
        super().__init__(hookspecs.__name__)
        for hook in _ALL_HOOKS:
            setattr(self, hook, getattr(hookspecs, hook))

    def __dir__(self) -> tuple[str, ...]:
        return _ALL_HOOKS


_SPECIFICATIONS = _Specifications()


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin and what it offers.

    Attributes:
        name: the entry point's name, or the name of the object that was handed in.
        distribution: the installed distribution it comes from; None for an object.
        version: that distribution's version.
        module: where its hooks are.
        specs: what it registers.
        config_rails: gives the rails that a configuration itself defines, if the plugin reads such.
        config_providers: gives the engines that a configuration itself defines, if the plugin reads such.
        problem: why it cannot be used; then `specs` is empty.
    """

    name: str
    distribution: str | None = None
    version: str | None = None
    module: str = ""
    specs: tuple[Spec, ...] = ()
    config_rails: ConfigRails | None = field(default=None, repr=False, compare=False)
    config_providers: ConfigProviders | None = field(default=None, repr=False, compare=False)
    problem: str | None = None
    cause: BaseException | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The plugin as an error names it, such as `handrail-toxicity 1.2.0`."""
        if self.distribution is None:
            return f"plugin {self.name!r}"
        return f"{self.distribution} {self.version}"


class _Hooks(NamedTuple):
    specs: tuple[Spec, ...]
    config_rails: ConfigRails | None
    config_providers: ConfigProviders | None


def installed_plugins(points: Iterable[Point]) -> list[Plugin]:
    """Load entry points. A plugin that fails is returned with its `problem` and disturbs nobody."""
    return [_installed(point) for point in points]


def plugin_from_object(plugin: object) -> Plugin:
    """Read the hooks of an object or module that was handed in.

    Raises:
        PluginLoadError: it is not a plugin.
    """
    name = getattr(plugin, "__name__", None) or type(plugin).__name__
    try:
        hooks = _read_hooks(plugin, name)
    except Exception as exc:
        raise PluginLoadError(f"plugin {name!r} cannot be registered: {exc}", plugin=name) from exc
    return Plugin(name, None, None, name, *hooks)


def _installed(point: Point) -> Plugin:
    name, module = point.entry.name, point.entry.value
    try:
        hooks = _read_hooks(point.entry.load(), name)
    except Exception as exc:  # noqa: BLE001  # a plugin's failure is recorded and reported, and disturbs nobody else
        problem = str(exc) if isinstance(exc, PluginLoadError) else f"{type(exc).__name__}: {message_of(exc)}"
        return Plugin(name, point.distribution, point.version, module, problem=problem, cause=exc)
    return Plugin(name, point.distribution, point.version, module, *hooks)


def _read_hooks(plugin: object, name: str) -> _Hooks:
    # A manager for each plugin: a broken one cannot take another down, and every record knows where it is from.
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(_SPECIFICATIONS)
    _refuse_unmarked(plugin)
    manager.register(plugin, name=name)
    _refuse_misspelt(manager)
    specs: list[Spec] = []
    for hook, kind in HOOKS.items():
        for offered in getattr(manager.hook, hook)():
            specs.extend(_checked(offered, hook, kind))
    rails = partial(_config_rails, manager) if manager.hook.handrail_config_rails.get_hookimpls() else None
    providers = partial(_config_providers, manager) if manager.hook.handrail_config_providers.get_hookimpls() else None
    if not specs and rails is None and providers is None:
        raise PluginLoadError(f"it registers nothing; implement one of {', '.join(_ALL_HOOKS)}, marked with @hookimpl")
    return _Hooks(tuple(specs), rails, providers)


def _config_rails(manager: pluggy.PluginManager, config: RailsConfig, registrations: Registrations) -> Iterable[Spec]:
    for offered in manager.hook.handrail_config_rails(config=config, registrations=registrations):
        yield from _checked(offered, CONFIG_RAILS, RailSpec)


def _config_providers(manager: pluggy.PluginManager, config: RailsConfig) -> Iterable[Spec]:
    for offered in manager.hook.handrail_config_providers(config=config):
        yield from _checked(offered, CONFIG_PROVIDERS, ProviderSpec)


def _refuse_unmarked(plugin: object) -> None:
    for hook in _ALL_HOOKS:
        function = getattr(plugin, hook, None)
        if function is not None and not hasattr(function, f"{hookspecs.PROJECT}_impl"):
            raise PluginLoadError(f"{hook!r} is not marked; put @hookimpl from handrail.plugins above it")


def _refuse_misspelt(manager: pluggy.PluginManager) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as exc:
        unknown = [hook for hook in manager.hook.__dict__ if not hook.startswith("_") and hook not in _ALL_HOOKS]
        nearest = get_close_matches(unknown[0], _ALL_HOOKS, n=1) if unknown else []
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        raise PluginLoadError(
            f"unknown hook {', '.join(map(repr, unknown))}{hint} Hooks are: {', '.join(_ALL_HOOKS)}"
        ) from exc


def _checked(offered: object, hook: str, kind: type[Spec]) -> Iterable[Spec]:
    if not isinstance(offered, Iterable):
        raise PluginLoadError(f"{hook}() returned {offered!r}; it must return an iterable of {kind.__name__}")
    for spec in offered:
        if not isinstance(spec, kind):
            raise PluginLoadError(f"{hook}() returned {spec!r}; it must return {kind.__name__} records")
        yield spec
