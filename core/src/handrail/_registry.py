"""The registry: which plugin serves which name. Built once, never changed, owned by whoever built it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar

from handrail._discovery import Plugin, Spec, installed_plugins, plugin_from_object
from handrail._known import PACKAGES
from handrail._specs import CommandSpec, ProviderSpec, RailSpec, StrategySpec
from handrail.errors import ConfigurationError, PluginConflictError, PluginLoadError

if TYPE_CHECKING:
    from handrail.config import RailsConfig

S = TypeVar("S", ProviderSpec, RailSpec, StrategySpec, CommandSpec)

_KINDS: dict[type[Spec], str] = {
    ProviderSpec: "engine",
    RailSpec: "rail",
    StrategySpec: "strategy",
    CommandSpec: "command",
}


@dataclass(frozen=True, slots=True)
class Offer(Generic[S]):
    """A name that a plugin serves: what it registered, and which plugin it was."""

    spec: S
    plugin: Plugin

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
        if loaded is not None and not isinstance(loaded, type):
            raise PluginLoadError(
                f"{self.plugin.label}: settings of {self.spec.name!r} are {loaded!r}; they must be a pydantic model",
                plugin=self.plugin.label,
            )
        return loaded

    def _import(self, target: object, what: str) -> object:
        if not isinstance(target, str):
            return target
        module, _, attribute = target.partition(":")
        try:
            loaded: object = import_module(module)
            for part in attribute.split("."):
                loaded = getattr(loaded, part)
        except Exception as exc:
            raise PluginLoadError(
                f"{self.plugin.label}: the {what} of {self.spec.name!r}, {target!r}, cannot be imported: "
                f"{type(exc).__name__}: {exc}",
                plugin=self.plugin.label,
            ) from exc
        return loaded


class Registry:
    """What is installed, by name. Two registries share nothing; one process may hold many."""

    def __init__(self, plugins: Iterable[Plugin] = ()) -> None:
        self._plugins = tuple(plugins)
        self._offers: dict[type[Spec], dict[str, list[Offer[Spec]]]] = {kind: {} for kind in _KINDS}  # type: ignore[type-var]  # a union of S's constraints
        for plugin in self._plugins:
            for spec in plugin.specs:
                for name in (spec.name, *getattr(spec, "aliases", ())):
                    self._offers[type(spec)].setdefault(name, []).append(Offer(spec, plugin))  # type: ignore[type-var]  # likewise

    @classmethod
    def discover(cls) -> Registry:
        """Build a registry of everything installed. A plugin that fails is listed in `plugins` with its problem."""
        return cls(installed_plugins())

    def with_plugins(self, *plugins: object) -> Registry:
        """Give a registry that has these plugins too: any objects or modules with hook implementations.

        Raises:
            PluginLoadError: one of them is not a plugin.
        """
        return Registry((*self._plugins, *map(plugin_from_object, plugins)))

    def without(self, disabled: Collection[str]) -> Registry:
        """Give a registry without these plugins, named by distribution or entry point.

        Raises:
            ConfigurationError: a name fits no plugin.
        """
        names = {name for plugin in self._plugins for name in (plugin.distribution, plugin.name) if name}
        for name in disabled:
            if name not in names:
                raise ConfigurationError(
                    f"plugins.disable names {name!r}, which is not installed; {_suggest(name, names)}"
                )
        return Registry(p for p in self._plugins if p.distribution not in disabled and p.name not in disabled)

    def for_config(self, config: RailsConfig) -> Registry:
        """Give a registry with the rails that a configuration itself defines, and without what it disables.

        Raises:
            ConfigurationError: a plugin cannot use what the configuration defines.
        """
        registry = self.without(config.plugins.disable)
        own = [
            replace(plugin, specs=tuple(plugin.config_rails(config)), config_rails=None)
            for plugin in registry.plugins
            if plugin.config_rails is not None
        ]
        return Registry((*registry.plugins, *(plugin for plugin in own if plugin.specs))) if own else registry

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """Every plugin that was found, the broken ones included."""
        return self._plugins

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

    def names(self, kind: type[Spec]) -> list[str]:
        """Every name of one kind of record, sorted; aliases included."""
        return sorted(self._offers[kind])

    def _find(self, kind: type[S], name: str) -> Offer[S]:
        offers: list[Offer[S]] = self._offers[kind].get(name, [])  # type: ignore[assignment]  # the table is keyed by kind
        if not offers:
            raise ConfigurationError(self._unknown(kind, name))
        if len(offers) > 1:
            labels = [offer.plugin.label for offer in offers]
            raise PluginConflictError(
                f"{_KINDS[kind]} {name!r} is offered by {' and by '.join(labels)}; disable one of them with "
                f"'plugins: {{disable: [{offers[0].plugin.distribution or offers[0].plugin.name}]}}'",
                plugin=labels[0],
            )
        return offers[0]

    def _unknown(self, kind: type[Spec], name: str) -> str:
        message = f"unknown {_KINDS[kind]} {name!r}; {_suggest(name, self.names(kind))}"
        if package := PACKAGES.get(name):
            message += f". It is in the package {package}: pip install {package}"
        for plugin in self._broken():
            message += f". The installed plugin {plugin.label} could not be loaded ({plugin.problem})"
        return message

    def _broken(self) -> Iterator[Plugin]:
        return (plugin for plugin in self._plugins if plugin.problem is not None)


def _suggest(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    nearest = get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{hint}installed: {', '.join(map(repr, known)) or 'none'}"
