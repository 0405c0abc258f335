"""Anthropic's Messages API, and every server that speaks it, as an engine of Handrail.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_anthropic._provider import AnthropicProvider as AnthropicProvider
    from handrail_anthropic._settings import AnthropicSettings as AnthropicSettings

_HOMES = {"_provider": ("AnthropicProvider",), "_settings": ("AnthropicSettings",)}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
