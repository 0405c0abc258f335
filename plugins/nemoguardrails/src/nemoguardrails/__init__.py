"""The API of nemoguardrails on Handrail: change what is installed, and nothing else.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import nemoguardrails.plugin  # noqa: F401  # refuses to be imported beside NVIDIA's package

if TYPE_CHECKING:
    from nemoguardrails.rails.llm.config import RailsConfig as RailsConfig
    from nemoguardrails.rails.llm.llmrails import Guardrails as Guardrails
    from nemoguardrails.rails.llm.llmrails import LLMRails as LLMRails

_HOMES = {"Guardrails": "rails.llm.llmrails", "LLMRails": "rails.llm.llmrails", "RailsConfig": "rails.llm.config"}

__version__ = "0.1.0"
__all__ = ["Guardrails", "LLMRails", "RailsConfig", "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
