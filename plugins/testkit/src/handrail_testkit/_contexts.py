"""Makes what the kernel hands to a plugin's constructor, from the configuration that a user would write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail import ProviderContext
from handrail.config import RailsConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


def provider_context(
    engine: str,
    *,
    model: str | None = "test-model",
    parameters: Mapping[str, Any] | None = None,
    api_key_env_var: str | None = None,
) -> ProviderContext:
    """Return the context of a provider that is configured as the main model."""
    entry = {
        "type": "main",
        "engine": engine,
        "model": model,
        "parameters": dict(parameters or {}),
        "api_key_env_var": api_key_env_var,
    }
    config = RailsConfig.from_content(config={"models": [{k: v for k, v in entry.items() if v is not None}]})
    return ProviderContext(config.models[0], config)
