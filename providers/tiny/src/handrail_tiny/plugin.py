"""What handrail-tiny adds: the engine `tiny`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def handrail_providers() -> Iterable[ProviderSpec]:
    """Offer the engine."""
    yield ProviderSpec(
        name="tiny",
        target="handrail_tiny.provider:TinyProvider",
        settings="handrail_tiny.settings:TinySettings",
        summary="A very small real model that ships with its weights; no key, no download, no PyTorch.",
    )
