"""Local pipelines; Handrail's own, from `handrail-huggingface`."""

from __future__ import annotations

from handrail.errors import message_of

try:
    from handrail_huggingface import AsyncTextIteratorStreamer as AsyncTextIteratorStreamer
    from handrail_huggingface import HuggingFacePipelineCompatible as HuggingFacePipelineCompatible
except ImportError as exc:
    raise ImportError(
        f"models of Hugging Face need a further package ({message_of(exc)}): "
        f'pip install "handrail-nemoguardrails[huggingface]"'
    ) from exc

__all__ = ["AsyncTextIteratorStreamer", "HuggingFacePipelineCompatible"]
