"""A language model that follows a script: for demonstrations without a key, and for tests.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = sorted([*_MODULES, "__version__"])  # noqa: PLE0605  # built from the one table above


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
