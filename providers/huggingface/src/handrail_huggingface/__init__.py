"""Language models that run in this process: streaming, guarded, cancellable.

Names are imported when they are first used, because transformers takes seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_huggingface._streamer import AsyncTextIteratorStreamer as AsyncTextIteratorStreamer
    from handrail_huggingface.pipeline import HuggingFacePipelineCompatible as HuggingFacePipelineCompatible

__all__ = ["AsyncTextIteratorStreamer", "HuggingFacePipelineCompatible"]

_MODULES = {"AsyncTextIteratorStreamer": "_streamer", "HuggingFacePipelineCompatible": "pipeline"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
