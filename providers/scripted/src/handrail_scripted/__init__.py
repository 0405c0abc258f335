"""A language model that follows a script: for demonstrations without a key, and for tests.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_scripted._calls import Call as Call
    from handrail_scripted._provider import ScriptedProvider as ScriptedProvider
    from handrail_scripted._settings import Answer as Answer
    from handrail_scripted._settings import Script as Script
    from handrail_scripted._settings import ScriptedError as ScriptedError
    from handrail_scripted._settings import ScriptedHang as ScriptedHang
    from handrail_scripted._settings import ScriptedSettings as ScriptedSettings
    from handrail_scripted._settings import ScriptedToolCall as ScriptedToolCall
    from handrail_scripted._settings import ScriptedUsage as ScriptedUsage
    from handrail_scripted._tokens import split_tokens as split_tokens

_HOMES = {
    "_calls": ("Call",),
    "_provider": ("ScriptedProvider",),
    "_settings": (
        "Answer",
        "Script",
        "ScriptedError",
        "ScriptedHang",
        "ScriptedSettings",
        "ScriptedToolCall",
        "ScriptedUsage",
    ),
    "_tokens": ("split_tokens",),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
