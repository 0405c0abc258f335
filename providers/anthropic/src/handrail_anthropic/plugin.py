"""What the package offers to Handrail: the engine `anthropic`."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import ProviderSpec, hookimpl


@hookimpl
def handrail_providers() -> Iterator[ProviderSpec]:
    """Offer the engine."""
    yield ProviderSpec(
        name="anthropic",
        target="handrail_anthropic:AnthropicProvider",
        settings="handrail_anthropic:AnthropicSettings",
        summary="Anthropic, and any server that speaks its Messages API.",
    )
