"""Engines under the names that configurations for LangChain use.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_bridge._provider import google as google
    from handrail_bridge._provider import groq as groq
    from handrail_bridge._settings import GoogleSettings as GoogleSettings
    from handrail_bridge._settings import GroqSettings as GroqSettings

_HOMES = {
    "_provider": ("google", "groq"),
    "_settings": ("GoogleSettings", "GroqSettings"),
}

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
