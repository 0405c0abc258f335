"""OpenAI, Azure OpenAI and every server that speaks their protocol, as engines of Handrail.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_openai._provider import OpenAIProvider as OpenAIProvider
    from handrail_openai._service import CredentialsError as CredentialsError
    from handrail_openai._service import Service as Service
    from handrail_openai._settings import OpenAISettings as OpenAISettings

_HOMES = {
    "_provider": ("OpenAIProvider",),
    "_service": ("CredentialsError", "Service"),
    "_settings": ("OpenAISettings",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
