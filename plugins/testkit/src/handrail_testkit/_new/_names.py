"""The names that follow from the one that an author chooses, and why one cannot be used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handrail import ConfigurationError
from handrail.plugins import ProviderSpec, RailSpec, StrategySpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handrail import Registry

PREFIX = "handrail-"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 30
_KINDS = ("rail", "provider", "strategy")


@dataclass(frozen=True, slots=True)
class Names:
    """What a package and its parts are called.

    Attributes:
        name: as the author chose it, such as `loud-words`; engines and strategies are named so in a configuration.
    """

    name: str

    @property
    def distribution(self) -> str:
        """What pip installs."""
        return PREFIX + self.name

    @property
    def package(self) -> str:
        """What Python imports."""
        return self.distribution.replace("-", "_")

    @property
    def words(self) -> str:
        """What a configuration writes for a rail."""
        return self.name.replace("-", " ")

    @property
    def stem(self) -> str:
        """What the classes' names begin with; a class of `my-rail` is `MyRail`, and not `MyRailRail`."""
        first, *words = self.name.split("-")
        if words and words[-1] in _KINDS:
            words.pop()
        return "".join(word.capitalize() for word in (first, *words))

    @property
    def variable(self) -> str:
        """The environment variable of a key."""
        return f"{self.name.replace('-', '_').upper()}_API_KEY"


def checked(name: str, registry: Registry) -> Names:
    """Return the names for a package.

    Raises:
        ConfigurationError: it cannot be called so, or something that is installed is.
    """
    if name.startswith(PREFIX):
        raise ConfigurationError(
            f"NAME is {name!r}; write {name.removeprefix(PREFIX)!r}, {PREFIX!r} is added automatically"
        )
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigurationError(
            f"NAME is {name!r}; write lower-case words joined by hyphens, such as 'loud-words': letters and digits, a "
            f"letter first, at most {_LONGEST} characters"
        )
    names = Names(name)
    for label, taken in _taken(registry):
        if taken in {names.name, names.words, names.distribution}:
            raise ConfigurationError(
                f"{taken!r} is taken by {label}, and two plugins cannot offer one name; choose another"
            )
    return names


def _taken(registry: Registry) -> Iterator[tuple[str, str]]:
    for plugin in registry.plugins:
        yield from ((plugin.label, name) for name in (plugin.distribution, plugin.name) if name)
        for spec in plugin.specs:
            if isinstance(spec, ProviderSpec | RailSpec | StrategySpec):
                yield from ((plugin.label, name) for name in (spec.name, *getattr(spec, "aliases", ())))
