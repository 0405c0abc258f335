"""`handrail plugins`, and the versions of `handrail --version`."""

from __future__ import annotations

import json as json_module
import platform
import sys
from typing import TYPE_CHECKING, Any

from handrail import Registry, __version__
from handrail.errors import PluginConflictError
from handrail.plugins import CommandSpec, DialectSpec, ObserverSpec, PlacementSpec, ProviderSpec, RailSpec, StrategySpec

from handrail_cli._exit import ExitCode
from handrail_cli._parameters import Flag
from handrail_cli._table import table, terminal_width, wrapped
from handrail_cli._visible import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from handrail import Plugin
    from handrail.plugins import Spec

_KINDS: Mapping[type[Spec], str] = {
    ProviderSpec: "engine",
    RailSpec: "rail",
    StrategySpec: "strategy",
    CommandSpec: "command",
    DialectSpec: "dialect",
    ObserverSpec: "observer",
    PlacementSpec: "placement",
}


_DEFINED = "Those that a configuration defines itself."


def plugins(*, json: Flag = False) -> int:
    """List what is installed: each plugin's source, version and offers, and what is broken and why.

    Exit code: 0, also if something is broken.

    Args:
        json: Write JSON.
    """
    registry = Registry.discover()
    if json:
        sys.stdout.write(json_module.dumps(as_json(registry), indent=2) + "\n")
    else:
        sys.stdout.write(visible("\n".join(as_lines(registry, terminal_width()))) + "\n")
    return ExitCode.OK


def as_json(registry: Registry) -> dict[str, Any]:
    """Describe a registry for programs."""
    return {
        "handrail": __version__,
        "python": platform.python_version(),
        "plugins": [_plugin_json(plugin) for plugin in registry.plugins],
        "conflicts": list(_conflicts(registry)),
    }


def as_lines(registry: Registry, width: int | None = None) -> Iterator[str]:
    """Describe a registry for people, in lines of at most this width."""
    for plugin in registry.plugins:
        yield f"{plugin.label}, {plugin.module}"
        if plugin.problem is not None:
            yield from _indented(f"BROKEN    {plugin.problem}")
        rows = [*map(_offer_row, plugin.specs), *((f"{kind:8}", "*", _DEFINED) for kind in _defined(plugin))]
        yield from table(rows, indent="  ", width=width)
        yield ""
    for conflict in _conflicts(registry):
        yield from wrapped(f"CONFLICT  {conflict['message']}", width=width)
    broken = sum(plugin.problem is not None for plugin in registry.plugins)
    counts = f"{len(registry.plugins)} plugins, {broken} broken"
    yield f"{counts}; handrail {__version__}, Python {platform.python_version()}"


def version_lines(registry: Registry) -> list[str]:
    """Write the version of everything that is installed, a line each."""
    versions = {"handrail": __version__}
    versions |= {plugin.distribution: plugin.version or "" for plugin in registry.plugins if plugin.distribution}
    return [*(f"{name} {version}" for name, version in versions.items()), f"Python {platform.python_version()}"]


def _indented(text: str) -> Iterator[str]:
    return ("  " + line for line in text.split("\n"))


def _offer_row(spec: Spec) -> Sequence[str]:
    aliases = getattr(spec, "aliases", ())
    also = f" Also: {', '.join(aliases)}." if aliases else ""
    return f"{_KINDS[type(spec)]:8}", spec.name, f"{spec.summary}{also}".strip()


def _defined(plugin: Plugin) -> Iterator[str]:
    """Yield the kinds of names that the plugin reads from configurations themselves."""
    if plugin.config_rails is not None:
        yield "rail"
    if plugin.config_providers is not None:
        yield "engine"


def _plugin_json(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "problem": plugin.problem,
        "offers": [
            {
                "kind": _KINDS[type(spec)],
                "name": spec.name,
                "aliases": list(getattr(spec, "aliases", ())),
                "summary": spec.summary,
                **({"directions": list(spec.directions)} if isinstance(spec, RailSpec) else {}),
            }
            for spec in plugin.specs
        ],
        "defined_by_configurations": list(_defined(plugin)),
    }


def _conflicts(registry: Registry) -> Iterator[dict[str, Any]]:
    """Yield every name that two plugins offer."""
    finders: Mapping[type[Spec], Callable[[str], object]] = {
        ProviderSpec: registry.provider,
        RailSpec: registry.rail,
        StrategySpec: registry.strategy,
        CommandSpec: registry.command,
        DialectSpec: registry.dialect,
        ObserverSpec: registry.observer,
        PlacementSpec: registry.placement,
    }
    for kind, find in finders.items():
        for name in registry.names(kind):
            try:
                find(name)
            except PluginConflictError as error:
                offering = [plugin.label for plugin in registry.plugins if _offers(plugin, kind, name)]
                yield {"kind": _KINDS[kind], "name": name, "plugins": offering, "message": str(error)}


def _offers(plugin: Plugin, kind: type[Spec], name: str) -> bool:
    return any(type(spec) is kind and name in (spec.name, *getattr(spec, "aliases", ())) for spec in plugin.specs)
