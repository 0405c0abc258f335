"""Rails that ask models which are trained to judge.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_guard_models._facts import LynxFacts as LynxFacts
    from handrail_guard_models._safety import ContentSafety as ContentSafety
    from handrail_guard_models._safety import LlamaGuard as LlamaGuard
    from handrail_guard_models._settings import ContentSafetySettings as ContentSafetySettings
    from handrail_guard_models._topics import TopicSafety as TopicSafety

_HOMES = {
    "_facts": ("LynxFacts",),
    "_safety": ("ContentSafety", "LlamaGuard"),
    "_settings": ("ContentSafetySettings",),
    "_topics": ("TopicSafety",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
