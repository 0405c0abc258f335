"""The dialects that are served: all that plugins offer, ours among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from handrail import ConfigurationError
from handrail.plugins import DialectSpec

from handrail_server._routes import ROUTES

if TYPE_CHECKING:
    from handrail import Registry

    from handrail_server._dialects._dialect import Dialect

_OURS = frozenset(("chat", "messages", "responses"))


def installed_dialects(registry: Registry) -> tuple[Dialect, ...]:
    """Return what plugins offer.

    Raises:
        ConfigurationError: two have one path, or one has a path of the server's own.
        PluginError: one cannot be imported, or two plugins offer it.
    """
    found: dict[str, Dialect] = {}
    for name in registry.names(DialectSpec):
        offer = registry.dialect(name)
        loaded = offer.load()
        dialect = cast("Dialect", loaded() if isinstance(loaded, type) else loaded)
        if dialect.path in found or (dialect.path in ROUTES and name not in _OURS):
            raise ConfigurationError(
                f"{offer.label}: the dialect {name!r} is served at {dialect.path!r}, which is taken"
            )
        found[dialect.path] = dialect
    return tuple(found.values())
