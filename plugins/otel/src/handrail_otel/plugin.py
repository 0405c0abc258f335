"""What the package offers to Handrail: the observer `otel`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import ObserverSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def handrail_observers() -> Iterator[ObserverSpec]:
    """Offer the observer."""
    yield ObserverSpec(
        "otel",
        "handrail_otel._observer:OTel",
        settings="handrail_otel._settings:OTelSettings",
        summary="Traces and metrics by OpenTelemetry.",
    )
