"""The API of nemoguardrails on Handrail: change what is installed, and nothing else.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

import nemoguardrails.plugin  # noqa: F401  # refuses to be imported beside NVIDIA's package

if TYPE_CHECKING:
    from nemoguardrails.guardrails.guardrails import Guardrails as Guardrails
    from nemoguardrails.llm.providers import register_provider as register_provider
    from nemoguardrails.rails.llm.config import RailsConfig as RailsConfig
    from nemoguardrails.rails.llm.llmrails import LLMRails as LLMRails
    from nemoguardrails.types import ChatMessage as ChatMessage
    from nemoguardrails.types import FinishReason as FinishReason
    from nemoguardrails.types import LLMModel as LLMModel
    from nemoguardrails.types import LLMResponse as LLMResponse
    from nemoguardrails.types import LLMResponseChunk as LLMResponseChunk
    from nemoguardrails.types import Role as Role
    from nemoguardrails.types import ToolCall as ToolCall
    from nemoguardrails.types import ToolCallFunction as ToolCallFunction
    from nemoguardrails.types import UsageInfo as UsageInfo

_HOMES = {
    "guardrails.guardrails": ("Guardrails",),
    "llm.providers": ("register_provider",),
    "rails.llm.config": ("RailsConfig",),
    "rails.llm.llmrails": ("LLMRails",),
    "types": (
        "ChatMessage",
        "FinishReason",
        "LLMModel",
        "LLMResponse",
        "LLMResponseChunk",
        "Role",
        "ToolCall",
        "ToolCallFunction",
        "UsageInfo",
    ),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
