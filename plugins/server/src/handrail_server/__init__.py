"""OpenAI's protocol, guarded: the server as an ASGI application, and the command that runs it.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from handrail_server._app import create_app as create_app
    from handrail_server._settings import Limits as Limits
    from handrail_server._settings import Policy as Policy
    from handrail_server._settings import ServerSettings as ServerSettings
    from handrail_server._store import MemoryStore as MemoryStore
    from handrail_server._store import ThreadStore as ThreadStore

_HOMES = {
    "_app": ("create_app",),
    "_settings": ("Limits", "Policy", "ServerSettings"),
    "_store": ("MemoryStore", "ThreadStore"),
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
