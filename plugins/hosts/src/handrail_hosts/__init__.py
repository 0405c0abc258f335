"""Rails around models that other frameworks own; each host has a module of its own, such as `handrail_hosts.langchain`.

Names are imported when they are first used, so that finding the plugin costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_hosts._errors import AnswerRefusedError as AnswerRefusedError
    from handrail_hosts._errors import GuardFailedError as GuardFailedError
    from handrail_hosts._guard import HostGuard as HostGuard

_HOMES = {"_errors": ("AnswerRefusedError", "GuardFailedError"), "_guard": ("HostGuard",)}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
