"""Loads a configuration as the rails of a connection, and reports what they do not guard."""

from __future__ import annotations

from pathlib import Path

from handrail import ConfigurationError, LLMRails, RailsConfig, Registry


def load(path: Path, registry: Registry | None = None) -> LLMRails:
    """Return the rails of a configuration, set so that they judge messages of MCP.

    Output rails stream, for arguments are pushed into them; input rails judge what tools return.

    Raises:
        ConfigurationError: it cannot be used.
    """
    config = RailsConfig.from_path(path)
    needed: dict[str, object] = {"output": {"streaming": {"enabled": True}}}
    if "tool" not in config.rails.input.roles:
        needed["input"] = {"roles": ["tool"]}
    return LLMRails(config + RailsConfig.from_content(config={"rails": needed}), registry=registry)


def unguarded(rails: LLMRails) -> tuple[str, ...]:
    """Return what passes unchecked, for want of rails.

    Raises:
        ConfigurationError: there are no rails at all, so everything would.
    """
    app = rails.composition
    if not app.input_rails and not app.output_rails:
        raise ConfigurationError(
            "the configuration has no rails; set rails.output.flows for what is sent to tools, and "
            "rails.input.flows for what they return"
        )
    missing: list[str] = []
    if not app.output_rails:
        missing.append("arguments of tools are not checked: rails.output.flows is empty")
    if not app.input_rails:
        missing.append("results of tools are not checked: rails.input.flows is empty")
    return tuple(missing)
