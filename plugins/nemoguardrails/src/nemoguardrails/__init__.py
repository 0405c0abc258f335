"""The API of nemoguardrails on Handrail: change what is installed, and nothing else."""

from __future__ import annotations

from nemoguardrails._refusal import refuse_other_package

refuse_other_package()

from nemoguardrails.rails.llm.config import RailsConfig as RailsConfig  # noqa: E402  # refuse before anything else
from nemoguardrails.rails.llm.llmrails import LLMRails as LLMRails  # noqa: E402

Guardrails = LLMRails
__version__ = "0.1.0"
__all__ = ["Guardrails", "LLMRails", "RailsConfig", "__version__"]
