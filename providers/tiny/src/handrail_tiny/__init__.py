"""A very small real language model that ships with its weights: the engine `tiny`."""

from __future__ import annotations

from handrail_tiny._paths import MODEL_PATH as MODEL_PATH

__all__ = ["MODEL_PATH"]
