"""The registry: which plugin serves which name. Built once, never changed, owned by whoever built it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast, get_args

from handrail._nearest import nearest, refuse_other_than_names, shown
from handrail._plugins.discovery import FAILURES, Plugin, installed_plugins, only_plugins, plugin_from_object, reason
from handrail._plugins.points import installed_points
from handrail._specs import (
    CommandSpec,
    DialectSpec,
    ObserverSpec,
    PlacementSpec,
    ProviderSpec,
    RailSpec,
    Spec,
    StrategySpec,
)  # fmt: skip
from handrail.errors import ConfigurationError, InvalidArgumentError, PluginConflictError, PluginLoadError

if TYPE_CHECKING:
    from handrail._plugins.registrations import Registrations
    from handrail.config import RailsConfig

S = TypeVar("S", ProviderSpec, RailSpec, StrategySpec, CommandSpec, DialectSpec, ObserverSpec, PlacementSpec)

_KERNEL = "handrail"
"""The kernel's own distribution, whose strategy any configuration may need."""

_KINDS: dict[type[Spec], str] = {kind: kind.__name__.removesuffix("Spec").lower() for kind in get_args(Spec)}
_KINDS[ProviderSpec] = "engine"  # as configurations call it


@dataclass(frozen=True, slots=True)
class Offer(Generic[S]):
    """A name that a plugin serves: what it registered, and which plugin it was.

    Attributes:
        spec: the record.
        plugin: whose it is.
        replaced: installed plugins that serve the name too, where the configuration defines it itself.
    """

    spec: S
    plugin: Plugin
    replaced: tuple[Plugin, ...] = ()

    @property
    def label(self) -> str:
        """The plugin as a person is told of it, with those in whose place a configuration has put it."""
        place = f", in place of {' and '.join(plugin.label for plugin in self.replaced)}" if self.replaced else ""
        return self.plugin.label + place

    @property
    def kind(self) -> str:
        """What the name is of, such as "rail"."""
        return _KINDS[type(self.spec)]

    def load(self) -> object:
        """Import the object behind the target.

        Raises:
            PluginLoadError: it cannot be imported.
        """
        return self._import(self.spec.target, "target")

    def load_settings(self) -> type | None:
        """Import the settings model, if the plugin has one.

        Raises:
            PluginLoadError: it cannot be imported.
        """
        settings = getattr(self.spec, "settings", None)
        loaded = self._import(settings, "settings") if settings is not None else None
        if loaded is not None and not hasattr(loaded, "model_validate"):
            raise PluginLoadError(
                f"{self.plugin.label}: settings of {self.spec.name!r} are {loaded!r}; they must be a pydantic model",
                plugin=self.plugin.label,
            )
        return cast("type | None", loaded)

    def _import(self, target: object, what: str) -> object:
        if not isinstance(target, str):
            return target
        module, _, attribute = target.partition(":")
        try:
            loaded: object = import_module(module)
            for part in attribute.split("."):
                loaded = getattr(loaded, part)
        except FAILURES as exc:
            raise PluginLoadError(
                f"{self.plugin.label}: the {what} of {self.spec.name!r}, {target!r}, cannot be imported: {reason(exc)}",
                plugin=self.plugin.label,
            ) from exc
        return loaded


class Registry:
    """What is installed, by name. Two registries share nothing; one process may hold many."""

    def __init__(self, plugins: Iterable[Plugin] = (), *, own: Iterable[Plugin] = ()) -> None:
        self._installed, self._own = only_plugins("plugins", plugins), only_plugins("own", own)
        self._offers = _offers(self._installed)
        for kind, names in _offers(self._own).items():
            for name, offers in names.items():
                self._offers[kind][name] = _in_place(offers, self._offers[kind].get(name, []))

    @classmethod
    def discover(cls, *, only: Collection[str] | None = None) -> Registry:
        """Build a registry of what is installed. A plugin that fails is listed in `plugins` with its problem.

        Args:
            only: the plugins to load beside the kernel's own, by distribution or entry point; no other is imported.
                None for all.

        Raises:
            ConfigurationError: one of them is not installed.
            TypeError: they are not a collection of names.
        """
        points = installed_points()
        if only is not None:
            _refuse_unknown("only", only, {name for point in points for name in point.names})
            points = tuple(point for point in points if not {_KERNEL, *only}.isdisjoint(point.names))
        return cls(installed_plugins(points))

    def with_plugins(self, *plugins: object) -> Registry:
        """Return a registry that has these plugins too: any objects or modules with hook implementations.

        Raises:
            PluginLoadError: one of them is not a plugin.
        """
        return Registry((*self._installed, *map(plugin_from_object, plugins)), own=self._own)

    def without(self, disabled: Collection[str]) -> Registry:
        """Return a registry without these plugins, named by distribution or entry point.

        Raises:
            ConfigurationError: a name fits no plugin.
        """
        _refuse_unknown("disabled", disabled, self._plugin_names())
        left = (p for p in self._installed if p.distribution not in disabled and p.name not in disabled)
        return Registry(left, own=self._own)

    def restricted_to(self, enabled: Collection[str]) -> Registry:
        """Return a registry with these plugins alone, beside the kernel's own and those that a program has handed in.

        Raises:
            ConfigurationError: a name fits no plugin.
        """
        _refuse_unknown("enabled", enabled, self._plugin_names())
        kept = {None, _KERNEL, *enabled}
        left = (p for p in self._installed if p.distribution in kept or p.name in enabled)
        return Registry(left, own=self._own)

    def allowed(self, config: RailsConfig) -> Registry:
        """Return a registry of what a configuration may use: what it enables, without what it disables.

        Raises:
            ConfigurationError: it names a plugin that is not installed.
        """
        InvalidArgumentError.unless(hasattr(config, "plugins"), "config", config, "a RailsConfig")
        registry = self if config.plugins.enable is None else self.restricted_to(config.plugins.enable)
        return registry.without(config.plugins.disable)

    def for_config(self, config: RailsConfig, registrations: Registrations) -> Registry:
        """Return a registry with the rails and engines that a configuration itself defines, less what it may not use.

        What the configuration defines takes the place of what is installed under the same name; a plugin that offers
        such a name and cannot say where the configuration defines it is one of two that offer it.

        Args:
            config: the configuration, whose Python files are run.
            registrations: where they register what rails look up.

        Raises:
            ConfigurationError: a plugin cannot use what the configuration defines.
        """
        registry = self.allowed(config)
        own = [_own(p, p.config_rails, config, registrations) for p in registry.plugins if p.config_rails is not None]
        own += [_own(p, p.config_providers, config) for p in registry.plugins if p.config_providers is not None]
        return Registry(registry.plugins, own=(plugin for plugin in own if plugin.specs))

    @property
    def installed(self) -> Registry:
        """The same without what a configuration has defined."""
        return Registry(self._installed)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin that was found, the broken ones included."""
        return (*self._installed, *self._own)

    def provider(self, name: str) -> Offer[ProviderSpec]:
        """Find an engine by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(ProviderSpec, name)

    def rail(self, name: str) -> Offer[RailSpec]:
        """Find a rail by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(RailSpec, name)

    def strategy(self, name: str) -> Offer[StrategySpec]:
        """Find a strategy by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(StrategySpec, name)

    def command(self, name: str) -> Offer[CommandSpec]:
        """Find a subcommand by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(CommandSpec, name)

    def dialect(self, name: str) -> Offer[DialectSpec]:
        """Find a dialect by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(DialectSpec, name)

    def observer(self, name: str) -> Offer[ObserverSpec]:
        """Find an observer by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(ObserverSpec, name)

    def placement(self, name: str) -> Offer[PlacementSpec]:
        """Find a placement by name. Raises ConfigurationError (unknown) or PluginConflictError (offered twice)."""
        return self._find(PlacementSpec, name)

    def names(self, kind: type[Spec]) -> list[str]:
        """Every name of one kind of record, sorted; aliases included."""
        InvalidArgumentError.unless(kind in tuple(_KINDS), "kind", kind, "a kind of record, such as RailSpec")
        return sorted(self._offers[kind])

    def _plugin_names(self) -> set[str]:
        return {name for plugin in self._installed for name in (plugin.distribution, plugin.name) if name}

    def _find(self, kind: type[S], name: str) -> Offer[S]:
        InvalidArgumentError.unless(isinstance(name, str), "name", name, "the name of what is offered")
        offers: list[Offer[S]] = self._offers[kind].get(name, [])  # type: ignore[assignment]  # the table is keyed by kind
        if not offers:
            raise ConfigurationError(self._unknown(kind, name), code="unknown-name", subject=name)
        if len(offers) > 1:
            labels = [offer.plugin.label for offer in offers]
            raise PluginConflictError(
                f"{_KINDS[kind]} {name!r} is offered by {' and by '.join(labels)}; disable one of them with "
                f"'plugins: {{disable: [{offers[0].plugin.distribution or offers[0].plugin.name}]}}'",
                plugin=labels[0],
            )
        return offers[0]

    def _unknown(self, kind: type[Spec], name: str) -> str:
        message = f"unknown {_KINDS[kind]} {shown(name)}; {_suggest(name, self.names(kind))}; see 'handrail plugins'"
        for plugin in self._installed:
            if plugin.problem is not None:
                message += f". The installed plugin {plugin.label} could not be loaded ({plugin.problem})"
        return message


def _offers(plugins: Iterable[Plugin]) -> dict[type[Spec], dict[str, list[Offer[Spec]]]]:  # type: ignore[type-var]  # a union of S's constraints
    offers: dict[type[Spec], dict[str, list[Offer[Spec]]]] = {kind: {} for kind in _KINDS}  # type: ignore[type-var]  # likewise
    for plugin in plugins:
        for spec in plugin.specs:
            for name in (spec.name, *getattr(spec, "aliases", ())):
                offers[type(spec)].setdefault(name, []).append(Offer(spec, plugin))  # type: ignore[type-var]  # likewise
    return offers


def _in_place(own: list[Offer[Spec]], installed: list[Offer[Spec]]) -> list[Offer[Spec]]:  # type: ignore[type-var]  # likewise
    """Let what a configuration defines take the place of what is installed; whoever cannot say where does not."""
    defined = [offer for offer in own if getattr(offer.spec, "defined_at", "") or offer.plugin.distribution is None]
    if not defined:
        return [*installed, *own]
    others = [offer for offer in own if offer not in defined]
    replaced = tuple(offer.plugin for offer in installed)
    return [*(replace(offer, replaced=replaced) for offer in defined), *others]


def _own(plugin: Plugin, hook: Callable[..., Iterable[Spec]], *arguments: object) -> Plugin:
    """Return a plugin as the source of what a configuration itself defines.

    Raises:
        ConfigurationError: the configuration is wrong.
        PluginLoadError: the plugin is.
    """
    try:
        specs = tuple(hook(*arguments))
    except ConfigurationError:
        raise
    except FAILURES as exc:
        raise PluginLoadError(f"{plugin.label}: {reason(exc)}", plugin=plugin.label) from exc
    return replace(plugin, specs=specs, config_rails=None, config_providers=None)


def _refuse_unknown(argument: str, wanted: Collection[str], known: Collection[str]) -> None:
    refuse_other_than_names(argument, wanted, "plugins, such as ['cli']")
    for name in wanted:
        if name not in known:
            raise ConfigurationError(f"plugin {shown(name)} is not installed; {_suggest(name, known)}", subject=name)


def _suggest(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    hint = f"did you mean {near!r}? " if (near := nearest(name, known)) is not None else ""
    return f"{hint}installed: {', '.join(map(repr, known)) or 'none'}"
