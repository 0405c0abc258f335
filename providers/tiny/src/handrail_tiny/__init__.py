"""A very small real language model that ships with its weights: the engine `tiny`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_tiny._paths import MODEL_PATH as MODEL_PATH

__all__ = ["MODEL_PATH"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from handrail_tiny import _paths

    return getattr(_paths, name)
