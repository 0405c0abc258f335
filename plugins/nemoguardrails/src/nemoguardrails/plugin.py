"""What the package offers to Handrail: the engines that a program, or a configuration's `config.py`, registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail.plugins import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from handrail.config import RailsConfig

# The published functions have no object to register on, so this is the one table that a process has.
registered: dict[str, Any] = {}


@hookimpl
def handrail_config_providers(config: RailsConfig) -> Iterable[ProviderSpec] | None:  # noqa: ARG001  # the hook's name
    """Offer what was registered."""
    if not registered:
        return None
    from nemoguardrails._engines import engine_of

    return [ProviderSpec(name, engine_of(provider)) for name, provider in sorted(registered.items())]
