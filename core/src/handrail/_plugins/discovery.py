"""Turns one plugin, installed or handed in, into the records it offers; whatever is wrong with it stays its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeGuard, get_args

import pluggy

from handrail._nearest import did_you_mean
from handrail._plugins import hookspecs
from handrail._plugins.points import Point
from handrail._records import message_of
from handrail._specs import (
    DIRECTIONS,
    CommandSpec,
    DialectSpec,
    ObserverSpec,
    PlacementSpec,
    ProviderSpec,
    RailSpec,
    Spec,
    StrategySpec,
)
from handrail._types import Channel
from handrail.errors import InvalidArgumentError, PluginLoadError

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

FAILURES = (Exception, SystemExit)
"""What a plugin may raise while it is loaded. One that ends its own import must not end the program that uses it."""


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
    name = type(plugin).__name__
    try:
        name = str(getattr(plugin, "__name__", name))
        hooks = _read_hooks(plugin, name)
    except FAILURES as exc:
        raise PluginLoadError(f"plugin {name!r} cannot be registered: {reason(exc)}", plugin=name) from exc
    return Plugin(name, None, None, name, *hooks)


def reason(error: BaseException) -> str:
    """Return why a plugin cannot be used, as the end of a message about it."""
    return str(error) if isinstance(error, PluginLoadError) else f"{type(error).__name__}: {message_of(error)}"


def _installed(point: Point) -> Plugin:
    name, module = point.entry.name, point.entry.value
    try:
        hooks = _read_hooks(point.entry.load(), name)
    except FAILURES as exc:  # a plugin's failure is recorded and reported, and disturbs nobody else
        return Plugin(name, point.distribution, point.version, module, problem=reason(exc), cause=exc)
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
        hint = did_you_mean(unknown[0], _ALL_HOOKS) if unknown else ""
        raise PluginLoadError(
            f"unknown hook {', '.join(map(repr, unknown))}{hint} Hooks are: {', '.join(_ALL_HOOKS)}"
        ) from exc


def _checked(offered: object, hook: str, kind: type[Spec]) -> Iterable[Spec]:
    if not isinstance(offered, Iterable):
        raise PluginLoadError(f"{hook}() returned {offered!r}; it must return an iterable of {kind.__name__}")
    for spec in offered:
        if not isinstance(spec, kind):
            raise PluginLoadError(f"{hook}() returned {spec!r}; it must return {kind.__name__} records")
        _refuse_wrong_fields(spec, hook)
        yield spec


def _refuse_wrong_fields(spec: Spec, hook: str) -> None:
    """Raise if a record has a field of another type than it declares, of which nobody would know until it is used."""
    for each in fields(spec):
        value = getattr(spec, each.name)
        is_right, wanted = _FIELDS.get(each.name, (None, ""))
        if is_right is not None and not is_right(value):
            found = f"{each.name} of {spec.name!r} is {value!r}; it must be {wanted}"
            raise PluginLoadError(f"{hook}() returned a {type(spec).__name__} that is wrong: {found}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, tuple | list) and all(map(_is_text, value))


def _are_some_of(value: object, known: tuple[str, ...]) -> bool:
    return _are_texts(value) and bool(value) and set(known).issuperset(value)


_CHANNELS = get_args(Channel)
_FIELDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "name": (_is_text, "a text that is not empty"),
    "target": (lambda value: value is not None, "'package.module:Attribute' or an object"),
    "settings": (lambda value: value is None or isinstance(value, str | type), "a pydantic model, or where it is"),
    "aliases": (_are_texts, "a tuple of texts"),
    "prompts": (_are_texts, "a tuple of texts"),
    "config_key": (lambda value: value is None or _is_text(value), "a text or None"),
    "directions": (lambda value: _are_some_of(value, DIRECTIONS), f"some of {DIRECTIONS}"),
    "channels": (lambda value: value in (None, ()) or _are_some_of(value, _CHANNELS), f"some of {_CHANNELS}, or None"),
    "rewrites": (lambda value: value in (True, False, "whole"), "True, False or 'whole'"),
}
"""What fields of records must be, whatever kind of record has them."""


def only_plugins(argument: str, plugins: Iterable[Plugin]) -> tuple[Plugin, ...]:
    """Return plugins, and raise for what is none.

    Raises:
        InvalidArgumentError: one is something else.
    """
    members = tuple(plugins) if isinstance(plugins, Iterable) else None
    fits = members is not None and all(isinstance(member, Plugin) for member in members)
    InvalidArgumentError.unless(
        fits, argument, plugins, "Plugins; write Registry.discover().with_plugins(...) for others"
    )
    return members or ()
