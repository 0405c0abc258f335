"""Local pipelines; Handrail's own, from `handrail-huggingface`."""

from __future__ import annotations

try:
    from handrail_huggingface import AsyncTextIteratorStreamer as AsyncTextIteratorStreamer
    from handrail_huggingface import HuggingFacePipelineCompatible as HuggingFacePipelineCompatible
except ImportError as exc:
    raise ImportError(
        f"models of Hugging Face need a further package ({exc}): pip install 'handrail-nemoguardrails[huggingface]'"
    ) from exc

__all__ = ["AsyncTextIteratorStreamer", "HuggingFacePipelineCompatible"]
