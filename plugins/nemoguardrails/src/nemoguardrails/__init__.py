"""The API of nemoguardrails on Handrail: change what is installed, and nothing else.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

import nemoguardrails.plugin  # noqa: F401  # refuses to be imported beside NVIDIA's package

if TYPE_CHECKING:
    from nemoguardrails.rails.llm.config import RailsConfig as RailsConfig
    from nemoguardrails.rails.llm.llmrails import Guardrails as Guardrails
    from nemoguardrails.rails.llm.llmrails import LLMRails as LLMRails

_HOMES = {"rails.llm.config": ("RailsConfig",), "rails.llm.llmrails": ("Guardrails", "LLMRails")}

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
