"""Rails that ask models which are trained to judge.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_guard_models._safety import ContentSafetyInput as ContentSafetyInput
    from handrail_guard_models._safety import ContentSafetyOutput as ContentSafetyOutput
    from handrail_guard_models._safety import LlamaGuardInput as LlamaGuardInput
    from handrail_guard_models._safety import LlamaGuardOutput as LlamaGuardOutput
    from handrail_guard_models._topics import TopicSafety as TopicSafety

_HOMES = {
    "_safety": ("ContentSafetyInput", "ContentSafetyOutput", "LlamaGuardInput", "LlamaGuardOutput"),
    "_topics": ("TopicSafety",),
}

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
