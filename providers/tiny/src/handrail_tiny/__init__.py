"""A very small real language model that ships with its weights: the engine `tiny`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_tiny._paths import MODEL_PATH as MODEL_PATH

_HOMES = {"_paths": ("MODEL_PATH",)}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
