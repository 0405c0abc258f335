"""Language models that run in this process: streaming, guarded, cancellable.

Names are imported when they are first used, because transformers takes seconds to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_huggingface._streamer import AsyncTextIteratorStreamer as AsyncTextIteratorStreamer
    from handrail_huggingface.pipeline import HuggingFacePipelineCompatible as HuggingFacePipelineCompatible

_HOMES = {"_streamer": ("AsyncTextIteratorStreamer",), "pipeline": ("HuggingFacePipelineCompatible",)}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
