"""Rails for what a model asks of tools.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_tools._rail import ToolCallValidation as ToolCallValidation
    from handrail_tools._settings import ToolSettings as ToolSettings

_HOMES = {"_rail": ("ToolCallValidation",), "_settings": ("ToolSettings",)}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
