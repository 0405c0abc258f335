"""OpenAI's protocol, guarded: the server as an ASGI application, and the command that runs it.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_server._app import create_app as create_app
    from handrail_server._bodies import ChatBody as ChatBody
    from handrail_server._command import server_command as server_command
    from handrail_server._dialects import Dialect as Dialect
    from handrail_server._dialects import Ended as Ended
    from handrail_server._dialects import Heading as Heading
    from handrail_server._dialects import Refusal as Refusal
    from handrail_server._dialects import Writer as Writer
    from handrail_server._errors import ApiError as ApiError
    from handrail_server._policy import Wanted as Wanted
    from handrail_server._serve import serve as serve
    from handrail_server._settings import Limits as Limits
    from handrail_server._settings import Policy as Policy
    from handrail_server._settings import ServerSettings as ServerSettings
    from handrail_server._store import MemoryStore as MemoryStore
    from handrail_server._store import ThreadStore as ThreadStore

_HOMES = {
    "_app": ("create_app",),
    "_bodies": ("ChatBody",),
    "_command": ("server_command",),
    "_dialects": ("Dialect", "Ended", "Heading", "Refusal", "Writer"),
    "_errors": ("ApiError",),
    "_policy": ("Wanted",),
    "_serve": ("serve",),
    "_settings": ("Limits", "Policy", "ServerSettings"),
    "_store": ("MemoryStore", "ThreadStore"),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
