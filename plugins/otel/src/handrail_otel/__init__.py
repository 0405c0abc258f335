"""Traces and metrics of guarded answers, by the OpenTelemetry API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_otel._observer import OTel as OTel
    from handrail_otel._settings import OTelSettings as OTelSettings

__version__ = "0.2.0"

_HOMES = {"_observer": ("OTel",), "_settings": ("OTelSettings",)}

__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
