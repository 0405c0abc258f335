"""Guards for the Model Context Protocol: a proxy around any server, and the rails as a server themselves.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_mcp._guard import Guard as Guard
    from handrail_mcp._guard import Outcome as Outcome
    from handrail_mcp._rails import load as load

_HOMES = {"_guard": ("Guard", "Outcome"), "_rails": ("load",)}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
