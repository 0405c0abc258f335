"""What the package offers to Handrail."""

from __future__ import annotations

from collections.abc import Iterator

from handrail.plugins import ProviderSpec, hookimpl


@hookimpl
def handrail_providers() -> Iterator[ProviderSpec]:
    """Offer the engine."""
    yield ProviderSpec(
        name="teleprinter",
        target="handrail_teleprinter.provider:TeleprinterProvider",
        settings="handrail_teleprinter.settings:TeleprinterSettings",
        summary="A model that speaks the teleprinter protocol over TCP.",
    )
