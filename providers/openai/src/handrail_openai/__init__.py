"""OpenAI, Azure OpenAI and every server that speaks their protocol, as engines of Handrail.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_openai._provider import OpenAIProvider as OpenAIProvider
    from handrail_openai._settings import OpenAISettings as OpenAISettings

_MODULES = {"OpenAIProvider": "_provider", "OpenAISettings": "_settings"}

__version__ = "0.1.0"
__all__ = ["OpenAIProvider", "OpenAISettings", "__version__"]


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
