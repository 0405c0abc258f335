"""Engines under the names that configurations for LangChain use.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_bridge._bedrock import bedrock as bedrock
    from handrail_bridge._provider import google as google
    from handrail_bridge._provider import groq as groq
    from handrail_bridge._services import service as service
    from handrail_bridge._services import tensorrt as tensorrt
    from handrail_bridge._settings import BedrockSettings as BedrockSettings
    from handrail_bridge._settings import GoogleSettings as GoogleSettings
    from handrail_bridge._settings import GroqSettings as GroqSettings
    from handrail_bridge._settings import ServiceSettings as ServiceSettings
    from handrail_bridge._settings import TensorRTSettings as TensorRTSettings
    from handrail_bridge._settings import VertexSettings as VertexSettings
    from handrail_bridge._settings import WatsonxSettings as WatsonxSettings
    from handrail_bridge._vertex import vertex as vertex
    from handrail_bridge._watsonx import watsonx as watsonx

_HOMES = {
    "_bedrock": ("bedrock",),
    "_provider": ("google", "groq"),
    "_services": ("service", "tensorrt"),
    "_settings": (
        "BedrockSettings",
        "GoogleSettings",
        "GroqSettings",
        "ServiceSettings",
        "TensorRTSettings",
        "VertexSettings",
        "WatsonxSettings",
    ),
    "_vertex": ("vertex",),
    "_watsonx": ("watsonx",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
