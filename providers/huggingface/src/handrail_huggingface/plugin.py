"""What handrail-huggingface adds: the engine `huggingface`, also under the names that configurations have for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import ProviderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def handrail_providers() -> Iterable[ProviderSpec]:
    """Offer the engine."""
    yield ProviderSpec(
        name="huggingface",
        target="handrail_huggingface.provider:HuggingFaceProvider",
        settings="handrail_huggingface.settings:HuggingFaceSettings",
        summary="Models that run in this process with Hugging Face transformers.",
        aliases=("hf_pipeline_cpu", "hf_pipeline_gpu", "huggingface_pipeline"),
    )
