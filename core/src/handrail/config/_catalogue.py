"""What a configuration's schema asks of whoever knows the plugins; a `Registry` has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from handrail._specs import Spec


class PluginInfo(Protocol):
    """A plugin, as a schema names it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def distribution(self) -> str | None:
        """The installed distribution it comes from."""
        ...

    @property
    def label(self) -> str:
        """The plugin as a person is told of it."""
        ...

    @property
    def config_rails(self) -> object:
        """Set if it reads rails from the configuration itself."""
        ...

    @property
    def config_providers(self) -> object:
        """Set if it reads engines from the configuration itself."""
        ...


class Offered(Protocol):
    """A name that a plugin serves."""

    @property
    def spec(self) -> Any:
        """What the plugin registered under the name."""
        ...

    @property
    def plugin(self) -> PluginInfo:
        """Whose it is."""
        ...

    def load_settings(self) -> type | None:
        """Import the model of its settings, if it has one. Raises HandrailError if that fails."""
        ...


class Catalogue(Protocol):
    """Which plugin serves which name. Finding a name raises HandrailError if it is not to be had."""

    @property
    def plugins(self) -> Sequence[PluginInfo]:
        """Every plugin."""
        ...

    def names(self, kind: type[Spec]) -> list[str]:
        """Return every name of one kind, sorted."""
        ...

    def provider(self, name: str) -> Offered:
        """Return the engine of this name."""
        ...

    def rail(self, name: str) -> Offered:
        """Return the rail of this name."""
        ...

    def strategy(self, name: str) -> Offered:
        """Return the strategy of this name."""
        ...

    def placement(self, name: str) -> Offered:
        """Return the placement of this name."""
        ...
