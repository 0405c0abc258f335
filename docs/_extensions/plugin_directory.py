"""The directive `plugin-directory`: a table of what the installed plugins offer, made from the registry."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes
from handrail import Plugin, Registry
from handrail.plugins import CommandSpec, ProviderSpec, RailSpec, Spec, StrategySpec
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_KINDS: dict[type[Spec], str] = {
    RailSpec: "rails",
    ProviderSpec: "engines",
    StrategySpec: "strategies",
    CommandSpec: "commands",
}


class PluginDirectory(SphinxDirective):
    """`{plugin-directory}`: each package with what it offers."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes("\n".join(lines(Registry.discover())))


def lines(registry: Registry) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield "| Package | Offers |"
    yield "|---|---|"
    for plugin in registry.plugins:
        page = (plugin.distribution or "").removeprefix("handrail-")
        if plugin.distribution is not None:
            yield f"| [{plugin.distribution}](packages/{page}.md) | {_offers(plugin)} |"


def _offers(plugin: Plugin) -> str:
    parts = []
    for kind, word in _KINDS.items():
        names = [f"`{spec.name}`" for spec in plugin.specs if type(spec) is kind]
        parts += [f"{word}: {', '.join(names)}"] if names else []
    if plugin.config_rails is not None or plugin.config_providers is not None:
        parts.append("what a configuration defines itself")
    return "; ".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("plugin-directory", PluginDirectory)
    return {"parallel_read_safe": True}
